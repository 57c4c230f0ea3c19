"""`x.name`: methods of the language's own values, and what values of the host's offer."""

from pytilt.dialect.containers import StarlarkDict, StarlarkList, StarlarkSet
from pytilt.dialect.errors import DialectError
from pytilt.dialect.functions import BoundMethod
from pytilt.dialect.methods import DICT_METHODS, LIST_METHODS, SET_METHODS, Methods
from pytilt.dialect.spelling import did_you_mean
from pytilt.dialect.strings import BYTES_METHODS, STRING_METHODS
from pytilt.dialect.values import HostValue, type_name

_METHODS: dict[type, Methods] = {
    str: STRING_METHODS,
    bytes: BYTES_METHODS,
    list: LIST_METHODS,
    dict: DICT_METHODS,
    StarlarkList: LIST_METHODS,
    StarlarkDict: DICT_METHODS,
    StarlarkSet: SET_METHODS,
}


def get_attr(value: object, name: str) -> object:
    """`value.name`.

    Raises:
        DialectError: there is no such attribute.
    """
    methods = _METHODS.get(type(value)) or _methods_of(value)
    method = methods.get(name)
    if method is not None:
        return BoundMethod(name, value, method)
    if isinstance(value, HostValue):
        attributes = value.starlark_attrs()
        if name in attributes:
            return attributes[name]
        message = value.missing_attr(name)
    else:
        message = f"{type_name(value)} has no .{name} field or method"
    raise DialectError(message + did_you_mean(name, attr_names(value), "."))


def has_attr(value: object, name: str) -> bool:
    """Whether `value.name` is there."""
    return name in _methods_of(value) or (isinstance(value, HostValue) and name in value.starlark_attrs())


def attr_names(value: object) -> list[str]:
    """The names of all attributes of a value, sorted."""
    if isinstance(value, HostValue):
        return sorted(value.starlark_attrs())
    return sorted(_methods_of(value))


def _methods_of(value: object) -> Methods:
    return next((methods for kind, methods in _METHODS.items() if isinstance(value, kind)), {})
