"""`tilt delete`."""

import sys

import click

from pytilt.cli.addressing import Address, addresses, manifests
from pytilt.cli.choosing import labelled
from pytilt.cli.client import SessionClient
from pytilt.cli.flags import TiltCommand
from pytilt.cli.options import session_options
from pytilt.errors import NotFoundError, UserError
from pytilt.settings import Settings


@click.command("delete", cls=TiltCommand)
@click.argument("words", nargs=-1)
@click.option("-f", "--filename", "files", multiple=True, help="The objects of this file; `-` for stdin.")
@click.option("--all", "every", is_flag=True, help="All objects of the kind.")
@click.option("-l", "--selector", help="Objects with these labels: `key=value,…`.")
@click.option("--ignore-not-found", is_flag=True, help="It is no error when an object is not there.")
@session_options
def command(
    words: tuple[str, ...],
    files: tuple[str, ...],
    every: bool,
    selector: str | None,
    ignore_not_found: bool,
    host: str | None,
    port: int | None,
) -> None:
    """Delete objects of a running session.

    \b
    Examples:
      tilt delete uibutton go
      tilt delete cmd/one cmd/two --ignore-not-found
      tilt delete -f button.yaml
    """
    client = SessionClient(Settings.from_environment(), host, port)
    for address in _wanted(client, words, files, every=every, selector=selector):
        try:
            client.delete(address.kind.resource, address.name)
        except NotFoundError:
            if not ignore_not_found:
                raise
        else:
            print(f'{address.kind.singular} "{address.name}" deleted', flush=True)


def _wanted(
    client: SessionClient, words: tuple[str, ...], files: tuple[str, ...], *, every: bool, selector: str | None
) -> list[Address]:
    if files:
        return [address for address, _ in manifests(files)]
    kind, named = addresses(words)
    if kind is None:
        raise UserError("must specify one of -f or a kind", hint="for example `tilt delete uibutton go`")
    if named:
        return named
    if not every and not selector:
        raise UserError("resource(s) were provided, but no name was specified", hint="name some, or use `--all`")
    chosen = labelled(selector) if selector else lambda _: True
    found = [each for each in client.items(kind.resource)["items"] if chosen(each)]
    if not found:
        print("No resources found", file=sys.stderr)
    return [Address(kind=kind, name=each["metadata"]["name"]) for each in found]
