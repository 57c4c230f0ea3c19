import pytest

from pytilt.errors import UserError
from pytilt.tiltfile.arguments import conversions


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("90s", 90), ("1h30m", 5400), ("1.5h", 5400), ("250ms", 0.25), ("-2s", -2), ("+1m0.5s", 60.5)],
)
def test_a_duration_is_read_as_go_writes_it(text, seconds):
    assert conversions.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "x", "5 s", "5s6", "s"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(UserError, match=r"time: (invalid|missing unit in) duration"):
        conversions.duration(text)


def test_one_value_counts_as_a_sequence_of_one_and_none_as_empty():
    assert conversions.items(None) == []
    assert conversions.items("ab") == ["ab"]
    assert conversions.items((1, 2)) == [1, 2]


def test_an_empty_command_is_none():
    assert conversions.command("", "/") is None
    assert conversions.command([], "/") is None


def test_true_is_no_number():
    with pytest.raises(UserError, match="got bool, want int"):
        conversions.whole(True)


def test_space_around_a_command_for_the_shell_is_left_out():
    command = conversions.command("\n  set -e\n  true\n", "/p")
    assert command is not None
    assert command.argv == ("sh", "-c", "set -e\n  true")
