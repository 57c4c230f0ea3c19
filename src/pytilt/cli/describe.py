"""`tilt describe`."""

import sys
from collections.abc import Iterator
from typing import Any, Unpack

from pytilt.cli.addressing import Address, Json, addresses, manifests
from pytilt.cli.choosing import labelled
from pytilt.cli.client import SessionClient
from pytilt.cli.commands import subcommand
from pytilt.cli.object_options import FILE_OPTIONS, FileFlags, refuse_kustomize
from pytilt.cli.options import SESSION_OPTIONS
from pytilt.cli.parsing import Argument, Option
from pytilt.errors import NotFoundError, UserError
from pytilt.model.api.words import KindWords
from pytilt.settings import Settings


@subcommand(
    "describe",
    Argument("words", several=True),
    *FILE_OPTIONS,
    Option("-l", "--selector", help="Objects with these labels: `key=value,…`."),
    *SESSION_OPTIONS,
)
def command(
    words: tuple[str, ...], selector: str | None, host: str | None, port: int | None, **flags: Unpack[FileFlags]
) -> None:
    """Show all of objects of a running session, for people.

    Where no object has a name, those are shown that begin with it.

    \b
    Examples:
      tilt describe uibutton go
      tilt describe cmd/btn-go
      tilt describe uiresources -l team=web
    """
    refuse_kustomize(flags["kustomize"], "describe")
    client = SessionClient(Settings.from_environment(), host, port)
    if flags["files"]:
        named = [each for each, _ in manifests(flags["files"], recursive=flags["recursive"])]
        kinds = list[KindWords]()
    else:
        kinds, named = addresses(words)
    if not kinds and not named:
        raise UserError("must specify the type of resource to describe", hint="for example `tilt describe uibutton go`")
    chosen = labelled(selector) if selector else lambda _: True
    items = (
        [item for each in named for item in _named(client, each)]
        if named
        else [item for kind in kinds for item in client.items(kind.resource)["items"] if chosen(item)]
    )
    if not items:
        print("No resources found", file=sys.stderr)
        return
    print("\n\n\n".join("\n".join(described(item)) for item in items))


def _named(client: SessionClient, address: Address) -> list[Json]:
    """The object of a name, or those whose names begin with it."""
    try:
        return [client.get(address.kind.resource, address.name)]
    except NotFoundError:
        every = client.items(address.kind.resource)["items"]
        found = [item for item in every if item["metadata"]["name"].startswith(address.name)]
        if not found:
            raise
        return found


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
