"""JSON and YAML: reading, decoding, encoding."""

import json
from collections.abc import Callable
from decimal import Decimal

from pytilt.cluster import yaml
from pytilt.cluster.secrets import secrets
from pytilt.dialect import to_repr, type_name
from pytilt.errors import UserError
from pytilt.model.regex import regex
from pytilt.tiltfile.arguments import go_yaml
from pytilt.tiltfile.arguments.conversions import LocalPath, Stringable
from pytilt.tiltfile.arguments.values import Blob
from pytilt.tiltfile.running.functions import function
from pytilt.tiltfile.running.script import Script, UnreadableError

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""What Go's encoder escapes, so that JSON can be part of a page."""
_SURROGATE = regex(r"[\ud800-\udfff]")
_ESCAPED_SURROGATE = regex(r"\\u[dD][89a-fA-F]")
_MAX_INT = 2**63
_LONGEST_INT = 30
_LARGEST_PLAIN = 1e21
"""Below this Go writes a whole float without an exponent."""


class DataBuiltins:
    """`read_json`, `decode_json`, `encode_json`, and the same for YAML and streams of YAML documents."""

    def __init__(self, script: Script) -> None:
        self._script = script

    @function("read_json")
    def read_json(self, paths: LocalPath, default: object = None) -> object:
        """The value in a JSON file."""
        return self._read(paths, default, lambda text: _decode_json(text, f" from {paths}"))

    @function("decode_json")
    def decode_json(self, json: Stringable) -> object:
        """The value of a JSON text."""
        return _decode_json(json, "")

    @function("encode_json")
    def encode_json(self, obj: object) -> str:
        """A value as JSON."""
        text = json.dumps(_plain(obj), indent=2, sort_keys=True, ensure_ascii=False)
        return "".join(_ESCAPES.get(char, char) for char in text) + "\n"

    @function("read_yaml")
    def read_yaml(self, paths: LocalPath, default: object = None) -> object:
        """The value in a YAML file with one document."""
        return self._read(paths, default, lambda text: _single(self._yaml(text, f" from {paths}")))

    @function("read_yaml_stream")
    def read_yaml_stream(self, paths: LocalPath, default: object = None) -> object:
        """The values in a YAML file with any number of documents."""
        if default is not None and not isinstance(default, list):
            raise UserError(f'read_yaml_stream: for parameter "default": got {type_name(default)}, want list')
        return self._read(paths, default, lambda text: self._yaml(text, f" from {paths}"))

    @function("decode_yaml")
    def decode_yaml(self, yaml: Stringable) -> object:
        """The value of a YAML text with one document."""
        return _single(self._yaml(yaml, ""))

    @function("decode_yaml_stream")
    def decode_yaml_stream(self, yaml: Stringable) -> list[object]:
        """The values of a YAML text with any number of documents."""
        return self._yaml(yaml, "")

    @function("encode_yaml")
    def encode_yaml(self, obj: object) -> Blob:
        """A value as YAML."""
        return Blob(_encode_yaml(obj), "encode_yaml")

    @function("encode_yaml_stream")
    def encode_yaml_stream(self, objs: object) -> Blob:
        """Values as YAML documents."""
        if not isinstance(objs, list):
            raise UserError(f"encode_yaml_stream: for parameter objs: got {type_name(objs)}, want list")
        return Blob("---\n".join(_encode_yaml(obj) for obj in objs), "encode_yaml_stream")

    def _yaml(self, text: str, origin: str) -> list[object]:
        documents = _decode_yaml(text, origin)
        self._script.learn(secrets(each for each in documents if isinstance(each, dict)))
        return documents

    def _read(self, path: str, default: object, decode: Callable[[str], object]) -> object:
        try:
            text = self._script.read(path)
        except UnreadableError as error:
            if default is None or not error.missing:
                raise
            return default
        return decode(text)


def _decode_json(text: str, origin: str) -> object:
    try:
        readable = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text.removeprefix("\ufeff"))
        found: object = json.loads(readable, parse_int=_integer, parse_float=_number)
        return _without_surrogates(found) if _ESCAPED_SURROGATE.search(text) else found
    except RecursionError as error:
        raise UserError(f"error parsing JSON{origin}: exceeded maximum nesting depth") from error
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            raise UserError(f"error parsing JSON{origin}: found multiple JSON values") from error
        raise UserError(
            f"error parsing JSON{origin}: {error.msg[:1].lower()}{error.msg[1:]} at line {error.lineno} "
            f"column {error.colno}"
        ) from error


def _without_surrogates(value: object) -> object:
    """The value without halves of pairs, which are no text; as Go reads them."""
    if isinstance(value, str):
        return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(held) for key, held in value.items()}
    return [_without_surrogates(item) for item in value] if isinstance(value, list) else value


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INT or not -_MAX_INT <= int(text) < _MAX_INT:
        raise UserError(f'error converting JSON to Starlark: parsing "{text}": value out of range')
    return int(text)


def _number(text: str) -> float:
    if "." not in text:  # as in Tilt, which takes it for an integer
        raise UserError(
            f'error converting JSON to Starlark: parsing "{text}": invalid syntax',
            hint="write the number with a decimal point",
        )
    return float(text)


def _decode_yaml(text: str, origin: str) -> list[object]:
    try:
        values = yaml.parse_values(text, "")
    except UserError as error:
        place = f" at {error.where.strip(':')}" if error.where else ""
        raise UserError(f"error parsing YAML{origin}: {error.message}{place}", hint=error.hint) from error
    return [_as_json(value) for value in values if value is not None]


def _as_json(value: object) -> object:
    """What is left of a value on the way through JSON, which Tilt sends YAML on: whole floats are integers."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _MAX_INT:
        return int(value)
    if isinstance(value, dict):
        return {key: _as_json(held) for key, held in value.items()}
    return [_as_json(item) for item in value] if isinstance(value, list) else value


def _single(documents: list[object]) -> object:
    if len(documents) > 1:
        raise UserError(
            "expected a yaml document but found a yaml stream (documents separated by `---`). use decode_yaml_stream "
            "instead to decode a yaml stream"
        )
    return documents[0] if documents else None


def _encode_yaml(obj: object) -> str:
    return go_yaml.encode(_sorted(_plain(obj)))


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _plain(value: object) -> object:
    """A value as JSON and YAML can hold it."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return int(Decimal(repr(value))) if value.is_integer() and abs(value) < _LARGEST_PLAIN else value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise UserError(
                    "error converting object from starlark: only string keys are supported in maps. found key "
                    f"'{to_repr(key)}' of type {type_name(key)}"
                )
        return {key: _plain(held) for key, held in value.items()}
    raise UserError(
        "error converting object from starlark: unable to convert from starlark value, unsupported type "
        f"{type_name(value)}"
    )
