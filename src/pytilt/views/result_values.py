"""Small values of `tilt alpha tiltfile-result` in the forms in which Go writes them."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from pytilt.model.files import Ignore
from pytilt.model.regex import regex

Json = dict[str, Any]
"""A JSON object. It crosses no package border but the one to the terminal."""

_LONGEST_NAME = 253
"""Of a name of the API, as in DNS."""

_AUTHORITY = regex(r"//([^/?#]*)")


def compact(fields: Mapping[str, Any]) -> Json:
    """An object without the fields that are empty."""
    return {key: value for key, value in fields.items() if value}


def ignore_defs(ignores: Iterable[Ignore]) -> list[Json]:
    """Ignore rules."""
    return [{"basePath": each.base, **compact({"patterns": list(each.patterns)})} for each in ignores]


def environment(env: Iterable[tuple[str, str]], inherited: Iterable[tuple[str, str]]) -> list[str]:
    """The variables of a command, without those that the Tiltfile set for all of them."""
    common = set(inherited)
    return [f"{name}={value}" for name, value in env if (name, value) not in common]


def sanitized(name: str) -> str:
    """A name as the API allows it: without `/` and `%`, and not too long."""
    if name in (".", ".."):
        return name.replace(".", "_")
    clean = name.replace("/", "_").replace("%", "_")
    if len(clean) <= _LONGEST_NAME:
        return clean
    return f"{clean[: _LONGEST_NAME - 9]}-{_fnv_1a(name):x}"


def nanoseconds(seconds: float) -> int:
    """A duration as a number."""
    return round(seconds * 1e9)


@lru_cache(maxsize=64)  # the same few for every resource
def duration(seconds: float) -> str:
    """A duration as Go prints it: `1h0m0s`, `1m30s`, `250ms`, `12.5µs`."""
    total = nanoseconds(seconds)
    if total == 0:
        return "0s"
    if abs(total) < 1_000_000_000:
        unit, size = next((u, s) for u, s in (("ms", 1e6), ("µs", 1e3), ("ns", 1)) if abs(total) >= s)
        return f"{total / size:.6f}".rstrip("0").rstrip(".") + unit
    sign, total = ("-", -total) if total < 0 else ("", total)
    minutes, rest = divmod(total, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    shown = f"{rest / 1e9:.9f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{sign}{hours}h{minutes}m{shown}"
    return f"{sign}{minutes}m{shown}" if minutes else f"{sign}{shown}"


def url(text: str, *, bare: bool) -> Json:
    """The parts of a URL, by the names of Go's `net/url`.

    Args:
        text: the URL.
        bare: it was written without a scheme, so that Go finds nothing but a path in it.
    """
    scheme, _, rest = text.partition(":")
    if bare:
        rest = rest.removeprefix("//")
    rest, _, fragment = rest.partition("#")
    rest, question, query = rest.partition("?")
    authority = None if bare else _AUTHORITY.match(rest)
    path = rest[authority.end() :] if authority else rest
    user, at, host = authority[1].rpartition("@") if authority else ("", "", "")
    opaque = "" if bare or authority or path.startswith("/") else path
    path = "" if opaque else path
    return {
        "Scheme": scheme,
        "Opaque": opaque,
        "User": {} if at or user else None,
        "Host": host,
        "Path": unquote(path),
        "Fragment": unquote(fragment),
        "RawQuery": query,
        "RawPath": "",
        "RawFragment": "",
        "ForceQuery": bool(question and not query),
        "OmitHost": False,
    }


def _fnv_1a(text: str) -> int:
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value
