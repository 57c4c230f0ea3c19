"""The bodies of answers: JSON without what is secret in it, and whatever bytes a file's name has."""

import json
from typing import TypeVar

import msgspec
from starlette.responses import Response

from pytilt.store.logs import LogStore
from pytilt.views.hiding import without_secrets

T = TypeVar("T")


def encoded(value: object, logs: LogStore) -> bytes:
    """The JSON of a value without what is secret in it.

    Args:
        value: anything that is JSON.
        logs: knows what is secret.
    """
    try:
        found = msgspec.json.encode(value)
    except UnicodeEncodeError:
        found = builtins_encoded(msgspec.to_builtins(value))
    redactor = logs.redactor
    if not redactor or not redactor.found(found.decode()):
        return found
    return builtins_encoded(without_secrets(msgspec.json.decode(found), redactor))


def shown(body: T, logs: LogStore) -> T:
    """What a reader gets: nothing in it is secret.

    Args:
        body: of builtin values.
        logs: knows what is secret.
    """
    redactor = logs.redactor
    if not redactor or not redactor.found(builtins_encoded(body).decode(errors="replace")):
        return body
    hidden: T = without_secrets(body, redactor)
    return hidden


def json_response(body: object, status: int = 200) -> Response:
    """An answer of builtin values."""
    return Response(builtins_encoded(body), status, media_type="application/json")


def builtins_encoded(body: object) -> bytes:
    """The JSON of builtin values, with a `?` for every byte of a file's name or text that was no UTF-8."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return json.dumps(body, ensure_ascii=False).encode(errors="replace")
