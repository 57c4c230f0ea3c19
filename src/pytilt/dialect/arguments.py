"""What functions and methods of the language ask of their arguments."""

from collections.abc import Callable, Iterable

from pytilt.dialect.errors import DialectError
from pytilt.dialect.iterating import iterable_or_none
from pytilt.dialect.values import type_name


def wrong_type(function: str, parameter: int | str, value: object, wanted: str) -> DialectError:
    """The error that an argument has the wrong type.

    Args:
        function: the name of the function.
        parameter: the number of the parameter from 1, or its name.
        value: the argument.
        wanted: the type that it should have.
    """
    return DialectError(f"{function}: for parameter {parameter}: got {type_name(value)}, want {wanted}")


def want_string(function: str, parameter: int | str, value: object) -> str:
    """The argument, if it is a string.

    Raises:
        DialectError: it is none.
    """
    if isinstance(value, str):
        return value
    raise wrong_type(function, parameter, value, "string")


def want_int(function: str, parameter: int | str, value: object) -> int:
    """The argument, if it is an int.

    Raises:
        DialectError: it is none.
    """
    if type(value) is int:
        return value
    raise wrong_type(function, parameter, value, "int")


def want_bool(function: str, parameter: int | str, value: object) -> bool:
    """The argument, if it is a bool.

    Raises:
        DialectError: it is none.
    """
    if isinstance(value, bool):
        return value
    raise wrong_type(function, f'"{parameter}"', value, "bool")


def want_callable(function: str, parameter: int | str, value: object) -> Callable[..., object]:
    """The argument, if it can be called.

    Raises:
        DialectError: it cannot.
    """
    if callable(value):
        return value
    raise wrong_type(function, f'"{parameter}"', value, "callable")


def want_iterable(function: str, parameter: int | str, value: object) -> Iterable[object]:
    """The argument, if one can go through its elements.

    Raises:
        DialectError: one cannot.
    """
    elements = iterable_or_none(value)
    if elements is None:
        raise wrong_type(function, parameter, value, "iterable")
    return elements
