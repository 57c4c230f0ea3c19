"""The values of Secrets that must not show up in logs."""

import base64
import binascii
from collections.abc import Iterable, Iterator

from pytilt.cluster import objects
from pytilt.model.resources import KubeObject

_MIN_LENGTH = 5
"""Shorter values occur by chance everywhere; as in Tilt."""


def redactions(wanted: Iterable[KubeObject]) -> tuple[tuple[str, str], ...]:
    """What to keep out of logs and what to print instead, longest first.

    Both the plain value and its base64 form of everything in `data` and `stringData` of the Secrets.
    """
    found: dict[str, str] = {}
    for o in wanted:
        if objects.kind(o) != "Secret" or objects.api_version(o) != "v1":
            continue
        for key, value in _values(o):
            if len(value) >= _MIN_LENGTH:
                text = f"[redacted secret {objects.name(o)}:{key}]"
                for form in (value.decode(errors="replace"), base64.b64encode(value).decode()):
                    found.setdefault(form, text)
    return tuple(sorted(found.items(), key=lambda item: -len(item[0])))


def _values(o: KubeObject) -> Iterator[tuple[str, bytes]]:
    for key, value in objects.mapping(o, "data").items():
        try:
            yield key, base64.b64decode(str(value), validate=False)
        except (binascii.Error, ValueError):  # the cluster will refuse it, with a better message
            continue
    for key, value in objects.mapping(o, "stringData").items():
        yield key, str(value).encode()
