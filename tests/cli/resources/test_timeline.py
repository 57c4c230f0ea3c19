import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from pytilt.model.objects import Resource
from pytilt.model.updates import StepName, UpdateStep
from tests.cli.conftest import Tilt
from tests.cli.sessions import Session
from tests.loop.declaring import update


def update_twice(served: Session) -> None:
    def write(made):
        web = made.store.get(Resource, "web")
        steps = (UpdateStep(name=StepName.COMMAND, subject="make", seconds=0.25),)
        history = tuple(replace(update(number), steps=steps) for number in (2, 1))
        made.store.put(replace(web, status=replace(web.status, history=history)))

    served.do(write)


def test_the_last_updates_are_shown_as_bars(tilt: Tilt, served: Session):
    update_twice(served)
    ended = tilt("timeline", "web")
    assert ended.status == 0
    blocks = ended.out.split("\n\n")
    assert len(blocks) == 2
    assert blocks[0].splitlines()[0].startswith("web  deploy 250 ms  Initial Build")
    assert "  command make    250 ms  ██████" in blocks[0]
    assert tilt("timeline", "-n", "1").out.count("command make") == 1


@pytest.mark.parametrize("words", [("--json",), ("-o", "json"), ("--output=json",)])
def test_as_json(tilt: Tilt, served: Session, words: tuple[str, ...]):
    update_twice(served)
    found = json.loads(tilt("timeline", "web", *words).out)
    assert [each["update"] for each in found] == [1, 2]
    assert found[0]["steps"] == [{"name": "command", "subject": "make", "begin": 0.0, "seconds": 0.25}]


def test_a_trace_is_written_to_a_file(tilt: Tilt, served: Session, tmp_path: Path):
    update_twice(served)
    assert tilt("timeline", "--trace", str(tmp_path / "trace.json")) == (0, "", "")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert [each["ph"] for each in events] == ["M", "X", "X", "X", "X"]
    ended = tilt("timeline", "--trace", str(tmp_path / "nowhere/trace.json"))
    assert (ended.status, ended.error) == (
        1, f"Error: cannot write {tmp_path}/nowhere/trace.json: no such file or directory\n"
    )  # fmt: skip


@pytest.mark.usefixtures("served")
def test_where_nothing_has_happened_yet_it_says_so(tilt: Tilt):
    assert tilt("timeline") == (0, "", "no update has ended yet\n")


@pytest.mark.usefixtures("served")
def test_a_resource_that_is_not_there_is_an_error(tilt: Tilt):
    ended = tilt("timeline", "nope")
    assert ended.status == 1
    assert ended.error.startswith('Error: there is no resource "nope"\nhint: there are: (Tiltfile), ')
