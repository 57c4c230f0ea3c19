"""Kubernetes objects from YAML and back.

The rules are those of the YAML reader that Kubernetes tools use: keys become strings, dates and `12:30` stay strings,
`yes` and `on` are true, `0644` is octal.
"""

import functools
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pytilt.cluster import objects
from pytilt.errors import UserError
from pytilt.model.resources import KubeObject

if TYPE_CHECKING:
    import yaml

_PLAIN = {
    "tag:yaml.org,2002:null": (r"~|null|Null|NULL|", ("~", "n", "N", "")),
    "tag:yaml.org,2002:bool": (
        r"(?:true|True|TRUE|false|False|FALSE|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)",
        "tTfFyYnNoO",
    ),
    "tag:yaml.org,2002:int": (r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)", "-+0123456789"),
    "tag:yaml.org,2002:float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
    "tag:yaml.org,2002:merge": (r"<<", "<"),
}
"""What a plain scalar may be besides a string, and with which characters that begins."""

_UTF_8 = "save the file as UTF-8 text"
_RENDER = "this looks like a template; render it first, for example with `helm()`"
_TRUE = {"true", "yes", "on"}
_BASES = {"0b": 2, "0o": 8, "0x": 16}


def parse(text: str, origin: str) -> tuple[KubeObject, ...]:
    """Read the objects of a YAML text with any number of documents; those of a `List` count one by one.

    Args:
        text: YAML or JSON.
        origin: where it came from, for messages: a path or the words of a command.

    Raises:
        UserError: it is not YAML, or a document is not a Kubernetes object.
    """
    found: list[KubeObject] = []
    for value, line, column in _documents(text, origin):
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
    return tuple(value for value, _, _ in _documents(text, origin))


def dump(wanted: Iterable[KubeObject]) -> str:
    """Write objects as one YAML text, in which every key stands where it stood."""
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
                yield from _objects(item, where)
        return
    for key in ("apiVersion", "kind"):
        if not isinstance(value.get(key), str) or not value[key]:
            raise UserError(
                f"this object has no `{key}`",
                where=where,
                hint="every Kubernetes object says its `apiVersion` and `kind`",
            )
    if not objects.name(value) and not objects.metadata(value).get("generateName"):
        raise UserError(f"this {value['kind']} has no `metadata.name`", where=where, hint="give it a name")
    yield value


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "a list"
    text = str(value)
    return f"`{text if len(text) <= 40 else text[:40] + '…'}`"


def _documents(text: str, origin: str) -> Iterator[tuple[Any, int, int]]:
    """Every document with the line and column, from 1, of its start."""
    import yaml

    try:
        loader = _loader()(text.removeprefix("\ufeff"))
    except UnicodeEncodeError as error:  # bytes that are no UTF-8 came as surrogates
        raise UserError("not YAML: it holds bytes that are no text", where=origin, hint=_UTF_8) from error
    try:
        while loader.check_node():
            node = loader.get_node()
            mark = node.start_mark
            yield _Construction(origin).value(node), mark.line + 1, mark.column + 1
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, origin, text) from error
    except yaml.YAMLError as error:
        raise UserError(f"not YAML: {error}", where=origin, hint=_UTF_8) from error
    finally:
        loader.dispose()


def _not_yaml(error: "yaml.MarkedYAMLError", origin: str, text: str) -> UserError:
    mark = error.problem_mark or error.context_mark
    place = f"{origin}:{mark.line + 1}:{mark.column + 1}" if mark else origin
    reason = error.problem or error.context or "it cannot be read"
    lines = text.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    hint = "check the indentation, and quote strings that hold `: `, ` #` or begin with a special character"
    if "\t" in line[: len(line) - len(line.lstrip())]:
        hint = "indent with spaces; YAML allows no tabs there"
    elif line.lstrip().startswith(("{{", "- {{")) or ": {{" in line:
        hint = _RENDER
    return UserError(f"not YAML: {reason}", where=place, hint=hint)


