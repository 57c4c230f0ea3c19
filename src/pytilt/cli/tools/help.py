"""`tilt help`."""

import click

from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.parsing import Argument


@subcommand(
    "help",
    Argument("names", several=True),
)
def command(names: tuple[str, ...]) -> None:
    """Print how a command is used; without a name, the list of all.

    \b
    Example:
      tilt help up
    """
    from pytilt.cli.command_line.program import tilt

    context = click.Context(tilt, info_name="tilt")
    if not names:
        print(tilt.get_help(context))
        return
    _, found, _ = tilt.resolve_command(context, list(names))
    assert found is not None
    print(found.get_help(click.Context(found, info_name=names[0], parent=context)))
