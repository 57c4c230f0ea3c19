"""Kubernetes objects from YAML and back.

How a text is read is said in `documents`, and what its words mean in `scalars`.
"""

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pytilt.cluster import objects
from pytilt.cluster.documents import documents
from pytilt.errors import UserError
from pytilt.model.resources import KubeObject

_TYPE = ("apiVersion", "kind")


def parse(text: str, origin: str) -> tuple[KubeObject, ...]:
    """Read the objects of a YAML text with any number of documents; those of a `List` count one by one.

    Args:
        text: YAML or JSON.
        origin: where it came from, for messages: a path or the words of a command.

    Raises:
        UserError: it is not YAML, or a document is not a Kubernetes object.
    """
    found: list[KubeObject] = []
    for value, line, column in documents(text, origin):
        if value is not None:
            found.extend(_objects(value, f"{origin}:{line}:{column}"))
    return tuple(found)


def parse_values(text: str, origin: str) -> tuple[Any, ...]:
    """Read the documents of a YAML text, whatever they hold.

    Args:
        text: YAML or JSON.
        origin: where it came from, for messages.

    Raises:
        UserError: it is not YAML.
    """
    return tuple(value for value, _, _ in documents(text, origin))


def dump(wanted: Iterable[KubeObject]) -> str:
    """Write objects as one YAML text; every key keeps its place."""
    import yaml

    return yaml.dump_all(
        wanted, Dumper=_dumper(), sort_keys=False, default_flow_style=False, allow_unicode=True, width=1_000_000
    )


def _objects(value: object, where: str) -> Iterator[KubeObject]:
    if not isinstance(value, dict):
        raise UserError(
            f"this document is {_shown(value)}, not a Kubernetes object",
            where=where,
            hint="an object is a mapping with `apiVersion`, `kind` and `metadata`; separate documents with `---`",
        )
    kind = str(value.get("kind", ""))
    if kind == "List" or (kind.endswith("List") and isinstance(value.get("items"), list)):
        for item in value.get("items") or ():
            if item is not None:
                yield from _objects(_item(item, value), where)
        return
    for key in _TYPE:
        if not isinstance(value.get(key), str) or not value[key]:
            raise UserError(
                f"this object has no `{key}`",
                where=where,
                hint="every Kubernetes object says its `apiVersion` and `kind`",
            )
    if not objects.name(value) and not objects.metadata(value).get("generateName"):
        raise UserError(f"this {value['kind']} has no `metadata.name`", where=where, hint="give it a name")
    yield value


def _item(item: object, of: KubeObject) -> object:
    """An item of a list; the API server leaves out the kind and version of those of a list of one kind."""
    kind = str(of["kind"]).removesuffix("List")
    if isinstance(item, dict) and kind and not item.get("kind") and not item.get("apiVersion"):
        return {"apiVersion": of.get("apiVersion"), "kind": kind, **{k: v for k, v in item.items() if k not in _TYPE}}
    return item


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "a list"
    text = str(value)
    return f"`{text if len(text) <= 40 else text[:40] + '…'}`"


@functools.cache
def _dumper() -> Any:  # noqa: ANN401 - a class of the C library, or its stand-in in Python
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    dumper: Any = type("KubernetesDumper", (base,), {"ignore_aliases": lambda _self, _data: True})
    dumper.add_representer(str, _represent_text)
    quote_what_go_reads(dumper)
    return dumper


def quote_what_go_reads(dumper: Any) -> None:  # noqa: ANN401 - a class of the C library, or its stand-in in Python
    """Have a dumper quote texts that Go's reader takes for a number or a truth, whatever its own rules say."""
    dumper.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9.]+[eE][-+]?[0-9]+$"), list("-+.0123456789")
    )
    dumper.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?0o[0-7_]+$"), list("-+0"))
    dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^[yYnN]$"), list("yYnN"))


def _represent_text(dumper: Any, text: str) -> Any:  # noqa: ANN401 - the library's own types
    block = "\n" in text and not any(line.endswith((" ", "\t")) for line in text.split("\n"))
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if block else None)
