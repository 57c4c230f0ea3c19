"""How errors show their place."""

import pytest

from pytilt.dialect.errors import cut_excerpt
from pytilt.errors import TiltfileError
from tests.dialect.sandbox import Sandbox


@pytest.mark.parametrize(
    ("source", "line", "column", "excerpt"),
    [
        ("a\n  b = c\n", 2, 7, "    b = c\n        ^"),
        ("\tx(\ty)", 1, 5, "    x(\ty)\n      \t^"),
        ("x", 1, 99, "    x\n     ^"),
        ("x", 2, 1, ""),
        ("", 1, 1, ""),
        ("x" * 300, 1, 200, f"    ...{'x' * 120}...\n    {' ' * 62} ^"),
    ],
)
def test_the_line_is_shown_with_a_caret_below_the_column(source, line, column, excerpt):
    assert cut_excerpt(source, line, column) == excerpt


def test_what_fails_while_running_shows_the_innermost_line():
    with pytest.raises(TiltfileError) as failure:
        Sandbox({"lib": "def f():\n  return 1 // 0"}).run("load('lib', 'f')\nx = [f()]")
    assert failure.value.in_full.endswith(
        "lib:2:12: in f\n    return 1 // 0\n             ^\nError: floored division by zero"
    )


def test_a_file_that_cannot_be_loaded_shows_its_own_line():
    with pytest.raises(TiltfileError) as failure:
        Sandbox({"lib": "a = 1\nb = c"}).run("load('lib', 'a')")
    assert failure.value.excerpt == "    b = c\n        ^"
