import json
import re
import threading

import pytest

from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from tests.cli.conftest import Tilt
from tests.cli.sessions import Session
from tests.server.sessions import Served


def write(served: Served) -> None:
    """Two builds and a pod."""
    for name in ("web", "db"):
        build = served.logs.span(ResourceName(name), SpanId(f"build:{name}"), build=True)
        build.header("Initial Build")
        build("built\n")
    served.logs.span(ResourceName("web"), SpanId("pod:web"))("it broke\n", level=Level.ERROR)


@pytest.fixture(autouse=True)
def _written(served: Session) -> None:
    served.do(write)


def test_every_line_names_its_resource(tilt: Tilt):
    ended = tilt("logs")
    assert (ended.status, ended.error) == (0, "")
    assert ended.out == (
        "          web │ \n"
        "          web │ Initial Build\n"
        "          web │ built\n"
        "           db │ \n"
        "           db │ Initial Build\n"
        "           db │ built\n"
        "          web │ ERROR: it broke\n"
    )


def test_the_lines_of_one_resource_need_no_name(tilt: Tilt):
    assert tilt("logs", "db").out == "\nInitial Build\nbuilt\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--source", "runtime"], ["it broke"]),
        (["--source", "build", "db"], ["Initial Build", "built"]),
        (["--level", "error"], ["Initial Build", "Initial Build", "it broke"]),
        (["--tail", "1"], ["it broke"]),
        (["--since", "1h", "web"], ["Initial Build", "built", "it broke"]),
        (["--since", "2020-01-01T00:00:00Z", "--until", "1h"], []),
        (["--until", "2999-01-01T00:00:00+02:00", "-r", "db"], ["Initial Build", "built"]),
        (["--grep", "^b.*t$"], ["built", "built"]),
        (["--grep", "BROKE", "web"], []),
        (["--grep", "(?i)BROKE", "-C", "1", "--resource", "web"], ["built", "it broke"]),
        (["--tail", "1", "--grep", "b"], ["it broke"]),
    ],
)
def test_lines_are_chosen(tilt: Tilt, words: list[str], expected: list[str]):
    out = tilt("logs", "--json", *words).out
    assert [json.loads(line)["message"] for line in out.splitlines()] == expected


def test_json_has_the_fields_of_tilts_log(tilt: Tilt):
    first, *_, last = map(json.loads, tilt("logs", "--json", "web").out.splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first.pop("time"))
    assert first == {
        "resource": "web",
        "level": "info",
        "message": "Initial Build",
        "spanID": "build:web",
        "progressID": "",
        "buildEvent": "start",
        "source": "build",
    }
    assert (last["level"], last["source"], last["buildEvent"]) == ("error", "runtime", "")


def test_a_log_is_followed_until_the_session_ends(tilt: Tilt, served: Session):
    def go_on() -> None:
        served.do(lambda made: made.logs.span(ResourceName("db"), SpanId("pod:db"))("the last word\n"))
        served.end()

    timer = threading.Timer(0.1, go_on)
    timer.start()
    ended = tilt("logs", "-f", "db")
    timer.join()
    assert ended.out == "\nInitial Build\nbuilt\nthe last word\n"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["x"], 'Error: No such resource "x"\nhint: there are: (Tiltfile), db, web\n'),
        (["--since", "0s"], "Error: --since duration must be positive, got 0s\n"),
        (["--since", "soon"], "Error: `--since soon` is not a duration\nhint: for example `90s`, `5m` or `1h30m`\n"),
    ],
)
def test_what_cannot_be_shown_is_an_error(tilt: Tilt, words: list[str], text: str):
    ended = tilt("logs", *words)
    assert (ended.status, ended.out, ended.error) == (1, "", text)


def test_lines_around_what_is_found_are_printed_in_groups(tilt: Tilt, served: Session):
    served.do(lambda made: made.logs.span(ResourceName("web"), SpanId("pod:web"))("a\nb\nc\nd\nneedle\ne\n"))
    assert (
        tilt("logs", "web", "--grep", "Initial|needle", "-C", "1").out == "\nInitial Build\nbuilt\n--\nd\nneedle\ne\n"
    )


def test_a_search_is_followed_until_the_session_ends(tilt: Tilt, served: Session):
    def go_on() -> None:
        served.do(lambda made: made.logs.span(ResourceName("db"), SpanId("pod:db"))("no\nthe last word\n"))
        served.end()

    timer = threading.Timer(0.1, go_on)
    timer.start()
    ended = tilt("logs", "-f", "db", "--grep", "last|built")
    timer.join()
    assert ended.out == "built\nthe last word\n"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--grep", "("], "is no regular expression"),
        (["-C", "1"], "--context is about what `--grep` finds"),
        (["-f", "--until", "5m"], "--until says where to end"),
        (["--until", "yesterday"], "`--until yesterday` is not a duration"),
    ],
)
def test_a_search_that_makes_no_sense_is_an_error(tilt: Tilt, words: list[str], text: str):
    ended = tilt("logs", *words)
    assert (ended.status, ended.out) == (1, "")
    assert text in ended.error
