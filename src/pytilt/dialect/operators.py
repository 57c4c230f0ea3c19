"""The operations of the language whose meaning differs from Python's, as functions that compiled Tiltfiles call."""

import math
from typing import NoReturn

from pytilt.dialect.comparing import equal
from pytilt.dialect.containers import StarlarkDict, StarlarkList, StarlarkSet
from pytilt.dialect.errors import DialectError
from pytilt.dialect.formatting import interpolate, to_integer
from pytilt.dialect.iterating import iterable_or_none
from pytilt.dialect.structs import StructValue
from pytilt.dialect.values import HostValue, type_name

_MAX_ELEMENTS = 1 << 30
_MAX_SHIFT = 512
_MAX_INDEX = 1 << 31
"""Limits of Starlark's: against a slip of the pen that eats the machine's memory."""

_ADDABLE = frozenset({int, float, str, tuple})
_NUMBERS = frozenset({int, float})


def refuse(symbol: str, left: object, right: object) -> NoReturn:
    """Say that there is no such operation for these types."""
    raise DialectError(f"unknown binary op: {type_name(left)} {symbol} {type_name(right)}")


def to_float(number: float) -> float:
    """A number as a float.

    Raises:
        DialectError: it is too large.
    """
    try:
        return float(number)
    except OverflowError as error:
        raise DialectError("int too large to convert to float") from error


def add(left: object, right: object) -> object:
    """`left + right`."""
    kind, other = type(left), type(right)
    if kind is other and kind in _ADDABLE:
        return left + right  # type: ignore[operator] # both are of the same kind, which has it
    if kind in _NUMBERS and other in _NUMBERS:
        return to_float(left) + to_float(right)  # type: ignore[arg-type] # both are numbers
    if isinstance(left, list) and isinstance(right, list):
        return StarlarkList([*left, *right])
    if isinstance(left, str) and isinstance(right, str):
        return str(left) + str(right)
    if isinstance(left, StructValue) and isinstance(right, StructValue):
        return left + right
    refuse("+", left, right)


def add_in_place(left: object, right: object) -> object:
    """`left += right`: a list grows itself."""
    if isinstance(left, list):
        elements = iterable_or_none(right)
        if elements is not None:
            if isinstance(left, StarlarkList):
                left.check_mutable("apply += to")
            left.extend([*elements])
            return left
    return add(left, right)


def subtract(left: object, right: object) -> object:
    """`left - right`."""
    kind, other = type(left), type(right)
    if kind in _NUMBERS and other in _NUMBERS:
        if kind is other:
            return left - right  # type: ignore[operator] # both are numbers
        return to_float(left) - to_float(right)  # type: ignore[arg-type] # both are numbers
    if isinstance(left, StarlarkSet) and isinstance(right, StarlarkSet):
        return left.difference(right)
    refuse("-", left, right)


def multiply(left: object, right: object) -> object:
    """`left * right`."""
    kind, other = type(left), type(right)
    if kind in _NUMBERS and other in _NUMBERS:
        if kind is other:
            return left * right  # type: ignore[operator] # both are numbers
        return to_float(left) * to_float(right)  # type: ignore[arg-type] # both are numbers
    if other is int and isinstance(left, str | bytes | list | tuple):
        return _repeat(left, right)  # type: ignore[arg-type] # it is an int
    if kind is int and isinstance(right, str | bytes | list | tuple):
        return _repeat(right, left)  # type: ignore[arg-type] # it is an int
    refuse("*", left, right)


def _repeat(value: str | bytes | list[object] | tuple[object, ...], count: int) -> object:
    if len(value) and count >= _MAX_INDEX:
        raise DialectError(f"repeat count {count} too large")
    if len(value) * count >= _MAX_ELEMENTS:
        raise DialectError(f"excessive repeat ({len(value)} * {count} elements)")
    repeated = value * count
    return StarlarkList(repeated) if isinstance(repeated, list) else repeated


def divide(left: object, right: object) -> object:
    """`left / right`, always a float."""
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        divisor = to_float(right)  # type: ignore[arg-type] # it is a number
        if divisor == 0:
            raise DialectError("floating-point division by zero")
        return to_float(left) / divisor  # type: ignore[arg-type] # it is a number
    refuse("/", left, right)


def floor_divide(left: object, right: object) -> object:
    """`left // right`."""
    kind, other = type(left), type(right)
    if kind in _NUMBERS and other in _NUMBERS:
        if right == 0:
            raise DialectError("floored division by zero")
        if kind is other is int:
            return left // right  # type: ignore[operator] # both are numbers
        quotient = to_float(left) / to_float(right)  # type: ignore[arg-type] # both are numbers
        return math.copysign(math.floor(quotient), quotient) if math.isfinite(quotient) else quotient
    refuse("//", left, right)


