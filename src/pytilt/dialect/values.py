"""Values that are neither numbers, strings nor containers, and what is asked of every value: its type, freezing it."""

from collections.abc import Mapping
from types import FunctionType

from pytilt.dialect.containers import StarlarkDict, StarlarkList, StarlarkSet
from pytilt.dialect.errors import DialectError


class HostValue:
    """An object of the host's that Tiltfiles can hold: a blob, a step of a live update.

    Subclasses set `type_name`, which `type(x)` gives in a Tiltfile, and may define `__str__`, `__bool__`, `__eq__` with
    `__hash__`, `__call__`, and `starlark_attrs`.
    """

    type_name: str = "struct"

    def starlark_attrs(self) -> Mapping[str, object]:
        """What `x.name` gives, by name."""
        return {}

    def missing_attr(self, name: str) -> str:
        """The message for an attribute that is not there."""
        return f"{self.type_name} has no .{name} field or method"


class StructValue(HostValue):
    """`struct(a = 1)`: a value with named fields. Two are equal when their fields are.

    Args:
        fields: the fields by name.
        constructor: the name that it prints with.
    """

    type_name = "struct"

    def __init__(self, fields: Mapping[str, object], constructor: str = "struct") -> None:
        self._fields = dict(sorted(fields.items()))
        self.constructor = constructor

    def starlark_attrs(self) -> Mapping[str, object]:
        """The fields, sorted by name."""
        return self._fields

    def missing_attr(self, name: str) -> str:
        """The message for a field that is not there."""
        kind = "" if self.constructor == "struct" else f'"{self.constructor}" '
        return f"{kind}struct has no .{name} attribute"

    def __str__(self) -> str:
        from pytilt.dialect.formatting import to_repr

        fields = ", ".join(f"{name} = {to_repr(value)}" for name, value in self._fields.items())
        return f"{self.constructor}({fields})"

    def __add__(self, other: object) -> "StructValue":
        if not isinstance(other, StructValue):
            return NotImplemented
        if self.constructor != other.constructor:
            raise DialectError(
                f'cannot add structs of different constructors: "{self.constructor}" + "{other.constructor}"'
            )
        return StructValue({**self._fields, **other._fields}, self.constructor)

    def __eq__(self, other: object) -> bool:
        from pytilt.dialect.comparing import equal

        if not isinstance(other, StructValue) or self.constructor != other.constructor:
            return False
        if self._fields.keys() != other._fields.keys():
            return False
        return all(equal(value, other._fields[name]) for name, value in self._fields.items())

    def __hash__(self) -> int:
        return hash(tuple(self._fields.items()))


class ModuleValue(HostValue):
    """`module("name", a = 1)`: named members that print as one word.

    Args:
        name: what it prints with.
        members: the members by name.
    """

    type_name = "module"

    def __init__(self, name: str, members: Mapping[str, object]) -> None:
        self.name = name
        self._members = dict(sorted(members.items()))

    def starlark_attrs(self) -> Mapping[str, object]:
        """The members, sorted by name."""
        return self._members

    def __str__(self) -> str:
        return f'<module "{self.name}">'

    __hash__ = None  # type: ignore[assignment] # a module cannot be the key of a dict

    def __eq__(self, other: object) -> bool:
        return self is other


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
    if isinstance(value, StructValue | ModuleValue):
        return list(value.starlark_attrs().values())
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
