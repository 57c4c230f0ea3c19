"""What is secret in Kubernetes objects: which texts nobody may see, and objects without them."""

import base64
import binascii
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from pytilt.cluster import objects
from pytilt.model.resources import KubeObject

FIELDS = ("data", "stringData")
"""Where a Secret has its values."""

REGISTRY_FIELDS = (".dockerconfigjson", ".dockercfg")
"""Keys whose value holds the passwords of registries."""

LAST_APPLIED = "last-applied"
"""In the names of annotations that hold the whole object once more."""

_REGISTRY_SECRETS = ("auth", "password", "identitytoken", "registrytoken")


def is_secret(o: Mapping[str, Any]) -> bool:
    """Is this a Secret of Kubernetes' own?"""
    return o.get("kind") == "Secret" and o.get("apiVersion", "v1") == "v1"


def secrets(wanted: Iterable[KubeObject], shown_values: Container[str] = ()) -> tuple[tuple[str, str], ...]:
    """The values of all Secrets and what to print instead, longest first.

    Args:
        wanted: objects of any kind.
        shown_values: values that are no secrets, such as `admin`; with spaces and newlines around them or not.
    """
    found: dict[str, str] = {}
    for o in wanted:
        if is_secret(o):
            for key, value in _values(o):
                shown = _shown(o, key)
                found[value.decode(errors="surrogateescape")] = shown
                for password in _passwords(value) if key in REGISTRY_FIELDS else ():
                    found[password] = shown
    kept = [(value, shown) for value, shown in found.items() if value.strip() not in shown_values]
    return tuple(sorted(kept, key=lambda item: (-len(item[0]), item[0])))


class SecretValue(NamedTuple):
    """A value of a Secret in the encodings of Tilt's records."""

    text: str
    shown: dict[str, str]
    """Its name, its key, and itself; bytes are in base64."""


def encoded_values(o: Mapping[str, Any]) -> Iterator[SecretValue]:
    """The values of an object, if it is a Secret."""
    for key, value in _values(o) if is_secret(o) else ():
        encoded = base64.b64encode(value)
        shown = {
            "Name": objects.name(o),
            "Key": key,
            "Value": encoded.decode(),
            "ValueEncoded": base64.b64encode(encoded).decode(),
            "Replacement": base64.b64encode(_shown(o, key).encode()).decode(),
        }
        yield SecretValue(value.decode(errors="replace"), shown)


def without_values(o: Mapping[str, Any]) -> dict[str, Any]:
    """A Secret that shows its keys and none of its values."""
    kept = dict(o)
    for field in FIELDS:
        if field in kept:
            kept[field] = {str(key): _shown(o, str(key)) for key in objects.mapping(o, field)}
    if annotations := objects.mapping(o, "metadata", "annotations"):
        shown = {name: text for name, text in annotations.items() if LAST_APPLIED not in str(name)}
        kept["metadata"] = {**objects.metadata(o), "annotations": shown}
    return kept


def _shown(o: Mapping[str, Any], key: str) -> str:
    return f"[redacted secret {objects.name(o)}:{key}]"


def _values(o: KubeObject) -> Iterator[tuple[str, bytes]]:
    for key, value in objects.mapping(o, "data").items():
        text = _text(value)
        try:
            yield key, base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):  # the cluster will refuse it; meant as it is
            yield key, text.encode(errors="surrogateescape")
    for key, value in objects.mapping(o, "stringData").items():
        yield key, _text(value).encode(errors="surrogateescape")


def _text(value: object) -> str:
    """The API reads null as nothing."""
    return "" if value is None else str(value)


def _passwords(config: bytes) -> Iterator[str]:
    """The passwords in a configuration of Docker's client."""
    try:
        found = msgspec.json.decode(config, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    entries = found.get("auths", found)
    for entry in entries.values() if isinstance(entries, dict) else ():
        for field in _REGISTRY_SECRETS if isinstance(entry, dict) else ():
            if isinstance(text := entry.get(field), str) and text:
                yield text
                if field == "auth":
                    yield from _password_of(text)


def _password_of(auth: str) -> Iterator[str]:
    try:
        password = base64.b64decode(auth, validate=True).decode().partition(":")[2].rstrip("\0")
    except ValueError:
        return
    if password:
        yield password
