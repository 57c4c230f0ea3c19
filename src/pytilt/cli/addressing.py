"""Which objects a command line names: `KIND NAME…`, `KIND/NAME …`, or those of a file."""

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from pytilt.errors import UserError
from pytilt.host.reading import read_file
from pytilt.model.api.words import KINDS, KindWords, find_words

Json = dict[str, Any]


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


def addresses(words: Sequence[str]) -> tuple[KindWords | None, list[Address]]:
    """The kind and the objects that words name; the kind alone where they name no object.

    Raises:
        UserError: they name a kind that is not there, or mix both forms.
    """
    if not words:
        return None, []
    if any("/" in word for word in words[:1]):
        found = []
        for word in words:
            kind, slash, name = word.partition("/")
            if not slash or not name:
                raise UserError("there is no need to specify a resource type as a separate argument when passing "
                                f"arguments in resource/name form (e.g. `{words[0]}`)")  # fmt: skip
            found.append(Address(kind=known_kind(kind), name=name))
        return found[0].kind, found
    kind_of_all = known_kind(words[0])
    return kind_of_all, [Address(kind=kind_of_all, name=name) for name in words[1:]]


def manifests(files: Sequence[str]) -> list[tuple[Address, Json]]:
    """The objects of files, YAML or JSON; `-` is standard input.

    Raises:
        UserError: one cannot be read, or is no object of a known kind.
    """
    found = [each for file in files for each in parsed(_read(file), _shown(file))]
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


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else read_file(file, pipes=True).decode()
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