class _Construction:
    """Makes plain values of the nodes of one document. Aliases share what they stand for."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._made: dict[int, Any] = {}
        self._open: set[int] = set()

    def value(self, node: Any) -> Any:  # noqa: ANN401 - YAML may hold anything
        if node.id == "scalar":
            return _scalar(node.tag, node.value)
        key = id(node)
        if key in self._made:
            return self._made[key]
        if key in self._open:
            raise self._error("an alias stands for something that holds it", node)
        self._open.add(key)
        made = self._mapping(node) if node.id == "mapping" else [self.value(item) for item in node.value]
        self._open.remove(key)
        self._made[key] = made
        return made

    def _mapping(self, node: Any) -> dict[str, Any]:  # noqa: ANN401 - the nodes have no common type
        made: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                merged |= self._merged(value)
            else:
                made[self._key(key)] = self.value(value)
        return {**merged, **made} if merged else made

    def _merged(self, node: Any) -> dict[str, Any]:  # noqa: ANN401 - the nodes have no common type
        value = self.value(node)
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, dict) for part in parts):
            raise self._error("`<<` can only merge mappings", node)
        result: dict[str, Any] = {}
        for part in reversed(parts):
            result |= part
        return result

    def _key(self, node: Any) -> str:  # noqa: ANN401 - the nodes have no common type
        if node.id != "scalar":
            raise self._error("a key must be a plain value", node, hint=_RENDER if node.id == "mapping" else None)
        value = _scalar(node.tag, node.value)
        if isinstance(value, bool):
            return "true" if value else "false"
        return value if isinstance(value, str) else "null" if value is None else str(value)

    def _error(self, message: str, node: Any, hint: str | None = None) -> UserError:  # noqa: ANN401 - as above
        where = f"{self._origin}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
        return UserError(f"not YAML for Kubernetes: {message}", where=where, hint=hint)


def _scalar(tag: str, text: str) -> Any:  # noqa: ANN401 - YAML may hold anything
    match tag.removeprefix("tag:yaml.org,2002:"):
        case "null":
            return None
        case "bool":
            return text.lower() in _TRUE
        case "int":
            return _integer(text)
        case "float":
            return _float(text)
        case _:
            return text


def _integer(text: str) -> int | str:
    digits = text.replace("_", "").lower()
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    base = _BASES.get(digits[:2], 8 if digits.startswith("0") and digits != "0" else 10)
    try:
        return sign * int(digits[2:] if digits[:2] in _BASES else digits, base)
    except ValueError:  # tagged `!!int` by hand
        return text


def _float(text: str) -> float | str:
    try:
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:  # tagged `!!float` by hand
        return text


@functools.cache
def _loader() -> Any:  # noqa: ANN401 - a class of the C library, or its stand-in in Python
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: Any = type("KubernetesLoader", (base,), {"yaml_implicit_resolvers": {}})
    for tag, (pattern, first) in _PLAIN.items():
        loader.add_implicit_resolver(tag, re.compile(f"^(?:{pattern})$"), list(first))
    return loader


@functools.cache
def _dumper() -> Any:  # noqa: ANN401 - a class of the C library, or its stand-in in Python
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    dumper: Any = type("KubernetesDumper", (base,), {"ignore_aliases": lambda _self, _data: True})
    dumper.add_representer(str, _represent_text)
    # What other readers take for a number or a time must be quoted, whatever this one's own rules say.
    dumper.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9.]+[eE][-+]?[0-9]+$"), list("-+.0123456789")
    )
    dumper.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?0o[0-7_]+$"), list("-+0"))
    dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^[yYnN]$"), list("yYnN"))
    return dumper


def _represent_text(dumper: Any, text: str) -> Any:  # noqa: ANN401 - the library's own types
    block = "\n" in text and not any(line.endswith((" ", "\t")) for line in text.split("\n"))
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if block else None)
