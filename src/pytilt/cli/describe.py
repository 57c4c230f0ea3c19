"""`tilt describe`."""

from collections.abc import Iterator
from typing import Any

import click

from pytilt.cli.addressing import addresses
from pytilt.cli.choosing import labelled
from pytilt.cli.client import SessionClient
from pytilt.cli.flags import TiltCommand
from pytilt.cli.options import session_options
from pytilt.errors import UserError
from pytilt.settings import Settings


@click.command("describe", cls=TiltCommand)
@click.argument("words", nargs=-1)
@click.option("-l", "--selector", help="Objects with these labels: `key=value,…`.")
@session_options
def command(words: tuple[str, ...], selector: str | None, host: str | None, port: int | None) -> None:
    """Show all of an object of a running session, for people.

    \b
    Examples:
      tilt describe uibutton go
      tilt describe cmd/btn-go
    """
    kind, named = addresses(words)
    if kind is None:
        raise UserError("must specify the type of resource to describe", hint="for example `tilt describe uibutton go`")
    client = SessionClient(Settings.from_environment(), host, port)
    chosen = labelled(selector) if selector else lambda _: True
    items = [client.get(each.kind.resource, each.name) for each in named] or [
        each for each in client.items(kind.resource)["items"] if chosen(each)
    ]
    print("\n\n".join("\n".join(described(item)) for item in items))


def described(item: dict[str, Any]) -> Iterator[str]:
    """The lines of an object, as kubectl writes those of kinds that it does not know."""
    metadata = item.get("metadata", {})
    yield f"Name:         {metadata.get('name', '')}"
    yield f"Namespace:    {metadata.get('namespace', '')}".rstrip()
    for title, name, mark in (("Labels", "labels", "="), ("Annotations", "annotations", ": ")):
        found = [f"{key}{mark}{value}" for key, value in metadata.get(name, {}).items()] or ["<none>"]
        yield f"{title}:".ljust(14) + found[0]
        yield from (" " * 14 + each for each in found[1:])
    yield f"API Version:  {item.get('apiVersion', '')}"
    yield f"Kind:         {item.get('kind', '')}"
    hidden = ("name", "namespace", "labels", "annotations")
    yield "Metadata:"
    yield from _lines({key: value for key, value in metadata.items() if key not in hidden}, 1)
    for part, value in item.items():
        if part not in ("apiVersion", "kind", "metadata"):
            yield from _lines({part: value}, 0)
    yield "Events:         <none>"


def _lines(fields: dict[str, Any], depth: int) -> Iterator[str]:
    blank = "  " * depth
    for name, value in fields.items():
        title = "".join(f" {each}" if each.isupper() and before.islower() else each
                        for before, each in zip(f" {name}", name, strict=False))  # fmt: skip
        title = title[:1].upper() + title[1:]
        if isinstance(value, dict) and value:
            yield f"{blank}{title}:"
            yield from _lines(value, depth + 1)
        elif isinstance(value, list) and value:
            yield f"{blank}{title}:"
            for each in value:
                yield from _lines(each, depth + 1) if isinstance(each, dict) else [f"{blank}  {each}"]
        elif value not in ({}, []):
            yield f"{blank}{title}:  {'<nil>' if value is None else value}"
