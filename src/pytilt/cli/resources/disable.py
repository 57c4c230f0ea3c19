"""`tilt disable`."""

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import SESSION_OPTIONS
from pytilt.cli.command_line.parsing import Argument, Option
from pytilt.cli.resources.enable import chosen_resources, switched
from pytilt.settings import Settings


@subcommand(
    "disable",
    Argument("names", several=True),
    Option("--all", "every", is_flag=True, help="All resources."),
    Option("-l", "--labels", multiple=True, help="Resources with this label; may be repeated."),
    *SESSION_OPTIONS,
)
def command(names: tuple[str, ...], every: bool, labels: tuple[str, ...], host: str | None, port: int | None) -> None:
    """Disable resources of a running session: their objects are deleted, their processes end.

    \b
    Examples:
      tilt disable web
      tilt disable --all
    """
    client = SessionClient(Settings.from_environment(), host, port)
    if switched(client, names, every=every, labels=labels, enabled=False):
        return
    chosen, _ = chosen_resources(client, names, every=every, labels=labels)
    client.post("/api/enable", {"names": chosen, "enabled": False})
