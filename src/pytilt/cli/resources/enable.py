"""`tilt enable`, and which resources a command line means."""

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import SESSION_OPTIONS
from pytilt.cli.command_line.parsing import Argument, Option
from pytilt.errors import UserError
from pytilt.model.api.words import TILTFILE
from pytilt.settings import Settings


@subcommand(
    "enable",
    Argument("names", several=True),
    Option("--all", "every", is_flag=True, help="All resources."),
    Option("--only", is_flag=True, help="Disable all others."),
    Option("-l", "--labels", multiple=True, help="Resources with this label; may be repeated."),
    *SESSION_OPTIONS,
)
def command(
    names: tuple[str, ...], every: bool, only: bool, labels: tuple[str, ...], host: str | None, port: int | None
) -> None:
    """Enable resources of a running session.

    \b
    Examples:
      tilt enable web cart
      tilt enable --only web
      tilt enable -l backend
    """
    if every and only:
        raise UserError("cannot use --all with --only")
    client = SessionClient(Settings.from_environment(), host, port)
    if not only and switched(client, names, every=every, labels=labels, enabled=True):
        return
    chosen, others = chosen_resources(client, names, every=every, labels=labels)
    if only:
        client.post("/api/enable", {"names": others, "enabled": False})
    client.post("/api/enable", {"names": chosen, "enabled": True})


def switched(
    client: SessionClient, names: tuple[str, ...], *, every: bool, labels: tuple[str, ...], enabled: bool
) -> bool:
    """Enable or disable resources that are all named, at once; False where others are meant, or one is not there."""
    if not names or every or labels or TILTFILE in names:
        return False
    try:
        client.post("/api/enable", {"names": list(names), "enabled": enabled})
    except UserError:
        return False
    return True


def chosen_resources(
    client: SessionClient, names: tuple[str, ...], *, every: bool, labels: tuple[str, ...]
) -> tuple[list[str], list[str]]:
    """The resources that a command line names, and all others.

    Raises:
        UserError: it names none, or one that is not there.
    """
    if every and names:
        raise UserError("cannot use --all with resource names")
    if not (names or every or labels):
        raise UserError("must specify at least one resource")
    rows = {each["metadata"]["name"]: each for each in client.items("uiresources")["items"]}
    rows.pop(TILTFILE, None)
    for name in names:
        if name == TILTFILE:
            raise UserError(f"{TILTFILE} cannot be enabled or disabled")
        if name not in rows:
            raise UserError(f'no such resource "{name}"', hint=f"there are: {', '.join(rows)}")
    labelled = {name for name, row in rows.items() if set(labels) & row["metadata"].get("labels", {}).keys()}
    chosen = [name for name in rows if every or name in names or name in labelled]
    return chosen, [name for name in rows if name not in chosen]
