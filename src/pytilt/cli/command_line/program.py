"""The commands as click knows them: for help, mistakes, completion, and what else `parsing` leaves to it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import click

from pytilt import BUILD, __version__
from pytilt.cli.command_line.commands import INTERRUPTED, CommandGroup, Subcommand
from pytilt.cli.command_line.flags import TiltCommand, TiltGroup, separate
from pytilt.cli.command_line.parsing import Argument, IntRange, OneOf, Option, ValueType
from pytilt.cli.command_line.table import COMMANDS, command_named
from pytilt.errors import UserError


class _NeverRaisedError(click.UsageError):
    """Stands for an error that older versions of click do not have."""


_ASKS_FOR_HELP: type[click.UsageError] = getattr(click.exceptions, "NoArgsIsHelpError", _NeverRaisedError)
"""A command that needs another one stands alone; click before 8.2 answers by itself."""


class Commands(click.Group):
    """The subcommands, imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command of this name."""
        return as_click(command_named(cmd_name)) if cmd_name in COMMANDS else None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the flags before the subcommand."""
        kept, _ = separate(self.params, args, quiet=ctx.resilient_parsing, group=True)
        return super().parse_args(ctx, kept)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names.

        Raises:
            UserError: there is none.
        """
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            raise UserError(f"No such command '{name}'", hint=_instead(name))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List them without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, said) in COMMANDS.items()])


def _instead(name: str) -> str:
    from difflib import get_close_matches  # imported here: only a mistake needs it

    close = get_close_matches(name, COMMANDS, n=1)
    return f"is it `tilt {close[0]}`?" if close else "`tilt --help` lists the commands"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", message=BUILD)
def tilt() -> None:
    """Several services on Kubernetes, fresh while you write them.

    \b
    Examples:
      tilt up                 build and deploy what the Tiltfile says, then watch the files
      tilt up web -- --debug  only `web` and what it needs, with arguments for the Tiltfile
      tilt ci                 one round for a pipeline
      tilt down               remove it all
    """


def run_program(words: list[str]) -> object:
    """Run a command line by click.

    Returns:
        What the command returned, or the exit code of a command line that has a mistake, or that was interrupted.
    """
    try:
        return tilt.main(args=words, prog_name="tilt", standalone_mode=False)
    except click.ClickException as problem:
        if isinstance(problem, _ASKS_FOR_HELP) and problem.ctx is not None:
            print(problem.ctx.get_help())
            return 0
        problem.show()
        return 1
    except click.Abort:
        return INTERRUPTED


class _ClickGroup(TiltGroup):
    """The commands below another one, by every word that means them."""

    def __init__(self, declared: CommandGroup) -> None:
        super().__init__(
            declared.name,
            help=declared.body.__doc__,
            callback=partial(_alone, declared),
            params=_params(declared),
            invoke_without_command=declared.alone,
            commands={name: as_click(each) for name, each in declared.commands.items()},
        )
        self._declared = declared

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command that a word means."""
        find = self._declared.find
        return super().get_command(ctx, find(cmd_name) if find else cmd_name)


def _alone(declared: CommandGroup, **values: object) -> object:
    alone = click.get_current_context().invoked_subcommand is None
    return declared.body(**values) if alone else None


def as_click(declared: Subcommand | CommandGroup) -> click.Command:
    """A command of click's for one that is declared, with all below it."""
    if isinstance(declared, CommandGroup):
        return _ClickGroup(declared)
    kind = click.Command if declared.passes_on else TiltCommand
    first = declared.passes_on or declared.options_first
    return kind(
        declared.name,
        help=declared.body.__doc__,
        callback=declared.body,
        params=_params(declared),
        context_settings={"ignore_unknown_options": declared.passes_on, "allow_interspersed_args": not first},
    )


def _params(declared: Subcommand | CommandGroup) -> list[click.Parameter]:
    return [_option(each) if isinstance(each, Option) else _argument(each) for each in declared.params]


def _option(option: Option) -> click.Option:
    given: dict[str, Any] = {
        "help": option.help,
        "is_flag": option.is_flag,
        "default": option.default,
        "type": _type(option.type),
        "multiple": option.multiple,
        "required": option.required,
        "metavar": option.metavar,
        "show_default": option.show_default,
        "hidden": option.hidden,
        "flag_value": option.bare,
        "callback": option.convert and partial(_converted, option.convert),
    }
    if option.bare is not None:
        return click.Option([*option.words, option.name], expose_value=option.exposed, is_flag=False, **_said(given))
    return click.Option([*option.words, option.name], expose_value=option.exposed, **_said(given))


def _converted(convert: Callable[[object], object], _: click.Context, __: click.Parameter, value: object) -> object:
    return convert(value)


def _argument(argument: Argument) -> click.Argument:
    given: dict[str, Any] = {
        "nargs": -1 if argument.several else 1,
        "default": argument.default,
        "type": _type(argument.type),
        "metavar": argument.metavar,
    }
    return click.Argument([argument.name], required=argument.required, **_said(given))


def _said(given: dict[str, Any]) -> dict[str, Any]:
    """What a declaration says: for click, None and False are words like others, and not the same as none."""
    return {name: value for name, value in given.items() if value not in (None, False)}


def _type(kind: ValueType | None) -> "click.ParamType[Any] | None":
    if isinstance(kind, OneOf):
        return click.Choice(kind.words)
    return click.IntRange(kind.least, kind.most) if isinstance(kind, IntRange) else None
