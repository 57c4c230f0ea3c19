"""Where a Tiltfile stands, as the host sees it."""

import pytest

from pytilt.dialect import Frame, Position, builtin, call_stack, current_file
from pytilt.errors import TiltfileError
from tests.dialect.sandbox import Sandbox


def test_a_builtin_sees_the_frames_that_called_it():
    seen = []
    look = builtin("look")(lambda: seen.append((call_stack(), current_file())))
    source = "def f():\n    return [look() for i in [1]]\nx = (lambda: f())()\n"
    Sandbox(universe={"look": look}).run(source, path="dir/Tiltfile")
    stack, file = seen[0]
    assert [(frame.function, str(frame.position)) for frame in stack] == [
        ("<toplevel>", "dir/Tiltfile:3:18"),
        ("lambda", "dir/Tiltfile:3:15"),
        ("f", "dir/Tiltfile:2:17"),
    ]
    assert file == "dir/Tiltfile"
    assert stack[0] == Frame(function="<toplevel>", position=Position(file="dir/Tiltfile", line=3, column=18))


def test_a_builtin_called_from_a_loaded_function_sees_that_file():
    seen = []
    look = builtin("look")(lambda: seen.append(current_file()))
    sandbox = Sandbox({"ext/lib": "def f(): look()"}, {"look": look})
    sandbox.run("load('ext/lib', 'f')\nf()\nlook()")
    assert seen == ["ext/lib", "Tiltfile"]


def test_nothing_runs_outside_of_a_tiltfile():
    assert call_stack() == ()
    assert current_file() is None


def test_endless_recursion_is_an_error_of_the_tiltfile():
    with pytest.raises(TiltfileError) as failure:
        Sandbox().run("def f(n): return f(n + 1)\nf(0)")
    assert failure.value.message == "Error: maximum recursion depth exceeded"
    assert "calls itself" in str(failure.value.hint)
    assert failure.value.trace.count("\n") == 41


def test_columns_count_characters():
    with pytest.raises(TiltfileError) as failure:
        Sandbox().run("x = 'äöü☺' + 1")
    assert failure.value.where == "Tiltfile:1:12"


def test_the_place_of_an_operation_in_the_middle_of_a_long_call_is_exact():
    source = "print(\n    1,\n    2 +\n      'a',\n)"
    with pytest.raises(TiltfileError) as failure:
        Sandbox().run(source)
    assert failure.value.where == "Tiltfile:3:7"
