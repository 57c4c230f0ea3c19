"""The commands in Markdown, for `docs/cli.md` and `tilt dump cli-docs`, made of the commands themselves.

The words are chosen here and not by click, whose own differ from one version to the next.
"""

import inspect
from collections.abc import Iterator

import click

from pytilt.cli.command_line.flags import inert_options


def sections(command: click.Command, name: str, mark: str = "##") -> Iterator[tuple[str, str]]:
    """The section of a command, and those of the commands inside of it, with their names.

    Args:
        command: the command.
        name: how it is called: `tilt create`.
        mark: of its heading.
    """
    yield name, _section(command, name, mark)
    if isinstance(command, click.Group):
        for word, each in command.commands.items():
            yield from sections(each, f"{name} {word}", f"{mark}#")


def _section(command: click.Command, name: str, mark: str) -> str:
    text, _, examples = inspect.cleandoc(command.help or "").partition("\b\n")
    arguments = (_argument(each) for each in command.params if isinstance(each, click.Argument))
    synopsis = " ".join([name, "[OPTIONS]", *arguments])
    lines = [f"{mark} {name}", "", f"    {synopsis}", "", text.strip(), ""]
    flags = [_flag(each) for each in command.params if isinstance(each, click.Option) and not each.hidden]
    if flags:
        lines += ["| flag | |", "|---|---|", *flags, ""]
    inert = [f"`{names.replace(', ', '`, `')}` ({why})" for names, why in inert_options(command.params)]
    if inert:
        lines += [f"Accepted without effect: {'; '.join(inert)}.", ""]
    _, *shown = examples.rstrip().splitlines()
    return "\n".join([*lines, *(f"    {line.strip()}" for line in shown), ""])


def _argument(argument: click.Argument) -> str:
    assert argument.name is not None
    name = argument.name.upper() if argument.required else f"[{argument.name.upper()}]"
    return f"{name}..." if argument.nargs == -1 else name


def _flag(option: click.Option) -> str:
    names = ", ".join(option.opts)
    notes = ""
    if option.required:
        notes = " Required."
    elif option.show_default:
        notes = f" Default: `{option.default}`."
    return f"| `{names}{_value(option)}` | {option.help}{notes} |"


def _value(option: click.Option) -> str:
    """The word for what follows an option; nothing does where it is a switch."""
    if option.is_flag:
        return ""
    if isinstance(option.type, click.Choice):
        return " " + "\\|".join(map(str, option.type.choices))
    if isinstance(option.type, click.types.BoolParamType):
        return "=true\\|false"
    return " NUMBER" if isinstance(option.type, click.IntRange) else " TEXT"
