import json

import pytest
from msgspec.structs import replace

from pytilt.model.names import TILTFILE
from pytilt.model.objects import Resource, Tiltfile, TiltfileStatus
from pytilt.model.updates import Outcome
from tests.cli.conftest import Tilt
from tests.cli.sessions import Session
from tests.loop.declaring import kubernetes, update


def put(session: Session, name: str, **fields: object) -> None:
    def write(made):
        made.store.put(Tiltfile(name=TILTFILE, path="/p/Tiltfile", status=TiltfileStatus(history=(update(2),))))
        resource = Resource(name=name, spec=kubernetes(name), order=9)
        history = (replace(update(3), **fields),)
        made.store.put(replace(resource, status=replace(resource.status, history=history)))

    session.do(write)


@pytest.mark.usefixtures("served")
def test_without_alerts_the_exit_code_is_0(tilt: Tilt):
    assert tilt("alerts") == (0, "no alerts\n", "")


def test_an_error_is_shown_whole_and_the_exit_code_is_1(tilt: Tilt, served: Session):
    put(served, "db", outcome=Outcome.FAILED, error="no such file\nmore", warnings=("old image",))
    status, out, _ = tilt("alerts")
    assert status == 1
    assert out == "✖ db  update: no such file\n    more\n▲ db  warning: old image\n"
    assert tilt("alerts", "--errors", "db")[1] == "✖ db  update: no such file\n    more\n"


def test_warnings_alone_break_nothing_and_json_has_all_fields(tilt: Tilt, served: Session):
    put(served, "db", warnings=("old image",))
    status, out, _ = tilt("alerts", "db", "-o", "json")
    assert tilt("alerts", "db", "--json").out == out
    assert status == 0
    (found,) = json.loads(out)
    assert {**found, "since": ""} == {
        "kind": "warning",
        "resource": "db",
        "message": "old image",
        "error": False,
        "since": "",
    }


@pytest.mark.usefixtures("served")
def test_a_resource_that_is_none_is_refused_and_without_a_session_the_exit_code_is_3(tilt: Tilt):
    status, _, problem = tilt("alerts", "nothing")
    assert status == 1
    assert "nothing" in problem
    assert tilt("alerts", "--port", "1")[0] == 3
