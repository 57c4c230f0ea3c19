"""`tilt disable`."""

import click

from pytilt.cli.client import SessionClient
from pytilt.cli.enable import chosen_resources
from pytilt.cli.flags import TiltCommand
from pytilt.cli.options import session_options
from pytilt.settings import Settings


@click.command("disable", cls=TiltCommand)
@click.argument("names", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All resources.")
@click.option("-l", "--labels", multiple=True, help="Resources with this label; may be repeated.")
@session_options
def command(names: tuple[str, ...], every: bool, labels: tuple[str, ...], host: str | None, port: int | None) -> None:
    """Disable resources of a running session: their objects are deleted, their processes end.

    \b
    Examples:
      tilt disable web
      tilt disable --all
    """
    client = SessionClient(Settings.from_environment(), host, port)
    chosen, _ = chosen_resources(client, names, every=every, labels=labels)
    client.post("/api/enable", {"names": chosen, "enabled": False})
