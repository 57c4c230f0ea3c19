"""Lists, dicts and sets as Tiltfiles make them: they can be frozen, and refuse changes while they are iterated."""

from collections.abc import Iterable, Iterator, Mapping, MutableSet

from pytilt.dialect.errors import DialectError


class StarlarkList(list[object]):
    """A list of a Tiltfile. The host may read and change it like any list; freezing binds Tiltfiles only."""

    frozen = False
    iterating = 0

    def check_mutable(self, verb: str) -> None:
        """Refuse a change.

        Raises:
            DialectError: the list is frozen or being iterated.
        """
        if self.frozen:
            raise DialectError(f"cannot {verb} frozen list")
        if self.iterating:
            raise DialectError(f"cannot {verb} list during iteration")


class StarlarkDict(dict[object, object]):
    """A dict of a Tiltfile. A host may subclass it, act on `__setitem__` and `__delitem__`, and call it otherwise."""

    noun = "dict"

    frozen = False
    iterating = 0

    def check_mutable(self, verb: str) -> None:
        """Refuse a change.

        Raises:
            DialectError: the dict is frozen or being iterated.
        """
        if self.frozen:
            raise DialectError(f"cannot {verb} frozen hash table")
        if self.iterating:
            raise DialectError(f"cannot {verb} hash table during iteration")


class StarlarkSet(MutableSet[object]):
    """A set of a Tiltfile: it keeps the order of insertion."""

    frozen = False
    iterating = 0

    def __init__(self, elements: Iterable[object] = ()) -> None:
        self._elements: dict[object, None] = dict.fromkeys(elements)

    def check_mutable(self, verb: str) -> None:
        """Refuse a change.

        Raises:
            DialectError: the set is frozen or being iterated.
        """
        if self.frozen:
            raise DialectError(f"cannot {verb} frozen hash table")
        if self.iterating:
            raise DialectError(f"cannot {verb} hash table during iteration")

    def __contains__(self, element: object) -> bool:
        return element in self._elements

    def __iter__(self) -> Iterator[object]:
        return iter(self._elements)

    def __len__(self) -> int:
        return len(self._elements)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StarlarkSet) and self._elements.keys() == other._elements.keys()

    __hash__ = None  # type: ignore[assignment] # as for every set

    def add(self, value: object) -> None:
        """Put an element in, at the end when it is new."""
        self._elements[value] = None

    def discard(self, value: object) -> None:
        """Take an element out, if it is there."""
        self._elements.pop(value, None)

    def take_first(self) -> object:
        """Take the oldest element out."""
        element = next(iter(self._elements))
        del self._elements[element]
        return element

    def union(self, others: Iterable[object]) -> "StarlarkSet":
        """The elements of this one, then the new ones of the other."""
        return StarlarkSet([*self._elements, *others])

    def intersection(self, others: Iterable[object]) -> "StarlarkSet":
        """The elements of the other, in its order, that are in this one, too."""
        return StarlarkSet(element for element in others if element in self._elements)

    def difference(self, others: Iterable[object]) -> "StarlarkSet":
        """The elements of this one that are not in the other."""
        result = StarlarkSet(self._elements)
        for element in others:
            result.discard(element)
        return result

    def symmetric_difference(self, others: Iterable[object]) -> "StarlarkSet":
        """The elements of this one and of the other, without those of both."""
        result = StarlarkSet(self._elements)
        for element in others:
            if element in result:
                result.discard(element)
            else:
                result.add(element)
        return result


def starlark_list(elements: Iterable[object] = ()) -> StarlarkList:
    """A list for a Tiltfile; lists, dicts and sets inside it are made such, too."""
    return StarlarkList(from_host(element) for element in elements)


def starlark_dict(
    entries: Mapping[str, object] | Mapping[object, object] | Iterable[tuple[object, object]] = (),
) -> StarlarkDict:
    """A dict for a Tiltfile; lists, dicts and sets inside it are made such, too."""
    pairs: Iterable[tuple[object, object]] = entries.items() if isinstance(entries, Mapping) else entries
    return StarlarkDict((key, from_host(value)) for key, value in pairs)


def starlark_set(elements: Iterable[object] = ()) -> StarlarkSet:
    """A set for a Tiltfile, in the order of the elements."""
    return StarlarkSet(elements)


_FOREIGN = frozenset({list, dict, tuple, set, frozenset})


def from_host(value: object) -> object:
    """The same value for a Tiltfile: Python's lists, dicts and sets are copied into those of the language."""
    kind = type(value)
    if kind not in _FOREIGN:
        return value
    if kind is list:
        return starlark_list(value)  # type: ignore[arg-type] # it is a list
    if kind is dict:
        return starlark_dict(value)  # type: ignore[arg-type] # it is a dict
    if kind is tuple:
        return tuple(from_host(element) for element in value)  # type: ignore[attr-defined] # it is a tuple
    return starlark_set(sorted(value, key=repr))  # type: ignore[call-overload] # it is a set