def modulo(left: object, right: object) -> object:
    """`left % right`: the rest of a division, or formatting."""
    kind, other = type(left), type(right)
    if kind in _NUMBERS and other in _NUMBERS:
        if right == 0:
            raise DialectError("integer modulo by zero" if kind is other is int else "floating-point modulo by zero")
        if kind is other is int:
            return left % right  # type: ignore[operator] # both are numbers
        return to_float(left) % to_float(right)  # type: ignore[arg-type] # both are numbers
    if isinstance(left, str):
        return interpolate(left, right)
    refuse("%", left, right)


def bit_or(left: object, right: object) -> object:
    """`left | right`: of ints, or the union of dicts or sets."""
    if type(left) is int and type(right) is int:
        return left | right
    if isinstance(left, dict) and isinstance(right, dict):
        return StarlarkDict({**left, **right})
    if isinstance(left, StarlarkSet) and isinstance(right, StarlarkSet):
        return left.union(right)
    refuse("|", left, right)


def bit_or_in_place(left: object, right: object) -> object:
    """`left |= right`: a dict grows itself."""
    if isinstance(left, dict) and isinstance(right, dict):
        if isinstance(left, StarlarkDict):
            left.check_mutable("apply |= to")
        left.update(right)
        return left
    return bit_or(left, right)


def bit_and(left: object, right: object) -> object:
    """`left & right`: of ints, or the intersection of sets."""
    if type(left) is int and type(right) is int:
        return left & right
    if isinstance(left, StarlarkSet) and isinstance(right, StarlarkSet):
        return left.intersection(right)
    refuse("&", left, right)


def bit_xor(left: object, right: object) -> object:
    """`left ^ right`: of ints, or the symmetric difference of sets."""
    if type(left) is int and type(right) is int:
        return left ^ right
    if isinstance(left, StarlarkSet) and isinstance(right, StarlarkSet):
        return left.symmetric_difference(right)
    refuse("^", left, right)


def shift_left(left: object, right: object) -> object:
    """`left << right`."""
    if type(left) is not int:
        refuse("<<", left, right)
    count = _shift_count(right)
    if count >= _MAX_SHIFT:
        raise DialectError(f"shift count too large: {count}")
    return left << count


def shift_right(left: object, right: object) -> object:
    """`left >> right`."""
    if type(left) is not int:
        refuse(">>", left, right)
    return left >> _shift_count(right)


def _shift_count(value: object) -> int:
    if type(value) is not int:
        raise DialectError(f"got {type_name(value)}, want int")
    if value < 0:
        raise DialectError(f"negative shift count: {value}")
    return value


def negate(value: object) -> object:
    """`-value`."""
    if type(value) in _NUMBERS:
        return -value  # type: ignore[operator] # it is a number
    raise DialectError(f"unknown unary op: - {type_name(value)}")


def positive(value: object) -> object:
    """`+value`."""
    if type(value) in _NUMBERS:
        return value
    raise DialectError(f"unknown unary op: + {type_name(value)}")


def invert(value: object) -> object:
    """`~value`."""
    if type(value) is int:
        return ~value
    raise DialectError(f"unknown unary op: ~ {type_name(value)}")


def contains(element: object, container: object) -> bool:
    """`element in container`."""
    if isinstance(container, list | tuple):
        return _contains_equal(element, container)
    if isinstance(container, dict | StarlarkSet):
        return _contains_key(element, container)
    if isinstance(container, str):
        if not isinstance(element, str):
            raise DialectError(f"'in <string>' requires string as left operand, not {type_name(element)}")
        return element in container
    if isinstance(container, bytes):
        return _contains_byte(element, container)
    if isinstance(container, range):
        try:
            return to_integer(element) in container
        except DialectError as error:
            message = f"'in <range>' requires integer as left operand, not {type_name(element)}"
            raise DialectError(message) from error
    refuse("in", element, container)


def contains_not(element: object, container: object) -> bool:
    """`element not in container`."""
    return not contains(element, container)


def _contains_equal(element: object, container: list[object] | tuple[object, ...]) -> bool:
    if type(element) is str:
        return element in container
    return any(equal(other, element) for other in container)


def _contains_key(element: object, container: dict[object, object] | StarlarkSet) -> bool:
    try:
        return element in container
    except TypeError as error:
        if isinstance(container, dict):
            return False
        raise unhashable(element) from error


def _contains_byte(element: object, container: bytes) -> bool:
    if isinstance(element, bytes):
        return element in container
    if type(element) is int:
        if not 0 <= element <= 255:
            message = f"int in bytes: {element} out of range (want value in unsigned 8-bit range)"
            raise DialectError(message)
        return element in container
    raise DialectError(f"'in bytes' requires bytes or int as left operand, not {type_name(element)}")


def hashable(key: object) -> object:
    """The same value, if it can be the key of a dict.

    Raises:
        DialectError: it cannot.
    """
    try:
        hash(key)
    except TypeError:
        raise unhashable(key) from None
    return key


def unhashable(key: object) -> DialectError:
    """The error that a value cannot be a key, naming the part that is the reason."""
    if isinstance(key, tuple):
        for part in key:
            try:
                hash(part)
            except TypeError:
                return unhashable(part)
    kind = "" if isinstance(key, HostValue) else " type"
    return DialectError(f"unhashable{kind}: {type_name(key)}")
