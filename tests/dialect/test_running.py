"""Whole programs. What `programs/` expects was written by go.starlark.net, the Starlark that Tilt uses."""

from pathlib import Path

import pytest

from pytilt.dialect import DialectError, StarlarkDict, builtin, call
from pytilt.errors import TiltfileError
from tests.dialect.sandbox import Sandbox

PROGRAMS = Path(__file__).parent / "programs"


def pairs(name):
    """The programs of a file with what each prints and how it fails."""
    text = (PROGRAMS / name).read_text().rstrip("\n")
    return [
        pytest.param(*block.split("\n-----\n"), id=f"{name}-{i}") for i, block in enumerate(text.split("\n=====\n"))
    ]


@pytest.mark.parametrize("name", ["tour", "second_tour"])
def test_a_program_prints_what_starlark_prints(name):
    sandbox = Sandbox()
    sandbox.run((PROGRAMS / f"{name}.star").read_text())
    assert "\n".join(sandbox.printed) + "\n" == (PROGRAMS / f"{name}.out").read_text()


@pytest.mark.parametrize(("source", "expected"), pairs("failures.txt"))
def test_a_wrong_program_fails_with_starlarks_words_at_starlarks_place(source, expected):
    assert outcome(source) == expected


@pytest.mark.parametrize(("expression", "expected"), pairs("random.txt"))
def test_a_random_expression_means_what_it_means_in_starlark(expression, expected):
    assert outcome(f"{expression}\nprint(repr(x), x)") == expected


def outcome(source):
    """All that a program prints, with its error at the end."""
    sandbox = Sandbox()
    try:
        sandbox.run(source + "\n")
    except TiltfileError as error:
        error.hint = None
        return "\n".join([*sandbox.printed, str(error)])
    return "\n".join(sandbox.printed)


def test_a_file_knows_its_path_and_its_name():
    sandbox = Sandbox()
    sandbox.run("print(__file__, __name__)", path="/src/Tiltfile")
    assert sandbox.printed == ["/src/Tiltfile __main__"]


def test_the_globals_of_a_file_are_what_it_assigned_and_defined():
    sandbox = Sandbox({"lib": "one = 1"})
    exported = sandbox.run("load('lib', 'one')\nx = one\ndef f(): return x\nfor i in [1]: pass")
    assert set(exported) == {"x", "f", "i"}
    assert exported["x"] == 1


def test_load_binds_names_under_the_names_that_are_asked_for():
    sandbox = Sandbox({"lib": "def double(x): return x * 2\nlimit = 3"})
    sandbox.run("load('lib', 'double', most='limit')\nprint(double(most))")
    assert sandbox.printed == ["6"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("load('nowhere', 'x')", "Error: cannot load nowhere: open nowhere: no such file or directory"),
        ("load('lib', 'x')", "Error: load: name x not found in module lib"),
        ("load('lib', 'vales')", "Error: load: name vales not found in module lib (did you mean values?)"),
        ("load('wrong', 'x')", "Error: cannot load wrong: wrong:1:4: got end of file, want ')'"),
        ("load('lib', 'values')\nvalues.append(3)", "Error in append: append: cannot append to frozen list"),
        ("load('lib', 'table')\ntable['x'] = 3", "Error: cannot insert into frozen hash table"),
        ("load('lib', 'values')\nvalues += [3]", "Error: cannot apply += to frozen list"),
        ("load('lib', 'grow')\ngrow()", "Error in append: append: cannot append to frozen list"),
        ("load('lib', 'remember')\nremember(1)", "Error in append: append: cannot append to frozen list"),
    ],
)
def test_a_loaded_file_gives_what_it_has_and_cannot_be_changed(source, message):
    library = """
values = [1]
table = {}
def grow(): values.append(2)
def remember(x, seen=[]): seen.append(x)
"""
    sandbox = Sandbox({"lib": library, "wrong": "f(1"})
    with pytest.raises(TiltfileError) as failure:
        sandbox.run(source)
    assert failure.value.message == message


