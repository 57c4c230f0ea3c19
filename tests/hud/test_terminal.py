import pytest

from pytilt.errors import UserError
from pytilt.hud.options import DARK, LIGHT, SIXTEEN
from pytilt.hud.terminal import can_display, check, choose_theme, few_colors

MANY = {"TERM": "xterm-256color"}


@pytest.mark.parametrize("kind", ["dumb", "unknown", ""])
def test_a_terminal_that_cannot_show_it_is_refused_with_what_to_do(kind):
    with pytest.raises(UserError, match=r"--stream"):
        check({"TERM": kind}, interactive=True)


def test_without_a_terminal_it_is_refused_too():
    with pytest.raises(UserError, match=r"needs a terminal"):
        check(MANY, interactive=False)
    check(MANY, interactive=True)


@pytest.mark.parametrize(
    ("environ", "few"),
    [
        (MANY, False),
        ({"TERM": "xterm"}, True),
        ({"TERM": "linux"}, True),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, False),
        ({"TERM": "xterm-kitty"}, False),
        ({**MANY, "NO_COLOR": ""}, True),
    ],
)
def test_the_old_sixteen_colours_are_enough_where_there_are_no_more(environ, few):
    assert few_colors(environ) is few
    assert (choose_theme("dark", environ, "") == SIXTEEN) is few


@pytest.mark.parametrize(
    ("wanted", "environ", "background", "theme"),
    [
        ("auto", MANY, "", DARK),
        ("light", MANY, "", LIGHT),
        ("dark", MANY, "\x1b]11;rgb:ffff/ffff/ffff\x1b\\", DARK),
        ("auto", MANY, "\x1b]11;rgb:ffff/ffff/eeee\x1b\\\x1b[?1;2c", LIGHT),
        ("auto", MANY, "\x1b]11;rgb:11/14/1a\x07", DARK),
        ("auto", {**MANY, "COLORFGBG": "0;15"}, "", LIGHT),
        ("auto", {**MANY, "COLORFGBG": "15;0"}, "", DARK),
    ],
)
def test_the_theme_goes_by_the_background(wanted, environ, background, theme):
    assert choose_theme(wanted, environ, background) == theme


@pytest.mark.parametrize(("kind", "can"), [("xterm-256color", True), ("dumb", False), ("unknown", False), ("", False)])
def test_the_kind_of_terminal_says_whether_it_can_show_the_display(kind: str, can: bool):
    assert can_display({"TERM": kind}) is can
