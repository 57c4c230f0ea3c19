"""JSON patches (RFC 6902): a list of operations on a JSON value. Pure."""

import copy
from typing import Any, NoReturn

from pytilt.errors import UserError
from pytilt.model.numbers import whole


def apply_patch(value: Any, operations: list[Any]) -> Any:  # noqa: ANN401 - JSON
    """The value after all operations; the one that was given stays as it is.

    Args:
        value: any JSON value.
        operations: each a mapping with `op`, `path` and what the operation needs.

    Raises:
        UserError: an operation is none, or cannot be carried out.
    """
    document = [copy.deepcopy(value)]  # in a list, so that the whole can be replaced too
    for number, operation in enumerate(operations):
        try:
            _carry_out(document, operation)
        except UserError as error:
            raise UserError(f"operation {number} of the patch: {error.message}") from error
    return document[0]


def _carry_out(document: list[Any], operation: object) -> None:
    if not isinstance(operation, dict):
        _refuse("it is not a mapping")
    name, path = operation.get("op"), _pointer(operation.get("path"))
    if name in ("add", "replace", "test") and "value" not in operation:
        _refuse(f"`{name}` needs a `value`")
    match name:
        case "add":
            _add(document, path, copy.deepcopy(operation["value"]))
        case "remove":
            _take(document, path)
        case "replace":
            _take(document, path)
            _add(document, path, copy.deepcopy(operation["value"]))
        case "test":
            if _at(document, path) != operation["value"]:
                _refuse(f"test failed: `{operation['path']}` has another value")
        case "move":
            _add(document, path, _take(document, _pointer(operation.get("from"))))
        case "copy":
            _add(document, path, copy.deepcopy(_at(document, _pointer(operation.get("from")))))
        case _:
            _refuse(f"unknown operation `{name}`; there are add, remove, replace, move, copy and test")


def _pointer(text: object) -> list[str]:
    """The steps of a JSON pointer (RFC 6901), from the list around the document on."""
    if not isinstance(text, str) or (text and not text.startswith("/")):
        _refuse(f"`{text}` is no path: it begins with `/`")
    return ["0", *(step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:])]


def _at(document: list[Any], path: list[str]) -> Any:  # noqa: ANN401 - JSON
    found: Any = document
    for step in path:
        found = found[_key(found, step)]
    return found


def _take(document: list[Any], path: list[str]) -> Any:  # noqa: ANN401 - JSON
    holder = _at(document, path[:-1])
    return holder.pop(_key(holder, path[-1]))


def _add(document: list[Any], path: list[str], value: Any) -> None:  # noqa: ANN401 - JSON
    holder, step = _at(document, path[:-1]), path[-1]
    if isinstance(holder, dict):
        holder[step] = value
    elif isinstance(holder, list):
        index = len(holder) if step == "-" else _index(step)
        if index > len(holder):
            _refuse(f"there is no place {step} in a list of {len(holder)}")
        holder.insert(index, value)
    else:
        _refuse(f"there is nothing that `{step}` could be in")


def _key(holder: object, step: str) -> Any:  # noqa: ANN401 - of a list or of a mapping
    if isinstance(holder, dict) and step in holder:
        return step
    if not isinstance(holder, list) or _index(step) >= len(holder):
        _refuse(f"there is no `{step}`")
    return _index(step)


def _index(step: str) -> int:
    number = whole(step)
    if number is None or str(number) != step:
        _refuse(f"`{step}` is no place in a list")
    return number


def _refuse(why: str) -> NoReturn:
    raise UserError(why)
