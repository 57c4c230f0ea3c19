"""Functions of the host in Tiltfiles."""

import pytest

from pytilt.dialect import Builtin, builtin, to_repr, type_name
from pytilt.errors import TiltfileError, UserError
from tests.dialect.sandbox import Sandbox


@builtin("resource")
def resource(name, cmd="", *, deps=(), **labels):
    return [name, cmd, deps, labels]


@builtin("only.positional")
def only_positional(first, second=2, /):
    return first, second


@builtin("refuse")
def refuse():
    message = "this is not possible"
    raise UserError(message, hint="do something else")


@builtin("apply")
def apply(function, value):
    return function(value)


UNIVERSE = {"resource": resource, "only": only_positional, "refuse": refuse, "apply": apply, "plain": {"a": [1]}}


def run(source):
    sandbox = Sandbox(universe=UNIVERSE)
    sandbox.run(source)
    return sandbox.printed


def test_the_signature_of_the_python_function_is_the_signature_in_the_tiltfile():
    assert run("print(resource('a', deps=['b'], x=1))") == ['["a", "", ["b"], {"x": 1}]']
    assert run("print(resource(cmd='c', name='a'), only(1))") == ['["a", "c", (), {}] (1, 2)']


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("resource()", "Error in resource: resource: missing argument for name"),
        ("resource(cmd='x')", "Error in resource: resource: missing argument for name"),
        ("resource(1, 2, 3)", "Error in resource: resource: got 3 arguments, want at most 2"),
        (
            "resource(1, name=2)",
            'Error in resource: resource: got multiple values for keyword argument "name"',
        ),
        ("apply(funktion=1)", 'Error in apply: apply: unexpected keyword argument "funktion" (did you mean function?)'),
        ("apply(1, 2, zzz=1)", 'Error in apply: apply: unexpected keyword argument "zzz"'),
        ("only()", "Error in only.positional: only.positional: got 0 arguments, want at least 1"),
        ("only(1, 2, 3)", "Error in only.positional: only.positional: got 3 arguments, want at most 2"),
        ("only(first=1)", "Error in only.positional: only.positional: unexpected keyword arguments"),
        ("refuse()", "Error in refuse: this is not possible"),
    ],
)
def test_wrong_arguments_are_refused_in_the_words_of_tilt(call, message):
    with pytest.raises(TiltfileError) as failure:
        run(call)
    assert failure.value.message == message
    assert failure.value.where == f"Tiltfile:1:{call.index('(') + 1}"


def test_a_builtin_that_calls_back_is_in_the_trace():
    with pytest.raises(TiltfileError) as failure:
        run("def f(x):\n  return x + 1\napply(f, 'a')")
    assert str(failure.value) == (
        "Traceback (most recent call last):\n"
        "  Tiltfile:3:6: in <toplevel>\n"
        "  <builtin>: in apply\n"
        "  Tiltfile:2:12: in f\n"
        "Error: unknown binary op: string + int"
    )


def test_the_hint_of_a_refusal_is_kept():
    with pytest.raises(TiltfileError) as failure:
        run("refuse()")
    assert failure.value.hint == "do something else"


def test_lists_and_dicts_of_the_host_become_those_of_the_language():
    assert run("x = resource('a', k=[])\nx[3]['more'] = 1\nx.append(2)\nprint(x)") == [
        '["a", "", (), {"k": [], "more": 1}, 2]'
    ]
    assert run("plain['b'] = 2\nprint(plain, plain.keys())") == ['{"a": [1], "b": 2} ["a", "b"]']


def test_a_builtin_prints_like_one():
    assert type_name(resource) == "builtin_function_or_method"
    assert to_repr(resource) == "<built-in function resource>"
    assert isinstance(resource, Builtin)
    assert run("print([].append, ''.join)") == [
        "<built-in method append of list value> <built-in method join of string value>"
    ]
