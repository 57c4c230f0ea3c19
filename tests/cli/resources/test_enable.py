import pytest

from tests.cli.conftest import Tilt
from tests.cli.sessions import Session


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["enable", "web"], {"web": True}),
        (["enable", "web", "db"], {"web": True, "db": True}),
        (["enable", "--all"], {"web": True, "db": True}),
        (["enable", "--only", "web"], {"web": True, "db": False}),
        (["enable", "-l", "backend"], {"web": True}),
        (["enable", "-l", "backend", "db"], {"web": True, "db": True}),
        (["enable", "--only", "-l", "backend"], {"web": True, "db": False}),
        (["disable", "web"], {"web": False}),
        (["disable", "--all"], {"web": False, "db": False}),
        (["disable", "-l", "backend"], {"web": False}),
    ],
)
def test_resources_are_chosen_by_name_and_label(
    tilt: Tilt, served: Session, words: list[str], expected: dict[str, bool]
):
    assert tilt(*words) == (0, "", "")
    assert served.served.asked.enabled == expected


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["enable"], "must specify at least one resource"),
        (["disable"], "must specify at least one resource"),
        (["enable", "--all", "--only"], "cannot use --all with --only"),
        (["enable", "--all", "web"], "cannot use --all with resource names"),
        (["enable", "x"], 'no such resource "x"\nhint: there are: web, db'),
        (["enable", "web", "x"], 'no such resource "x"'),
        (["disable", "(Tiltfile)"], "(Tiltfile) cannot be enabled or disabled"),
    ],
)
def test_a_choice_that_is_none_is_an_error(tilt: Tilt, served: Session, words: list[str], text: str):
    ended = tilt(*words)
    assert (ended.status, ended.out) == (1, "")
    assert ended.error.startswith(f"Error: {text}")
    assert not served.served.asked.enabled
