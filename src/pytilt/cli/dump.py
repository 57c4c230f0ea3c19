"""`tilt dump`."""

import sys

import click
import msgspec

from pytilt.cli.client import SessionClient
from pytilt.cli.flags import TiltCommand
from pytilt.cli.options import session_options
from pytilt.settings import Settings
from pytilt.views.api import kinds


@click.command("dump", cls=TiltCommand)
@click.argument("what", type=click.Choice(["engine"]))
@session_options
def command(what: str, host: str | None, port: int | None) -> None:
    """Print all that a running session knows but for its log, as JSON; the form may change with every version.

    \b
    Example:
      tilt dump engine
    """
    del what
    client = SessionClient(Settings.from_environment(), host, port)
    everything = {kind.plural: client.items(kind.plural)["items"] for kind in kinds()}
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(everything), indent=2).decode() + "\n")
