"""Names are checked before a file runs."""

import pytest

from pytilt.dialect import StaticError, check_file
from pytilt.errors import TiltfileError
from tests.dialect.sandbox import Sandbox


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("print('runs')\nx = y", "Tiltfile:2:5: undefined: y"),
        ("print('runs')\ndef f():\n  return missing", "Tiltfile:3:10: undefined: missing"),
        ("print(x)\nx = 1", "Tiltfile:1:7: undefined: x"),
        ("length = 1\nprint(lenght)", "Tiltfile:2:7: undefined: lenght (did you mean length?)"),
        ("x = [a for b in [1]]", "Tiltfile:1:6: undefined: a"),
        ("x = [a for a in [1]]\ny = a", "Tiltfile:2:5: undefined: a"),
        ("def f(a=b): pass\nb = 1", "Tiltfile:1:9: undefined: b"),
        ("return 1", "Tiltfile:1:1: return statement not within a function"),
        ("if True:\n  break", "Tiltfile:2:3: break not in a loop"),
        ("continue", "Tiltfile:1:1: continue not in a loop"),
        ("def f():\n  load('a', 'b')", "Tiltfile:2:3: load statement within a function"),
        ("for i in [1]: load('a', 'b')", "Tiltfile:1:15: load statement within a loop"),
        ("if True: load('a', 'b')", "Tiltfile:1:10: load statement within a conditional"),
    ],
)
def test_a_file_with_a_wrong_name_does_not_start(source, error):
    sandbox = Sandbox()
    with pytest.raises(TiltfileError) as failure:
        sandbox.run(source)
    assert str(failure.value) == error
    assert sandbox.printed == []


def test_a_misspelled_builtin_is_hinted_at():
    with pytest.raises(TiltfileError) as failure:
        Sandbox().run("prnt('x')")
    assert failure.value.hint == "did you mean `print`?"


@pytest.mark.parametrize(
    "source",
    [
        "def f(): return g()\ndef g(): return 1\nf()",
        "def f(): return later\nlater = 1\nf()",
        "len = len('abc')\nprint(len)",
        "x = 1\ndef f():\n  x = 2\n  return [x for x in [3]]\nf()",
        "if False: x = 1\ndef f(): return 1",
        "def f(n): return 1 if n == 0 else n * f(n - 1)\nf(3)",
    ],
)
def test_names_may_be_used_before_their_line_inside_functions(source):
    Sandbox().run(source)


def test_a_name_that_no_branch_assigned_is_reported_when_it_is_read():
    with pytest.raises(TiltfileError, match="global variable x referenced before assignment"):
        Sandbox().run("if False:\n  x = 1\nprint(x)")
    with pytest.raises(TiltfileError, match="local variable x referenced before assignment"):
        Sandbox().run("def f():\n  if False:\n    x = 1\n  return x\nf()")


def test_all_that_is_wrong_with_a_file_is_found_at_once_each_with_its_line():
    with pytest.raises(TiltfileError) as failure:
        Sandbox().run("def f(a, a): return missing\n1 = 2\nprint(other)\nf(x=1, x=2)")
    error = failure.value
    assert (
        "\n".join(each.in_full for each in (error, *error.others))
        == """\
Tiltfile:1:10: duplicate parameter: a
    def f(a, a): return missing
             ^
Tiltfile:1:21: undefined: missing
    def f(a, a): return missing
                        ^
Tiltfile:2:1: can't assign to literal
    1 = 2
    ^
Tiltfile:3:7: undefined: other
    print(other)
          ^
Tiltfile:4:8: keyword argument "x" is repeated
    f(x=1, x=2)
           ^"""
    )


def test_a_file_can_be_checked_without_running_it():
    check_file("Tiltfile", "fail(known)", {"known"})
    with pytest.raises(StaticError, match="undefined: known"):
        check_file("Tiltfile", "fail(known)", set())
