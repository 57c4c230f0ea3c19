"""The methods of lists, dicts and sets."""

from collections.abc import Callable, Iterable, Iterator

from pytilt.dialect.arguments import want_int, want_iterable
from pytilt.dialect.comparing import equal
from pytilt.dialect.containers import StarlarkDict, StarlarkList, StarlarkSet
from pytilt.dialect.errors import DialectError
from pytilt.dialect.indexing import slice_bound
from pytilt.dialect.iterating import iterable_or_none
from pytilt.dialect.operators import unhashable
from pytilt.dialect.values import type_name

Methods = dict[str, Callable[..., object]]
_MISSING = object()


def _mutable(container: object, method: str, verb: str) -> None:
    """Refuse a change of what is frozen or being iterated; containers of Python's own are never."""
    if isinstance(container, StarlarkList | StarlarkDict | StarlarkSet):
        try:
            container.check_mutable(verb)
        except DialectError as error:
            raise DialectError(f"{method}: {error.message}") from error


def _key(method: str, key: object) -> object:
    """The key, if it can be one."""
    try:
        hash(key)
    except TypeError:
        raise DialectError(f"{method}: {unhashable(key).message}") from None
    return key


def _append(items: list[object], item: object, /) -> None:
    _mutable(items, "append", "append to")
    items.append(item)


def _clear_list(items: list[object], /) -> None:
    _mutable(items, "clear", "clear")
    items.clear()


def _extend(items: list[object], more: object, /) -> None:
    elements = want_iterable("extend", 1, more)
    _mutable(items, "extend", "extend")
    items.extend([*elements])


def _index(items: list[object], item: object, start: object = None, end: object = None, /) -> int:
    try:
        bounds = slice(slice_bound(start, "start"), slice_bound(end, "end"))
    except DialectError as error:
        raise DialectError(f"index: {error.message}") from error
    for i in range(*bounds.indices(len(items))):
        if equal(items[i], item):
            return i
    raise DialectError("index: value not in list")


def _insert(items: list[object], index: object, item: object, /) -> None:
    place = want_int("insert", 1, index)
    _mutable(items, "insert", "insert into")
    items.insert(place, item)


def _pop(items: list[object], index: object = -1, /) -> object:
    wanted = want_int("pop", 1, index)
    place = wanted + len(items) if wanted < 0 else wanted
    if not items:
        raise DialectError(f"pop: index {wanted} out of range: empty list")
    if not 0 <= place < len(items):
        raise DialectError(f"pop: list index {wanted} out of range [{-len(items)}:{len(items) - 1}]")
    _mutable(items, "pop", "pop from")
    return items.pop(place)


def _remove(items: list[object], item: object, /) -> None:
    _mutable(items, "remove", "remove from")
    for i, other in enumerate(items):
        if equal(other, item):
            del items[i]
            return
    raise DialectError("remove: element not found")


LIST_METHODS: Methods = {
    "append": _append, "clear": _clear_list, "extend": _extend, "index": _index, "insert": _insert, "pop": _pop,
    "remove": _remove,
}  # fmt: skip


def _clear_dict(entries: dict[object, object], /) -> None:
    _mutable(entries, "clear", "clear")
    entries.clear()


def _get(entries: dict[object, object], key: object, default: object = None, /) -> object:
    return entries.get(_key("get", key), default)


def _items(entries: dict[object, object], /) -> list[object]:
    return StarlarkList(entries.items())


def _keys(entries: dict[object, object], /) -> list[object]:
    return StarlarkList(entries)


def _values(entries: dict[object, object], /) -> list[object]:
    return StarlarkList(entries.values())


def _pop_key(entries: dict[object, object], key: object, default: object = _MISSING, /) -> object:
    _mutable(entries, "pop", "delete from")
    if _key("pop", key) in entries:
        value = entries[key]
        del entries[key]
        return value
    if default is _MISSING:
        raise DialectError("pop: missing key")
    return default


def _popitem(entries: dict[object, object], /) -> tuple[object, object]:
    if not entries:
        raise DialectError("popitem: empty dict")
    _mutable(entries, "popitem", "delete from")
    key = next(iter(entries))
    value = entries[key]
    del entries[key]
    return key, value


def _setdefault(entries: dict[object, object], key: object, default: object = None, /) -> object:
    if _key("setdefault", key) in entries:
        return entries[key]
    _mutable(entries, "setdefault", "insert into")
    entries[key] = default
    return default


def _update(entries: dict[object, object], *updates: object, **named: object) -> None:
    if len(updates) > 1:
        raise DialectError(f"update: got {len(updates)} arguments, want at most 1")
    update_dict("update", entries, updates[0] if updates else (), named)


