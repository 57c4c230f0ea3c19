"""Writes `docs/cli.md` from the commands themselves: `python scripts/cli_reference.py`."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from pytilt.cli.main import COMMANDS, tilt

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"

INTRODUCTION = """\
# Command line

Every command ends with 0 for success and 1 for any error, which stands on stderr with a hint about what to do. Data
goes to stdout, everything else to stderr. `-h` or `--help` tells what stands here.

Commands that ask a running session find it at `--host` and `--port`, or by TILT_HOST and TILT_PORT.
"""


def reference() -> str:
    """The whole page."""
    context = click.Context(tilt, info_name="tilt")
    return "\n".join([INTRODUCTION, *(_section(context, name) for name in COMMANDS)])


def _section(context: click.Context, name: str) -> str:
    command = tilt.get_command(context, name)
    assert command is not None
    own = click.Context(command, info_name=name, parent=context)
    text, _, examples = inspect.cleandoc(command.help or "").partition("\b\n")
    synopsis = " ".join(["tilt", name, *command.collect_usage_pieces(own)])
    lines = [f"## tilt {name}", "", f"    {synopsis}", "", text.strip(), ""]
    flags = list(_flags(command, own))
    if flags:
        lines += ["| flag | |", "|---|---|", *flags, ""]
    _, *shown = examples.rstrip().splitlines()
    return "\n".join([*lines, *(f"    {line.strip()}" for line in shown), ""])


def _flags(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.params:
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is not None:
            names, text = (part.replace("|", "\\|") for part in record)
            yield f"| `{names}` | {text} |"


if __name__ == "__main__":
    PAGE.write_text(reference())
