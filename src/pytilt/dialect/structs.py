"""`struct` and `module`: values that a Tiltfile puts together from named ones."""

from collections.abc import Iterable, Mapping

from pytilt.dialect.comparing import equal
from pytilt.dialect.errors import DialectError
from pytilt.dialect.formatting import to_repr
from pytilt.dialect.values import HostValue


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

    def starlark_parts(self) -> Iterable[object]:
        """The values of all fields."""
        return self._fields.values()

    def missing_attr(self, name: str) -> str:
        """The message for a field that is not there."""
        kind = "" if self.constructor == "struct" else f'"{self.constructor}" '
        return f"{kind}struct has no .{name} attribute"

    def __str__(self) -> str:
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

    def starlark_parts(self) -> Iterable[object]:
        """The values of all members."""
        return self._members.values()

    def __str__(self) -> str:
        return f'<module "{self.name}">'

    __hash__ = None  # type: ignore[assignment] # a module cannot be the key of a dict

    def __eq__(self, other: object) -> bool:
        return self is other
