"""`tilt analytics`."""

import sys

import click

from pytilt.cli.flags import TiltCommand


@click.command("analytics", cls=TiltCommand)
@click.argument("verb", type=click.Choice(["opt"]))
@click.argument("choice", type=click.Choice(["in", "out", "default"]))
def command(verb: str, choice: str) -> None:
    """Accepted, since scripts for Tilt call it: there are no analytics, nothing is ever sent to anybody.

    \b
    Example:
      tilt analytics opt out
    """
    print(f"`{verb} {choice}` changes nothing here: nothing is sent to anybody", file=sys.stderr)
