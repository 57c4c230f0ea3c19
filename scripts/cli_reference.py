#!/usr/bin/env python3
"""Writes `docs/cli.md` from the commands themselves: `python scripts/cli_reference.py`.

The words are chosen here and not by click, whose own differ from one version to the next.
"""

import inspect
from pathlib import Path

import click

from pytilt.cli.main import COMMANDS
from pytilt.cli.program import tilt

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"

INTRODUCTION = """\
# Command line

Every command ends with 0 for success and 1 for any error, which is printed to stderr with a hint about what to do. Data
goes to stdout, everything else to stderr. `-h` or `--help` prints the text of this page.

Ctrl-C ends any command quietly: `tilt up` with 0, the others with 130. What it had started ends with it. A command
whose output nobody reads any more (`tilt logs -f | head`) ends without a word; a session then ends with 141.

The log of a session is kept in `~/.tilt-dev/sessions` (TILT_DEV_DIR) after its end: the last five sessions, two weeks,
and 2 GB in all at most; older ones go when another begins. The file `log` has the newest lines, `log.1`, `log.2`
and so on those before, oldest first: a line of JSON says whose the lines after it are, when they came, and how many
they are. Each file goes on for a day or 64 MB; of a session 1 GB is kept (TILT_LOG_SIZE, for example `200M`). While the
disk is full, up to 256 MB wait in memory, and a warning says so. What a program writes over, as progress bars do, is
kept in its last state.

Commands that ask a running session ask that of the project they are run in; `--host` and `--port`, or TILT_HOST and
TILT_PORT, name another one. See [sessions](sessions.md).
"""


def reference() -> str:
    """The whole page."""
    context = click.Context(tilt, info_name="tilt")
    return "\n".join([INTRODUCTION, *(_section(context, name) for name in COMMANDS)])


def _section(context: click.Context, name: str) -> str:
    command = tilt.get_command(context, name)
    assert command is not None
    inner = command.commands.items() if isinstance(command, click.Group) else ()
    parts = [_of_command(command, f"tilt {name}", "##")]
    return "\n".join([*parts, *(_of_command(each, f"tilt {name} {word}", "###") for word, each in inner)])


def _of_command(command: click.Command, name: str, mark: str) -> str:
    text, _, examples = inspect.cleandoc(command.help or "").partition("\b\n")
    arguments = (_argument(each) for each in command.params if isinstance(each, click.Argument))
    synopsis = " ".join([name, "[OPTIONS]", *arguments])
    lines = [f"{mark} {name}", "", f"    {synopsis}", "", text.strip(), ""]
    flags = [_flag(each) for each in command.params if isinstance(each, click.Option) and not each.hidden]
    if flags:
        lines += ["| flag | |", "|---|---|", *flags, ""]
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


if __name__ == "__main__":
    PAGE.write_text(reference())