def test_an_error_inside_a_loaded_file_shows_the_way_there():
    sandbox = Sandbox({"lib": "def f():\n  return 1 // 0\nx = f()"})
    with pytest.raises(TiltfileError) as failure:
        sandbox.run("a = 1\nload('lib', 'x')")
    assert str(failure.value) == (
        "Traceback (most recent call last):\n"
        "  Tiltfile:2:1: in <toplevel>\n"
        "  lib:3:6: in <toplevel>\n"
        "  lib:2:12: in f\n"
        "Error: floored division by zero"
    )
    assert failure.value.where == "lib:2:12"


def test_the_names_of_the_host_hide_those_of_the_language():
    sandbox = Sandbox(universe={"len": builtin("len")(lambda value: f"as long as {value}")})
    sandbox.run("print(len(3))")
    assert sandbox.printed == ["as long as 3"]


def test_the_host_calls_a_function_of_the_file():
    function = Sandbox().run("def f(a, b=2): return [a, b]")["f"]
    assert call(function, 1) == [1, 2]
    assert call(function, 1, b=5) == [1, 5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 2, 3), "Error: function f accepts at most 2 positional arguments (3 given)"),
        ((), "Error: function f missing 1 argument (a)"),
        (("x", 1), "Error: unknown binary op: string + int"),
    ],
)
def test_a_call_by_the_host_fails_like_one_by_the_file(arguments, message):
    function = Sandbox().run("def f(a, b=2): return a + b")["f"]
    with pytest.raises(TiltfileError) as failure:
        call(function, *arguments)
    assert failure.value.message == message


@pytest.mark.parametrize(
    ("definition", "call_", "message"),
    [
        ("def f(): pass", "f(1)", "function f accepts no arguments (1 given)"),
        ("def f(a): pass", "f(b=1)", 'function f got an unexpected keyword argument "b"'),
        ("def f(a): pass", "f(1, a=1)", 'function f got multiple values for parameter "a"'),
        ("def f(a, b): pass", "f()", "function f missing 2 arguments (a, b)"),
        ("def f(*, a): pass", "f()", "function f missing 1 argument (a)"),
        ("f = lambda a: a", "f()", "function lambda missing 1 argument (a)"),
        ("f = 5", "f()", "invalid call of non-function (int)"),
        ("def f(**k): pass", "f(a=1, **{'a': 2})", 'function f got multiple values for parameter "a"'),
    ],
)
def test_a_call_with_the_wrong_arguments_points_at_its_bracket(definition, call_, message):
    with pytest.raises(TiltfileError) as failure:
        Sandbox().run(f"{definition}\nx = 1\n{call_}")
    assert failure.value.message == f"Error: {message}"
    assert failure.value.where == "Tiltfile:3:2"


def test_a_hosts_dict_can_act_on_what_a_file_writes():
    class Environment(StarlarkDict):
        def __setitem__(self, key, value):
            super().__setitem__(key, f"<{value}>")

    environment = Environment()
    Sandbox(universe={"environ": environment}).run("environ['A'] = 'b'\nprint(environ['A'])")
    assert environment == {"A": "<b>"}


class StopExecutionError(Exception):
    """How the host of this test ends a file early."""


def test_what_the_host_raises_for_itself_passes_through():
    def stop():
        raise StopExecutionError

    with pytest.raises(StopExecutionError):
        Sandbox(universe={"exit": builtin("exit")(stop)}).run("exit()")


def test_a_bug_of_the_host_keeps_its_own_error():
    def broken():
        raise TypeError("object has no len")

    with pytest.raises(TypeError, match="has no len"):
        Sandbox(universe={"broken": builtin("broken")(broken)}).run("broken()")


def test_what_is_iterated_can_be_changed_again_once_the_loop_was_left():
    source = """
def first(values):
    for v in values:
        return v
values = [1, 2]
first(values)
for v in values:
    break
copies = [v for v in values]
values.append(3)
print(values)
"""
    sandbox = Sandbox()
    sandbox.run(source)
    assert sandbox.printed == ["[1, 2, 3]"]


def test_a_hint_of_the_host_reaches_the_user():
    def fail():
        raise DialectError("no", hint="try yes")

    with pytest.raises(TiltfileError) as failure:
        Sandbox(universe={"no": builtin("no")(fail)}).run("no()")
    assert failure.value.hint == "try yes"
