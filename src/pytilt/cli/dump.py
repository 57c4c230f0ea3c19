"""`tilt dump`."""

import sys

import click
import msgspec

from pytilt.cli.client import Client
from pytilt.cli.flags import Command
from pytilt.cli.options import session_options
from pytilt.settings import Settings
from pytilt.views.api import kinds


@click.command("dump", cls=Command)
@click.argument("what", type=click.Choice(["engine"]))
@session_options
def command(what: str, host: str | None, port: int | None) -> None:
    """Print all that a running session knows but for its log, as JSON; the form may change with every version.

    \b
    Example:
      tilt dump engine
    """
    del what
    client = Client(Settings.from_environment(), host, port)
    everything = {kind.plural: client.items(kind.plural)["items"] for kind in kinds()}
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(everything), indent=2).decode() + "\n")
