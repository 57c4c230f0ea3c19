"""`tilt trigger`."""

import click

from pytilt.cli.client import SessionClient
from pytilt.cli.flags import TiltCommand
from pytilt.cli.options import session_options
from pytilt.errors import UserError
from pytilt.model.updates import Reason
from pytilt.settings import Settings


@click.command("trigger", cls=TiltCommand)
@click.argument("name")
@session_options
def command(name: str, host: str | None, port: int | None) -> None:
    """Start an update of the resource NAME.

    \b
    Example:
      tilt trigger web
    """
    client = SessionClient(Settings.from_environment(), host, port)
    refusal = client.post("/api/trigger", {"manifest_names": [name], "build_reason": int(Reason.CLI_TRIGGER)})
    if refusal:
        raise UserError(refusal, hint=f"enable it first: `tilt enable {name}`" if "disabled" in refusal else None)
    print(f'Successfully triggered update for resource: "{name}"')
