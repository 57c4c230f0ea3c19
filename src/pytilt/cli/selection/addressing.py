"""Which objects a command line names: `KIND NAME…`, `KIND/NAME …`, or those of a file."""

from __future__ import annotations

import sys

from pytilt.errors import UserError
from pytilt.host.reading import read_file
from pytilt.model.api.words import KINDS, KindWords, find_words
from pytilt.model.json_text import Json
from pytilt.model.named_tuple import NamedTuple
from pytilt.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pytilt.cli.selection.object_options import FileFlags

SUFFIXES = (".json", ".yaml", ".yml")
"""Of the files that a folder is read for."""


class Address(NamedTuple):
    """An object of a kind."""

    kind: KindWords
    name: str

    @property
    def shown(self) -> str:
        """As kubectl writes it: `uibutton.tilt.dev/go`."""
        return f"{self.kind.singular}/{self.name}"


def known_kind(word: str) -> KindWords:
    """The kind that a word means.

    Raises:
        UserError: there is none.
    """
    kind = find_words(word)
    if kind is None:
        known = ", ".join(dict.fromkeys(each.plural for each in KINDS))
        raise UserError(f'the server doesn\'t have a resource type "{word}"', hint=f"there are: {known}")
    return kind


def known_kinds(words: str) -> list[KindWords]:
    """The kinds that words with commas between them mean: `uiresources,uibuttons`.

    Raises:
        UserError: there is no such kind, or no word.
    """
    found = [known_kind(each) for each in words.split(",") if each]
    if not found:
        raise UserError("no kind of object is named", hint="for example `tilt get uiresources`")
    return found


def addresses(words: Sequence[str]) -> tuple[list[KindWords], list[Address]]:
    """The kinds and the objects that words name; the kinds alone where they name no object.

    Raises:
        UserError: they name a kind that is not there, or mix both forms.
    """
    if not words:
        return [], []
    if any("/" in word for word in words[:1]):
        found = []
        for word in words:
            kind, slash, name = word.partition("/")
            if not slash or not name:
                raise UserError("there is no need to specify a resource type as a separate argument when passing "
                                f"arguments in resource/name form (e.g. `{words[0]}`)")  # fmt: skip
            found.append(Address(kind=known_kind(kind), name=name))
        return [found[0].kind], found
    kinds = known_kinds(words[0])
    return kinds, [Address(kind=kind, name=name) for kind in kinds for name in words[1:]]


def names_files(flags: FileFlags) -> bool:
    """Does a command line name files, or a folder of kustomize's?"""
    return bool(flags["files"]) or flags["kustomize"] is not None


def manifests(flags: FileFlags, *, selector: str | None = None) -> list[tuple[Address, Json]]:
    """The objects of the files that a command line names, YAML or JSON.

    Args:
        flags: paths, folders, patterns or URLs, of which `-` is standard input; or a folder of kustomize's.
        selector: only objects with these labels.

    Raises:
        UserError: one cannot be read, or is no object of a known kind.
    """
    if (folder := flags["kustomize"]) is not None:
        if flags["files"]:
            raise UserError("only one of -f or -k can be specified")
        from pytilt.cli.selection.kustomizing import rendered  # imported here: few command lines have `-k`

        found = parsed(rendered(folder, Settings.from_environment()), folder)
    else:
        paths = [path for file in flags["files"] for path in _expanded(file, recursive=flags["recursive"])]
        found = [each for path in paths for each in parsed(_read(path), _shown(path))]
    if selector:
        from pytilt.cli.selection.choosing import labelled

        chosen = labelled(selector)
        found = [(address, item) for address, item in found if chosen(item)]
    if not found:
        raise UserError("no objects passed")
    return found


def parsed(text: str, origin: str) -> list[tuple[Address, Json]]:
    """The objects of a text, YAML or JSON.

    Args:
        text: of any number of documents.
        origin: where it came from, for messages.

    Raises:
        UserError: it cannot be read, or has something else than objects of a known kind.
    """
    found = []
    for document in _documents(text, origin):
        if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
            raise UserError("an object has no kind", where=origin, hint="begin it with `apiVersion` and `kind`")
        metadata = document.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if not isinstance(name, str) or not name:
            raise UserError(f"a {document['kind']} has no metadata.name", where=origin)
        kind = find_words(document["kind"])
        if kind is None:
            raise UserError(
                f'no matches for kind "{document["kind"]}" in version "{document.get("apiVersion", "")}"',
                where=origin,
                hint=f"there are: {', '.join(dict.fromkeys(each.name for each in KINDS))}",
            )
        found.append((Address(kind=kind, name=name), document))
    return found


def _expanded(file: str, *, recursive: bool) -> list[str]:
    """The files that a word means: those of a folder, or of a pattern."""
    if file == "-" or _is_url(file):
        return [file]
    from glob import glob  # imported here: few commands are given a folder or a pattern
    from pathlib import Path

    path = Path(file)
    if path.is_dir():
        found = path.rglob("*") if recursive else path.iterdir()
        files = sorted(str(each) for each in found if each.suffix in SUFFIXES and each.is_file())
        if not files:
            raise UserError(f"error reading [{file}]: recognized file extensions are [{' '.join(SUFFIXES)}]")
        return files
    if any(each in file for each in "*?[") and not path.exists():
        files = sorted(glob(file))  # noqa: PTH207 - a pattern may be absolute
        if not files:
            raise UserError(f"no file is meant by the pattern `{file}`")
        return files
    return [file]


def _is_url(file: str) -> bool:
    return file.startswith(("http://", "https://"))


def _read(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.read()
        if _is_url(file):
            from pytilt.http.fetching import fetch_document  # imported here: few commands are given a URL

            return fetch_document(file).decode()
        return read_file(file, pipes=True).decode()
    except OSError as problem:
        raise UserError(f"cannot be read: {(problem.strerror or str(problem)).lower()}", where=file) from problem
    except UnicodeDecodeError as problem:
        raise UserError("is not UTF-8 text", where=_shown(file)) from problem


def _documents(text: str, origin: str) -> list[Any]:
    from pytilt.cluster.yaml import parse_values  # imported here: not every command reads YAML

    documents: list[Any] = []
    for each in parse_values(text, origin):
        items = each.get("items") if isinstance(each, dict) and str(each.get("kind", "")).endswith("List") else None
        documents += items if isinstance(items, list) else [each]
    return [each for each in documents if each is not None]


def _shown(file: str) -> str:
    return "STDIN" if file == "-" else file
