"""What of Python is not in the language, where it is reported, and what to write instead."""

import pytest

from pytilt.errors import TiltfileError
from tests.dialect.sandbox import Sandbox, evaluate

REFUSED = [
    ("import os", "Tiltfile:1:1: `import` is not part of the language", "use `load('path', 'name')`"),
    ("from a import b", "Tiltfile:1:1: `from` is not part of the language", "use `load('path', 'name')`"),
    ("class A:\n  pass", "Tiltfile:1:1: `class` is not part of the language", "struct"),
    ("try:\n  pass\nexcept: pass", "Tiltfile:1:1: `try` is not part of the language", "cannot catch"),
    ("x = 1\nwith x: pass", "Tiltfile:2:1: `with` is not part of the language", None),
    ("raise 1", "Tiltfile:1:1: `raise` is not part of the language", "use `fail('message')`"),
    ("x = 1 is None", "Tiltfile:1:7: `is` is not part of the language", "use `==` or `!=`"),
    ("del x", "Tiltfile:1:1: `del` is not part of the language", ".pop(key)"),
    ("def f():\n  global x", "Tiltfile:2:3: `global` is not part of the language", "keep the value in a dict"),
    ("def f():\n  nonlocal x", "Tiltfile:2:3: `nonlocal` is not part of the language", "keep the value in a dict"),
    ("def f():\n  yield 1", "Tiltfile:2:3: `yield` is not part of the language", "build a list"),
    ("async def f(): pass", "Tiltfile:1:1: `async` is not part of the language", None),
    ("x = await y", "Tiltfile:1:5: `await` is not part of the language", None),
    ('x = f"{y}"', "Tiltfile:1:5: f-strings are not part of the language", "format"),
    ("x = 1 < 2 < 3", "Tiltfile:1:12: < does not associate with < (use parens)", "a < b and b < c"),
    ("x = (y := 3)", "Tiltfile:1:9: got ':', want ')'", "assign in a statement"),
    ("@f\ndef g(): pass", "Tiltfile:1:1: unexpected input character '@'", "decorators"),
    ("def f(x: int): pass", "Tiltfile:1:9: got ':', want ')'", "types"),
    ("x: int = 3", "Tiltfile:1:3: got ':', want newline", "types"),
    ("x = 2 ** 3", "Tiltfile:1:9: got '**', want newline", "multiply"),
    ("x = {1, 2}", "Tiltfile:1:8: got ',', want ':'", "set([a, b])"),
    ("a = b = 1", "Tiltfile:1:8: got '=', want newline", "one name at a time"),
    ("x = 'a' 'b'", "Tiltfile:1:12: got string literal, want newline", "`+`"),
    ("x = [*y]", "Tiltfile:1:6: got '*', want primary expression", "only calls"),
    ("f(x for x in y)", "Tiltfile:1:8: got for, want ','", "brackets"),
    ("x = 1,", "Tiltfile:1:6: unparenthesized tuple with trailing comma", "parentheses"),
    ("x = 1 if True", "Tiltfile:1:7: conditional expression without else clause", None),
    ("load(x, 'y')", "Tiltfile:1:7: first operand of load statement must be a string literal", "load_dynamic"),
    ("True = 1", "Tiltfile:1:1: can't assign to True", None),
    ("x = [1 for y[0] in z]", "Tiltfile:1:12: the variables of a comprehension must be names", None),
    ("x = 3j", "Tiltfile:1:7: got identifier, want newline", None),
    ("x = 1_000", "Tiltfile:1:10: got identifier, want newline", None),
]


@pytest.mark.parametrize(("source", "where_and_what", "hint"), REFUSED, ids=[source for source, _, _ in REFUSED])
def test_what_is_not_in_the_language_is_refused_with_its_place_and_a_hint(source, where_and_what, hint):
    with pytest.raises(TiltfileError) as failure:
        Sandbox().run(source)
    assert f"{failure.value.where}: {failure.value.message}" == where_and_what
    assert (hint is None) == (failure.value.hint is None)
    assert (hint or "") in (failure.value.hint or "")
    assert failure.value.trace == ""


ACCEPTED = [
    "if True:\n  x = 1\nelif False:\n  x = 2\nelse:\n  x = 3",
    "for a, (b, c) in [(1, (2, 3))]: pass",
    "while False: pass",
    "def f(a, b=1, *c, d, e=2, **g): return lambda *x, y=1, **z: (x, y, z)",
    "def f(a, *, b): pass",
    "def f(): pass; return",
    "x = 1; y = 2;",
    "x = [1, 2,]\ny = (1,)\nz = {'a': 1,}\nprint(\n  1,\n)",
    "x = [\n  1,\n\n  # a comment\n  2,\n]",
    "x = 1 + \\\n  2",
    "x = '''a\nb'''",
    "x = r'\\d' + 'a\\'b' + \"\\u00e9\"",
    "[a, b] = [1, 2]\n(c, (d, e)) = 1, [2, 3]",
    "x = {}\nx['a'], y = 1, 2",
    "x = not 1 == 2 and 3 in [] or -1 < +2",
    "x = 5 if True else 6 if False else 7",
    "x = [a for a in [1] if a for b in [2] if b]",
    "x = {k: v for k, v in [(1, 2)]}",
    "assert_ = 1\nmatch = 2\ncase = match\ntype_ = 3\nprint_ = type",
    "def f():\n\tif True:\n\t\treturn 1\n\treturn 2",
    "x = 1  # the end without a newline",
    "\n\n# only comments\n",
    "",
    "x = 0x1F + 0o17 + 0b11 + 1.5e3 + .5 + 1.",
    "x = 'line\\\ncontinued'",
    "x = 1\r\nif x:\r\n  y = 2\r\n",
]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 << 2 not in [4]", False),
        ("not 1 == 2 and 3 != 4", True),
        ("-2 * 3 + 4 << 1", -4),
        ("1 | 2 ^ 3 & 6", 1),
        ("1 if False else 2 if False else 3", 3),
        ("[lambda: 1 if True else 2][0]()", 1),
        ("'a' + 'b' * 2 == 'abb' or fail('never')", True),
        ("-[1, 2][1]", -2),
    ],
)
def test_operators_bind_as_in_starlark(expression, value):
    assert evaluate(expression) == value


@pytest.mark.parametrize("source", ACCEPTED)
def test_what_is_in_the_language_runs(source):
    Sandbox().run(source)


def test_what_is_nested_too_deeply_is_refused():
    assert evaluate(" + ".join(["1"] * 100)) == 100
    with pytest.raises(TiltfileError, match="nested too deeply"):
        evaluate("[" * 2000 + "]" * 2000)
