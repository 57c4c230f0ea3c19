"""What a Tiltfile can call, as stubs of Python: written from the functions, so that these are described once.

`scripts/tiltfile_stubs.py` writes `tiltfile.pyi` beside this module with it; editors and other tools read that file.
"""

import inspect
from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

from pytilt.dialect import Builtin, ModuleValue, type_name
from pytilt.tiltfile.arguments import conversions
from pytilt.tiltfile.arguments.values import Blob, LinkValue

_PARAMETERS: tuple[tuple[object, str], ...] = (
    (conversions.Text, "str"), (conversions.Stringable, "str | blob_value"), (conversions.Flag, "bool"),
    (conversions.Whole, "int"), (conversions.Items, "Any"), (conversions.Sequenced, "list[Any]"),
    (conversions.StringOrStrings, "str | list[str]"), (conversions.Strings, "list[str]"),
    (conversions.Pairs, "dict[str, str]"), (conversions.LocalPath, "str"), (conversions.LocalPaths, "str | list[str]"),
    (conversions.Name, "str"), (conversions.Labels, "str | list[str]"), (conversions.Links, "Any"),
    (conversions.Readiness, "str"), (conversions.ImageNames, "str | list[str]"), (conversions.Duration, "str"),
)  # fmt: skip
"""What may be given where a parameter has one of these annotations."""
_RESULTS: Mapping[object, str] = {
    type(None): "None", str: "str", bool: "bool", int: "int", Blob: "blob_value", LinkValue: "struct_value",
}  # fmt: skip
_PLAIN: tuple[tuple[object, str], ...] = (
    (str, "str"), (bool, "bool"), (int, "int"), (tuple, "list[Any]"), (dict, "dict[str, str]"),
    (Mapping, "dict[str, str]"),
)  # fmt: skip
"""What may be given for a field of an object of the API; all may be left out."""
_HEAD = '''\
"""The functions of a Tiltfile, with what they take and return. Written by `scripts/tiltfile_stubs.py`."""

from typing import Any

class blob_value: ...
class struct_value: ...
'''


def stubs(names: Mapping[str, object]) -> str:
    """The text of the stub file.

    Args:
        names: all that a Tiltfile finds when it starts.
    """
    return "\n".join([_HEAD, *_lines(names, "", "")])


def _lines(names: Mapping[str, object], indent: str, prefix: str) -> list[str]:
    found: list[str] = []
    for name, value in sorted(names.items()):
        if isinstance(value, ModuleValue):
            found += [f"{indent}class {name}:", *_lines(value.starlark_attrs(), f"{indent}    ", f"{prefix}{name}.")]
        elif isinstance(value, Builtin):
            found += _function(name, value, indent, inside=bool(prefix))
        else:
            found.append(f"{indent}{name}: {_CONSTANTS.get(type_name(value), 'Any')}")
    return found


_CONSTANTS = {"string": "str", "list": "list[str]", "dict": "dict[str, str]", "int": "int"}


def _function(name: str, function: Builtin, indent: str, *, inside: bool) -> list[str]:
    signature, result = typed_signature(function)
    lines = [f"{indent}@staticmethod"] if inside else []
    body = [f'{indent}    """{function.doc.splitlines()[0]}"""'] if function.doc else [f"{indent}    ..."]
    return [*lines, f"{indent}def {name}{signature} -> {result}:", *body]


def typed_signature(function: Builtin) -> tuple[inspect.Signature, str]:
    """The parameters of a function, which print with their types and defaults, and the type of what it returns."""
    hints = get_type_hints(function.function, include_extras=True) if inspect.isroutine(function.function) else {}
    parameters = []
    for each in function.signature.parameters.values():
        hint = hints.get(each.name) or each.annotation
        plain = each.default in (each.empty, None, "") or isinstance(each.default, int)
        default = each.default if plain else _Verbatim("...")
        shown = _parameter(hint)
        shown += " | None" if each.default is None and shown != "Any" and "None" not in shown else ""
        parameters.append(each.replace(annotation=_Verbatim(shown), default=default))
    return inspect.Signature(parameters), _RESULTS.get(hints.get("return", Any), "Any")


class _Verbatim:
    """A text that prints as it is where Python prints a value of a signature."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _parameter(hint: object) -> str:
    for known, shown in _PARAMETERS:
        if hint == known:
            return shown
        if known in get_args(hint):
            return f"{shown} | None"
    return next((shown for kind, shown in _PLAIN if hint is kind or get_origin(hint) is kind), "Any")
