"""`tilt create`."""

from pathlib import Path

import click

from pytilt.cli.addressing import Address, Json, known_kind, manifests
from pytilt.cli.client import SessionClient
from pytilt.cli.flags import TiltCommand
from pytilt.cli.options import session_options
from pytilt.errors import UserError
from pytilt.model.api.words import GROUP_VERSION
from pytilt.settings import Settings


@click.command("create", cls=TiltCommand, context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1)
@click.option("-f", "--filename", "files", multiple=True, help="A file with objects; `-` for stdin.")
@session_options
def command(words: tuple[str, ...], files: tuple[str, ...], host: str | None, port: int | None) -> None:
    """Make objects of a running session: those of files, or a Cmd or FileWatch by words.

    \b
    Examples:
      tilt create -f button.yaml
      tilt create cmd hello echo "hello world"
      tilt create filewatch sources src
    """
    if bool(words) == bool(files):
        raise UserError("say what to make", hint="`tilt create -f FILE`, or `tilt create cmd NAME COMMAND…`")
    client = SessionClient(Settings.from_environment(), host, port)
    for address, wanted in [_by_words(words)] if words else manifests(files):
        client.create(address.kind.resource, wanted)
        print(f"{address.shown} created", flush=True)


def _by_words(words: tuple[str, ...]) -> tuple[Address, Json]:
    kind = known_kind(words[0])
    if len(words) < 3 or kind.name not in ("Cmd", "FileWatch"):
        raise UserError(
            f"a {kind.name} cannot be made of these words",
            hint="write `tilt create cmd NAME COMMAND…` or `tilt create filewatch NAME PATH…`, or use `-f`",
        )
    here, rest = str(Path.cwd()), words[2:]
    spec: Json = {"args": list(rest), "dir": here}
    if kind.name == "FileWatch":
        spec = {"watchedPaths": [str(Path(here, path)) for path in rest]}
    body = {"apiVersion": GROUP_VERSION, "kind": kind.name, "metadata": {"name": words[1]}, "spec": spec}
    return Address(kind=kind, name=words[1]), body
