"""`tilt describe`."""

from __future__ import annotations

import sys
from itertools import groupby

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import SESSION_OPTIONS
from pytilt.cli.command_line.parsing import Argument, Option
from pytilt.cli.selection.addressing import addresses, manifests, names_files
from pytilt.cli.selection.choosing import labelled
from pytilt.cli.selection.object_options import FILE_OPTIONS
from pytilt.cli.terminal.printing import readable
from pytilt.errors import NotFoundError, UserError
from pytilt.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Unpack

    from pytilt.cli.selection.addressing import Address
    from pytilt.cli.selection.object_options import FileFlags
    from pytilt.model.api.words import KindWords
    from pytilt.model.json_text import Json


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
    client = SessionClient(Settings.from_environment(), host, port)
    if names_files(flags):
        named = [each for each, _ in manifests(flags)]
        kinds: list[KindWords] = []
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
    print(readable("\n\n\n".join("\n".join(described(item)) for item in items)))


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


def described(item: Json) -> Iterator[str]:
    """The lines of an object, as kubectl writes those of kinds that it does not know."""
    metadata = item.get("metadata", {})
    lines: list[tuple[str, str | None]] = [
        ("Name:", metadata.get("name", "")),
        ("Namespace:", metadata.get("namespace", "")),
    ]
    for title, name, mark in (("Labels:", "labels", "="), ("Annotations:", "annotations", ": ")):
        found = [f"{key}{mark}{value}" for key, value in sorted(metadata.get(name, {}).items())] or ["<none>"]
        lines += [(title if not number else "", each) for number, each in enumerate(found)]
    inner = {key: value for key, value in metadata.items() if key not in _ABOVE}
    lines += _fields({**item, "metadata": inner}, "")
    return _aligned(lines)


_ABOVE = ("name", "namespace", "labels", "annotations")
"""What of the metadata stands at the beginning."""

_ACRONYMS = frozenset({"API", "URL", "UID", "OSB", "GUID"})


def _fields(fields: Json, blank: str) -> Iterator[tuple[str, str | None]]:
    """A line for each field, with its value or None where it has lines of its own."""
    for name, value in sorted(fields.items()):
        title = f"{blank}{_title(name)}:"
        if isinstance(value, dict):
            yield title, None
            yield from _fields(value, f"{blank}  ")
        elif isinstance(value, list):
            yield title, None
            for each in value:
                yield from _fields(each, f"{blank}  ") if isinstance(each, dict) else [(f"{blank}  {each}", None)]
        else:
            yield title, _shown(value)


def _title(name: str) -> str:
    parts = _words(name)
    return " ".join(part.upper() if part.upper() in _ACRONYMS else part[0].upper() + part[1:] for part in parts)


def _words(name: str) -> Iterator[str]:
    """The words of a name in camel case: `podIP` is `pod` and `IP`, `URLPath` is `URL` and `Path`.

    Digits are a word of their own, and all else parts words. `re` would take longer to import than all of this takes.
    """
    word = ""
    for each, after in zip(name, [*name[1:], " "], strict=False):
        kind, before = _kind_of(each), _kind_of(word[-1:])
        begins = kind != before and not (kind == "lower" and before == "upper")
        if word and (begins or (kind == "upper" and _kind_of(after) == "lower")):
            yield word
            word = ""
        if kind:
            word += each
    if word:
        yield word


def _kind_of(character: str) -> str:
    if character.isdecimal():
        return "digit"
    if not character.isascii():
        return ""
    return "upper" if character.isupper() else "lower" if character.islower() else ""


def _shown(value: object) -> str:
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _aligned(lines: Sequence[tuple[str, str | None]]) -> Iterator[str]:
    """Values in a column for as long as every line has one, as Go's tabwriter does it."""
    for with_value, group in groupby(lines, lambda line: line[1] is not None):
        block = list(group)
        width = max(len(title) for title, _ in block) + 2
        for title, value in block:
            yield f"{title.ljust(width)}{value}".rstrip() if with_value else title
