"""Containers of Tiltfiles, as the host sees them."""

import re

import pytest

from pytilt.dialect import starlark_dict, starlark_list, starlark_set
from pytilt.errors import TiltfileError
from tests.dialect.sandbox import Sandbox, evaluate


def test_what_a_tiltfile_makes_is_what_python_knows():
    values = evaluate(
        "[[1], {'a': 1}, (1,), 'x', 1, 1.5, True, None, [x for x in [1]], {k: 1 for k in [1]}, [1] + [2]]"
    )
    assert isinstance(values, list)
    assert [type(value).__mro__[-2] for value in values] == [
        list, dict, tuple, str, int, float, int, type(None), list, dict, list,
    ]  # fmt: skip


def test_the_host_makes_values_that_tiltfiles_can_change():
    made = starlark_dict({"a": [1, {"b": []}], "c": (1, [2])})
    Sandbox(universe={"made": made}).run("made['a'][1]['b'].append(3)\nmade['c'][1].append(4)")
    assert made == {"a": [1, {"b": [3]}], "c": (1, [2, 4])}


def test_sets_keep_the_order_of_insertion():
    made = starlark_set([3, 1, 2, 1])
    assert list(made) == [3, 1, 2]
    sandbox = Sandbox(universe={"made": made})
    sandbox.run("print(made, made.pop(), made | set([5, 1]), [x for x in made])")
    assert sandbox.printed == ["set([1, 2]) 3 set([1, 2, 5]) [1, 2]"]


@pytest.mark.parametrize(
    "change",
    ["x.append(1)", "x.clear()", "x.extend([1])", "x.insert(0, 1)", "x.pop()", "x.remove(1)", "x[0] = 2"],
)
def test_a_list_refuses_every_change_while_it_is_iterated(change):
    with pytest.raises(TiltfileError, match=r"cannot .* list during iteration"):
        Sandbox(universe={"x": starlark_list([1, 2])}).run(f"for i in x:\n  {change}")


@pytest.mark.parametrize(
    "change", ["x.clear()", "x.pop('a')", "x.popitem()", "x.setdefault('z')", "x.update(z=1)", "x['z'] = 2"]
)
def test_a_dict_refuses_every_change_while_it_is_iterated(change):
    with pytest.raises(TiltfileError, match=r"cannot .* hash table during iteration"):
        Sandbox(universe={"x": starlark_dict({"a": 1})}).run(f"for i in x:\n  {change}")


def test_popitem_takes_the_first():
    assert evaluate("[d.popitem() for d in [{'a': 1, 'b': 2}]]") == [("a", 1)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("list(set([1]).union([2], (3, 1)))", [1, 2, 3]),
        ("[s.update([2], [3]) for s in [set([1])]]", [None]),
        ("len({float('nan'): 1} | {float('nan'): 2})", 1),
        ("'\u01c4enan'.istitle()", False),
    ],
)
def test_values_are_like_those_of_starlark(expression, expected):
    assert evaluate(expression) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("set().union([], 1)", "union: argument #2 is not iterable: int"),
        ("set().update(1)", "update: argument #1 is not iterable: int"),
        ("set().update(x=[1])", "update: does not accept keyword arguments"),
        ("dict(a=1, **{'a': 2})", 'dict: duplicate keyword arg: "a"'),
    ],
)
def test_wrong_arguments_are_refused_in_starlarks_words(expression, message):
    with pytest.raises(TiltfileError, match=re.escape(message)):
        evaluate(expression)
