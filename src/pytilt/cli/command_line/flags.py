"""Flags as Tilt's command line reads them (pflag): `--stream=false`, `-o=json`, and those that every command knows."""

import sys
from collections.abc import Mapping, Sequence

import click

from pytilt.cli.command_line.parsing import FALSE, TRUE
from pytilt.errors import UserError

LOGGED = "the log has all lines anyway"
EVERYWHERE: Mapping[str, str] = {
    "-d": LOGGED,
    "--debug": LOGGED,
    "-v": LOGGED,
    "--verbose": LOGGED,
    "--klog": "there is no library with a log of its own",
}
"""Flags of Tilt's that every command knows, and why they change nothing here."""


INERT = "Changes nothing here"
"""How the help of an option begins that is accepted, and has nothing to change."""


def inert_options(params: Sequence[click.Parameter]) -> list[tuple[str, str]]:
    """The options that are accepted without effect and are not listed among the others: their names, and why."""
    reasons: dict[str, list[str]] = {}
    for each in params:
        if isinstance(each, click.Option) and each.hidden and (each.help or "").startswith(INERT):
            why = (each.help or "").removeprefix(INERT).removeprefix(":").strip().rstrip(".")
            reasons.setdefault(why, []).append(next(name for name in each.opts if name.startswith("--")))
    return [(", ".join(names), why) for why, names in reasons.items()]


class _WithInertOptions(click.Command):
    """A command whose help names the options last that are accepted without effect."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the options."""
        super().format_options(ctx, formatter)
        if inert := inert_options(self.params):
            with formatter.section("Accepted without effect"):
                formatter.write_dl(inert)


class TiltCommand(_WithInertOptions):
    """A command whose flags may be written as Tilt's may."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words that follow the command's name."""
        alone = not ctx.allow_interspersed_args  # what follows the first word belongs to another command
        kept, switches = separate(self.params, args, quiet=ctx.resilient_parsing, group=alone)
        rest = super().parse_args(ctx, kept)
        ctx.params.update(switches)
        return rest


class TiltGroup(_WithInertOptions, click.Group):
    """A command with commands of its own, and flags before their names."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the flags before the subcommand."""
        kept, switches = separate(self.params, args, quiet=ctx.resilient_parsing, group=True)
        rest = super().parse_args(ctx, kept)
        ctx.params.update(switches)
        return rest


def separate(
    params: Sequence[click.Parameter], words: Sequence[str], *, quiet: bool = False, group: bool = False
) -> tuple[list[str], dict[str, bool]]:
    """Take the switches out of a command line, since click takes no value for them.

    Args:
        params: what the command knows.
        words: the command line.
        quiet: say nothing of flags that change nothing.
        group: stop at the first word that is no flag: the subcommand.

    Returns:
        The words that are left for click, and the switches that were named; the last one counts.

    Raises:
        UserError: a switch has a value that is none.
    """
    options = {name: each for each in params if isinstance(each, click.Option) for name in each.opts}
    kept: list[str] = []
    switches: dict[str, bool] = {}
    left = list(words)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        option = options.get(name)
        if word == "--" or (group and not word.startswith("-")):
            return [*kept, word, *left], switches
        if name in EVERYWHERE and option is None:
            if name == "--klog" and not equals and left:
                value = left.pop(0)
            if not quiet and value not in FALSE:
                print(f"`{name}` changes nothing here: {EVERYWHERE[name]}", file=sys.stderr)
        elif option is None or not word.startswith("-"):
            kept.append(word)
        elif is_switch(option):
            on = truth(name, value if equals else "true")
            switches |= {str(option.name): on} if option.expose_value else {}
        elif isinstance(option.flag_value, str) and not option.is_flag and not equals:
            kept.append(f"{name}={option.flag_value}")  # as in pflag, the next word is not its value
        else:
            kept += _with_value(word, left)
    return kept, switches


def is_switch(option: click.Option) -> bool:
    """Is it a flag that is on or off?"""
    return option.is_flag and not option.is_eager and isinstance(option.type, click.types.BoolParamType)


def truth(name: str, text: str) -> bool:
    """The truth value of a switch.

    Raises:
        UserError: it is none.
    """
    if text in TRUE or text in FALSE:
        return text in TRUE
    raise UserError(f'invalid argument "{text}" for "{name}" flag', hint=f"use `{name}=true` or `{name}=false`")


def _with_value(word: str, left: list[str]) -> list[str]:
    """An option that takes a value, with its value, as click takes it."""
    name, equals, value = word.partition("=")
    if equals and not word.startswith("--"):
        return [name, value]
    if not equals and left:
        return [word, left.pop(0)]
    return [word]
