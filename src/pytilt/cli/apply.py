"""`tilt apply`."""

import click

from pytilt.cli.addressing import manifests
from pytilt.cli.client import SessionClient
from pytilt.cli.flags import TiltCommand
from pytilt.cli.options import session_options
from pytilt.errors import NotFoundError
from pytilt.settings import Settings


@click.command("apply", cls=TiltCommand)
@click.option("-f", "--filename", "files", multiple=True, required=True, help="A file with objects; `-` for stdin.")
@session_options
def command(files: tuple[str, ...], host: str | None, port: int | None) -> None:
    """Make objects of a running session as files say, or change them to that.

    \b
    Examples:
      tilt apply -f button.yaml
      generate | tilt apply -f -
    """
    client = SessionClient(Settings.from_environment(), host, port)
    for address, wanted in manifests(files):
        plural = address.kind.resource
        try:
            before = client.get(plural, address.name)
        except NotFoundError:
            client.create(plural, wanted)
            done = "created"
        else:
            metadata = {name: value for name, value in wanted["metadata"].items() if name != "resourceVersion"}
            after = client.replace(plural, address.name, {**wanted, "metadata": metadata})
            same = after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
            done = "unchanged" if same else "configured"
        print(f"{address.shown} {done}", flush=True)
