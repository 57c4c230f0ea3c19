"""Kubeconfig files: which are read, how several become one, and which contexts they name.

The rules are client-go's: of several files the first wins, entry by entry; what is missing is skipped; paths are
relative to the file that names them.
"""

from collections.abc import Mapping
from typing import Any

from pytilt.cluster import yaml
from pytilt.errors import UserError
from pytilt.host.reading import read_file
from pytilt.model.base import Value
from pytilt.settings import Settings

IN_CLUSTER = "in-cluster"
"""The context of a pod that finds itself without any kubeconfig."""


class Entry(Value):
    """A cluster, user or context."""

    name: str
    path: str
    """The file that it is in."""
    value: Mapping[str, Any] = {}
    """As the file has it."""


class Kubeconfig(Value):
    """What all files say together."""

    current: str = ""
    """`current-context`."""
    contexts: Mapping[str, Entry] = {}
    clusters: Mapping[str, Entry] = {}
    users: Mapping[str, Entry] = {}
    paths: tuple[str, ...] = ()
    """The files that exist, in order."""


def read(settings: Settings) -> Kubeconfig:
    """Read the files.

    Raises:
        UserError: one of them is no kubeconfig, or cannot be read.
    """
    files = [(path, document) for path in settings.kubeconfig if (document := _document(path)) is not None]
    return Kubeconfig(
        current=next((text for _, document in files if (text := as_text(document, "current-context"))), ""),
        contexts=_merged(files, "contexts", "context"),
        clusters=_merged(files, "clusters", "cluster"),
        users=_merged(files, "users", "user"),
        paths=tuple(path for path, _ in files),
    )


def current_context(settings: Settings, override: str = "") -> str | None:
    """The context that a command works with, None when there is none. It need not exist.

    Args:
        settings: where the files are.
        override: `--context`.

    Raises:
        UserError: a file is no kubeconfig.
    """
    if chosen := override or settings.context:
        return chosen
    return read(settings).current or (IN_CLUSTER if settings.in_cluster else None)


def as_text(value: Mapping[str, Any], key: str) -> str:
    """The text at a key, empty where there is none."""
    found = value.get(key)
    return "" if found is None else str(found)


def _document(path: str) -> Mapping[str, Any] | None:
    try:
        text = read_file(path).decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise UserError(
            f"the kubeconfig cannot be read: {reason.lower()}", where=path, hint="correct `KUBECONFIG`"
        ) from error
    documents = yaml.parse_values(text, path)
    document = documents[0] if documents else None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise UserError("this is no kubeconfig", where=path, hint="a kubeconfig is a mapping with `kind: Config`")
    return document


def _merged(files: list[tuple[str, Mapping[str, Any]]], key: str, inner: str) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for path, document in files:
        for item in document.get(key) or ():
            if not isinstance(item, dict) or not as_text(item, "name"):
                raise UserError(f"an entry of `{key}` has no name", where=path, hint="every entry needs a `name`")
            value = item.get(inner)
            name = as_text(item, "name")
            found.setdefault(name, Entry(name=name, path=path, value=value if isinstance(value, dict) else {}))
    return found
