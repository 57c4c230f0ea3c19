"""The secrets of the Kubernetes objects: what must not appear in logs, and what appears instead."""

import base64
import binascii
from collections.abc import Iterable, Iterator

from pytilt.cluster import objects
from pytilt.model.resources import KubeObject

_SHORTEST = 5
"""Shorter values would take too much out of logs; from Tilt."""


def secrets(wanted: Iterable[KubeObject]) -> tuple[tuple[str, str], ...]:
    """The texts to replace and what with, longest first: each value as it is and in base64."""
    found: dict[str, str] = {}
    for o in wanted:
        if objects.kind(o) != "Secret" or objects.api_version(o) != "v1":
            continue
        for key, value in _values(o):
            if len(value) >= _SHORTEST:
                shown = f"[redacted secret {objects.name(o)}:{key}]"
                found[base64.b64encode(value).decode()] = shown
                found[value.decode(errors="surrogateescape")] = shown
    return tuple(sorted(found.items(), key=lambda item: (-len(item[0]), item[0])))


def _values(o: KubeObject) -> Iterator[tuple[str, bytes]]:
    for key, text in objects.mapping(o, "data").items():
        try:
            yield key, base64.b64decode(str(text), validate=True)
        except binascii.Error:  # the cluster will say so
            continue
    for key, text in objects.mapping(o, "stringData").items():
        yield key, str(text).encode(errors="surrogateescape")
