import pytest

from tests.cli.conftest import Tilt

NOTHING = "nothing is sent to anybody: there is no analytics here\n"


@pytest.mark.parametrize("words", [(), ("opt", "in"), ("opt", "out"), ("opt", "default")])
def test_it_is_accepted_and_says_that_nothing_is_sent(tilt: Tilt, words: tuple[str, ...]):
    assert tilt("analytics", *words) == (0, NOTHING, "")
