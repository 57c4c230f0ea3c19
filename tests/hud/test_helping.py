import pytest

from pytilt.hud.commands import COMMANDS
from pytilt.hud.helping import graph_lines, help_lines
from pytilt.hud.pieces import length
from tests.samples import NOON

FRAME = 65
"""Cells inside the frame of the help, in a terminal of 80 columns."""


@pytest.mark.parametrize("line", help_lines(), ids=lambda line: "".join(piece.text for piece in line).strip())
def test_no_line_of_the_help_is_cut_in_a_small_terminal(line):
    assert length(line) <= FRAME


def test_no_key_does_two_things():
    keys = [key for command in COMMANDS for key in command.keys.split(",")]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    "key",
    ["b", "B", "q", "Q", "ctrl+c", "up", "down", "left", "right", "j", "k", "enter", "tab", "x", "l", "1", "2", "3",
     "space", "t", "e", "d", "slash", "f", "p", "question_mark", "r", "g", "R", "pageup", "pagedown", "home", "end",
     "escape"],
)  # fmt: skip
def test_the_keys_of_the_earlier_displays_are_there(key):
    assert any(key in command.keys.split(",") for command in COMMANDS)


def test_a_graph_of_nothing_says_so():
    assert graph_lines((), NOON)[0][0].text == "no resources yet"
