"""`tilt analytics`."""

import click

from pytilt.cli.flags import TiltCommand

NOTHING = "nothing is sent to anybody: there is no analytics here"


@click.group("analytics", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Say that nothing is sent to anybody.

    \b
    Example:
      tilt analytics
    """
    if context.invoked_subcommand is None:
        print(NOTHING)


@command.command("opt", cls=TiltCommand)
@click.argument("choice", type=click.Choice(["in", "out", "default"]))
def opt(choice: str) -> None:
    """Accept a choice, which changes nothing: nothing is sent either way.

    \b
    Example:
      tilt analytics opt out
    """
    del choice
    print(NOTHING)
