"""Values of the host, and what is asked of every value: its type, freezing it."""

from collections.abc import Iterable, Mapping
from types import FunctionType

from pytilt.dialect.containers import StarlarkDict, StarlarkList, StarlarkSet


class HostValue:
    """An object of the host's that Tiltfiles can hold: a blob, a step of a live update.

    Subclasses set `type_name`, which `type(x)` gives in a Tiltfile, and may define `__str__`, `__bool__`, `__eq__` with
    `__hash__`, `__call__`, and `starlark_attrs`.
    """

    type_name: str = "struct"

    def starlark_attrs(self) -> Mapping[str, object]:
        """What `x.name` gives, by name."""
        return {}

    def starlark_parts(self) -> Iterable[object]:
        """What is frozen together with it."""
        return ()

    def missing_attr(self, name: str) -> str:
        """The message for an attribute that is not there."""
        return f"{self.type_name} has no .{name} field or method"


_TYPE_NAMES: dict[type, str] = {
    type(None): "NoneType",
    bool: "bool",
    int: "int",
    float: "float",
    str: "string",
    bytes: "bytes",
    tuple: "tuple",
    range: "range",
    list: "list",
    dict: "dict",
    StarlarkList: "list",
    StarlarkDict: "dict",
    StarlarkSet: "set",
    FunctionType: "function",
}


def type_name(value: object) -> str:
    """What `type(value)` gives in a Tiltfile."""
    name = _TYPE_NAMES.get(type(value))
    if name is not None:
        return name
    if isinstance(value, HostValue):
        return value.type_name
    for kind in (str, int, float, list, dict, tuple):
        if isinstance(value, kind):
            return _TYPE_NAMES[kind]
    return type(value).__name__


def python_type_name(name: str) -> str:
    """What the language calls the Python class of this name, as messages of Python give it."""
    return next((given for kind, given in _TYPE_NAMES.items() if kind.__name__ == name), name)


def freeze(value: object) -> None:
    """Make a value, and all that it holds, refuse changes by Tiltfiles from now on."""
    waiting = [value]
    seen: set[int] = set()
    while waiting:
        item = waiting.pop()
        if id(item) not in seen:
            seen.add(id(item))
            waiting += _freeze_one(item)


def _freeze_one(value: object) -> list[object]:
    """Freeze one value; give what it holds."""
    if isinstance(value, StarlarkList):
        value.frozen = True
        return list(value)
    if isinstance(value, StarlarkDict):
        value.frozen = True
        return [*value.keys(), *value.values()]
    if isinstance(value, StarlarkSet):
        value.frozen = True
        return list(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, HostValue):
        return list(value.starlark_parts())
    if isinstance(value, FunctionType):
        return _held_by_function(value)
    return []


def _held_by_function(function: FunctionType) -> list[object]:
    held: list[object] = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for cell in function.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:  # a variable that was never assigned
            continue
    return held
