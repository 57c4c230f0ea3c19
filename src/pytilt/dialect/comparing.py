"""Equality and order: values of different types are never equal, apart from an int and a float."""

from collections.abc import Callable, Sequence
from operator import ge, gt, le, lt

from pytilt.dialect.containers import StarlarkSet
from pytilt.dialect.errors import DialectError
from pytilt.dialect.values import type_name

_PLAIN = frozenset({int, str, bool, bytes, type(None)})
_SYMBOLS: dict[Callable[..., bool], str] = {lt: "<", le: "<=", gt: ">", ge: ">="}


def equal(left: object, right: object) -> bool:
    """`left == right`."""
    kind, other = type(left), type(right)
    if kind is other and kind in _PLAIN:
        return left == right
    if kind is bool or other is bool:
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return len(left) == len(right) and all(key in right and equal(left[key], right[key]) for key in left)
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (left != left and right != right)
    return left is right or left == right


def unequal(left: object, right: object) -> bool:
    """`left != right`."""
    return not equal(left, right)


def less(left: object, right: object) -> bool:
    """`left < right`."""
    return _ordered(lt, left, right)


def less_or_equal(left: object, right: object) -> bool:
    """`left <= right`."""
    return _ordered(le, left, right)


def greater(left: object, right: object) -> bool:
    """`left > right`."""
    return _ordered(gt, left, right)


def greater_or_equal(left: object, right: object) -> bool:
    """`left >= right`."""
    return _ordered(ge, left, right)


def _ordered(operation: Callable[..., bool], left: object, right: object) -> bool:
    kind, other = type(left), type(right)
    if kind is other and kind in {int, str, bool, bytes, StarlarkSet}:
        return operation(left, right)
    if kind in {int, float} and other in {int, float}:
        return _ordered_numbers(operation, left, right)
    if isinstance(left, list) and isinstance(right, list):
        return _ordered_elements(operation, left, right)
    if isinstance(left, tuple) and isinstance(right, tuple):
        return _ordered_elements(operation, left, right)
    raise DialectError(f"{type_name(left)} {_SYMBOLS[operation]} {type_name(right)} not implemented")


def _ordered_numbers(operation: Callable[..., bool], left: object, right: object) -> bool:
    """NaN is greater than every number, and equal to itself, so that sorting is defined."""
    unordered = (left != left, right != right)
    return operation(*unordered) if any(unordered) else operation(left, right)


def _ordered_elements(operation: Callable[..., bool], left: Sequence[object], right: Sequence[object]) -> bool:
    for one, other in zip(left, right, strict=False):
        if not equal(one, other):
            return _ordered(operation, one, other)
    return operation(len(left), len(right))
