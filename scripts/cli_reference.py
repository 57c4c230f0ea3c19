#!/usr/bin/env python3
"""Writes `docs/cli.md` from the commands themselves: `python scripts/cli_reference.py`."""

from pathlib import Path

import click

from pytilt.cli.command_line.program import tilt
from pytilt.cli.command_line.reference import sections
from pytilt.cli.command_line.table import COMMANDS

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

Flags may be written as Tilt's and kubectl's may: `--stream=true`, `-o=json`. Those of kubectl that have nothing to
act on in a session are accepted and change nothing, and are not listed here: `--validate`, `--field-manager`,
`--save-config`, `--cascade`, `--grace-period`, `--force` of `tilt delete`, `--server-side`,
`--show-managed-fields`, `-A` and the like.
"""


def reference() -> str:
    """The whole page."""
    context = click.Context(tilt, info_name="tilt")
    commands = ((name, tilt.get_command(context, name)) for name in COMMANDS)
    found = [text for name, each in commands if each is not None for _, text in sections(each, f"tilt {name}")]
    return "\n".join([INTRODUCTION, *found])


if __name__ == "__main__":
    PAGE.write_text(reference())
