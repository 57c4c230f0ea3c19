"""The JSON paths that `k8s_kind` and `k8s_image_json_path` take, for example `{.spec.containers[*].image}`."""

import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from pytilt.errors import UserError
from pytilt.model.regex import regex


class JsonPlace(NamedTuple):
    """The position of a value: in which mapping or list, under which key or index."""

    holder: Any
    key: str | int

    @property
    def value(self) -> Any:  # noqa: ANN401 - objects may hold anything
        """The value at this position."""
        return self.holder[self.key]


Way = Callable[[Any], Iterator[JsonPlace]]
"""From a value to the places inside it that a step leads to."""


class PathStep(NamedTuple):
    """One step of a path."""

    way: Way
    name: str = ""
    """Of the field or item that must be there; empty for a step that may lead nowhere."""


_TOKEN = regex(
    r"""
    (?P<descent>\.\.)
  | \.?\[\?\((?P<filter>.*?)\)\]
  | \.?\[(?P<inside>[^\]]*)\]
  | \.(?P<any>\*)
  | \.?(?P<name>(?:\\.|[^.\[\]\s{}*\\])+)
    """,
    re.VERBOSE,
)
_FILTER = regex(r"^\s*@(?P<path>[^=!<>]*?)\s*(?:(?P<operator>==|!=|<=|>=|<|>)\s*(?P<value>.+?)\s*)?$")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


def find(path: str, root: object) -> tuple[JsonPlace, ...]:
    """Every place that a path leads to, in order; none where the path leads nowhere.

    Args:
        path: in the words of kubectl, with or without braces around it.
        root: an object.

    Raises:
        UserError: the path cannot be read.
    """
    places: list[JsonPlace] = [JsonPlace([root], 0)]
    for step in _parsed(path):
        places = [found for place in places for found in step.way(place.value)]
    return tuple(places)


def missing(path: str, root: object) -> str:
    """The field or item of a path at which an object has nothing; empty where it has all, or where none need be.

    Args:
        path: as for `find`.
        root: an object.
    """
    places: list[JsonPlace] = [JsonPlace([root], 0)]
    for step in _parsed(path):
        if not places:
            return ""
        places = [found for place in places for found in step.way(place.value)]
        if step.name and not places:
            return step.name
    return ""


@functools.lru_cache(maxsize=256)
def _parsed(path: str) -> tuple[PathStep, ...]:
    text = path.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].strip()
    if not text:
        raise _unreadable(path)
    text = text[1:] if text[0] in "$@" else text
    steps: list[PathStep] = []
    end = 0
    for token in _TOKEN.finditer(text):
        if token.start() != end:
            break
        steps.extend(_step(token, path))
        end = token.end()
    if end != len(text):
        raise _unreadable(path)
    return tuple(steps)


def _step(token: re.Match[str], path: str) -> Iterable[PathStep]:
    if token["descent"]:
        return (PathStep(_everything),)
    if token["filter"]:
        return (PathStep(_filtered(token["filter"], path)),)
    if token["any"]:
        return (PathStep(_children),)
    if token["name"]:
        name = re.sub(r"\\(.)", r"\1", token["name"])
        return (PathStep(_named([name]), name),)
    return (_inside(token["inside"].strip(), path),)


def _inside(text: str, path: str) -> PathStep:
    if text == "*":
        return PathStep(_children)
    if re.fullmatch(r"-?\d*(:-?\d*){1,2}", text):
        return PathStep(_sliced(slice(*(int(part) if part else None for part in text.split(":")))))
    parts = [part.strip() for part in text.split(",")]
    if all(re.fullmatch(r"-?\d+", part) for part in parts):
        return PathStep(_indexed([int(part) for part in parts]), f"[{text}]")
    if all(re.fullmatch(r"""'[^']*'|"[^"]*\"""", part) for part in parts):
        return PathStep(_named([part[1:-1] for part in parts]), ", ".join(part[1:-1] for part in parts))
    raise _unreadable(path)


def _named(keys: list[str]) -> Way:
    return lambda value: (JsonPlace(value, key) for key in keys if isinstance(value, dict) and key in value)


def _indexed(indexes: list[int]) -> Way:
    return lambda value: (
        JsonPlace(value, index) for index in indexes if isinstance(value, list) and -len(value) <= index < len(value)
    )


def _sliced(part: slice) -> Way:
    return lambda value: (
        JsonPlace(value, index) for index in (range(len(value))[part] if isinstance(value, list) else ())
    )


def _children(value: object) -> Iterator[JsonPlace]:
    if isinstance(value, dict):
        yield from (JsonPlace(value, key) for key in value)
    elif isinstance(value, list):
        yield from (JsonPlace(value, index) for index in range(len(value)))


def _everything(value: object) -> Iterator[JsonPlace]:
    yield JsonPlace([value], 0)
    for place in _children(value):
        if isinstance(place.value, dict | list):
            yield from _everything(place.value)


def _filtered(text: str, path: str) -> Way:
    found = _FILTER.match(text)
    if not found:
        raise _unreadable(path)
    steps = _parsed(f"@{found['path']}")
    operator = found["operator"]
    wanted = _literal(found["value"], path) if operator else None

    def holds(item: object) -> bool:
        places = [JsonPlace([item], 0)]
        for step in steps:
            places = [inner for place in places for inner in step.way(place.value)]
        if not operator:
            return bool(places)
        return any(type(p.value) is type(wanted) and _COMPARE[operator](p.value, wanted) for p in places)

    return lambda value: (place for place in _children(value) if isinstance(value, list) and holds(place.value))


def _literal(text: str, path: str) -> Any:  # noqa: ANN401 - a string, a number or a truth value
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1]
    try:
        return json.loads(text)
    except ValueError as error:
        raise _unreadable(path) from error


def _unreadable(path: str) -> UserError:
    return UserError(f"`{path}` is not a JSON path", hint="write it as kubectl does, for example `{.spec.image}`")