def update_dict(function: str, entries: dict[object, object], updates: object, named: dict[str, object]) -> None:
    """Put entries into a dict.

    Args:
        function: who asks, for messages.
        entries: the dict.
        updates: a dict, or pairs of keys and values.
        named: more entries.

    Raises:
        DialectError: the dict cannot be changed, or the updates are no entries.
    """
    for key, value in [*_pairs(function, updates), *named.items()]:
        _mutable(entries, function, "insert into")
        entries[_key(function, key)] = value


def _pairs(function: str, updates: object) -> Iterable[tuple[object, object]]:
    if isinstance(updates, dict):
        return list(updates.items())
    elements = iterable_or_none(updates)
    if elements is None:
        raise DialectError(f"{function}: got {type_name(updates)}, want iterable")
    return _checked_pairs(function, elements)


def _checked_pairs(function: str, elements: Iterable[object]) -> Iterator[tuple[object, object]]:
    for i, element in enumerate(elements):
        parts = iterable_or_none(element)
        what = f"{function}: dictionary update sequence element #{i}"
        if parts is None:
            raise DialectError(f"{what} is not iterable ({type_name(element)})")
        pair = tuple(parts)
        if len(pair) != 2:
            raise DialectError(f"{what} has length {len(pair)}, want 2")
        yield pair[0], pair[1]


DICT_METHODS: Methods = {
    "clear": _clear_dict, "get": _get, "items": _items, "keys": _keys, "pop": _pop_key, "popitem": _popitem,
    "setdefault": _setdefault, "update": _update, "values": _values,
}  # fmt: skip


def _add(elements: StarlarkSet, element: object, /) -> None:
    if _key("add", element) not in elements:
        _mutable(elements, "add", "insert into")
        elements.add(element)


def _clear_set(elements: StarlarkSet, /) -> None:
    if elements:
        _mutable(elements, "clear", "clear")
        elements.clear()


def _discard(elements: StarlarkSet, element: object, /) -> None:
    if _key("discard", element) in elements:
        _mutable(elements, "discard", "delete from")
        elements.discard(element)


def _pop_element(elements: StarlarkSet, /) -> object:
    if not elements:
        raise DialectError("pop: empty set")
    _mutable(elements, "pop", "delete from")
    return elements.take_first()


def _remove_element(elements: StarlarkSet, element: object, /) -> None:
    _mutable(elements, "remove", "delete from")
    if _key("remove", element) not in elements:
        raise DialectError("remove: missing key")
    elements.discard(element)


def _keys_of(method: str, others: object) -> list[object]:
    return [_key(method, element) for element in want_iterable(method, 1, others)]


def _difference(elements: StarlarkSet, others: object = (), /) -> StarlarkSet:
    return elements.difference(_keys_of("difference", others))


def _intersection(elements: StarlarkSet, others: object = (), /) -> StarlarkSet:
    return elements.intersection(_keys_of("intersection", others))


def _issubset(elements: StarlarkSet, others: object = (), /) -> bool:
    return elements <= StarlarkSet(_keys_of("issubset", others))


def _issuperset(elements: StarlarkSet, others: object = (), /) -> bool:
    return elements >= StarlarkSet(_keys_of("issuperset", others))


def _symmetric_difference(elements: StarlarkSet, others: object = (), /) -> StarlarkSet:
    return elements.symmetric_difference(_keys_of("symmetric_difference", others))


def _union(elements: StarlarkSet, *others: object, **named: object) -> StarlarkSet:
    _no_names("union", named)
    result = StarlarkSet(elements)
    _put_all("union", result, others)
    return result


def _update_set(elements: StarlarkSet, *others: object, **named: object) -> None:
    _no_names("update", named)
    _put_all("update", elements, others)


def _no_names(function: str, named: dict[str, object]) -> None:
    if named:
        raise DialectError(f"{function}: does not accept keyword arguments")


def _put_all(function: str, elements: StarlarkSet, others: tuple[object, ...]) -> None:
    for number, each in enumerate(others, 1):
        if iterable_or_none(each) is None:
            raise DialectError(f"{function}: argument #{number} is not iterable: {type_name(each)}")
        keys = _keys_of(function, each)
        _mutable(elements, function, "insert into")
        for key in keys:
            elements.add(key)


SET_METHODS: Methods = {
    "add": _add, "clear": _clear_set, "difference": _difference, "discard": _discard, "intersection": _intersection,
    "issubset": _issubset, "issuperset": _issuperset, "pop": _pop_element, "remove": _remove_element,
    "symmetric_difference": _symmetric_difference, "union": _union,
    "update": _update_set,
}  # fmt: skip
