from pathlib import Path

import pytest
from msgspec.structs import replace

from pytilt.host.records import Records
from pytilt.host.state import StateDirectory
from pytilt.loop.pods.confirmations import Confirmations, runs
from pytilt.model.pods import Condition, Container, ContainerState, Pod

SINCE = "2026-01-01T00:00:00Z"
CONTAINER = Container(
    name="c", image="i", id="c1", state=ContainerState.RUNNING, ready=True, started_at="2025-12-31T23:59:58Z"
)
POD = Pod(
    name="web-1",
    namespace="default",
    uid="1",
    created_at="2025-12-31T23:59:57Z",
    phase="Running",
    containers=(CONTAINER,),
    conditions=(Condition(type="Ready", status="True", last_transition_time=SINCE),),
)


def session(folder: Path, *, used: bool = True) -> Confirmations:
    return Confirmations(Records(StateDirectory(folder), used=used))


def test_what_stayed_healthy_is_known_to_the_next_session(tmp_path: Path):
    assert not session(tmp_path).has_all([POD])
    session(tmp_path).keep(runs([POD]))
    assert session(tmp_path).has_all([POD])
    assert not session(tmp_path, used=False).has_all([POD])


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(POD, uid="2"), id="another pod"),
        pytest.param(replace(POD, containers=(replace(CONTAINER, id="c2", restarts=1),)), id="a restart"),
        pytest.param(
            replace(POD, conditions=(replace(POD.conditions[0], last_transition_time="2026-01-01T00:00:09Z"),)),
            id="it was not ready in between",
        ),
        pytest.param(replace(POD, containers=(replace(CONTAINER, ready=False),)), id="it is not ready"),
        pytest.param(replace(POD, conditions=()), id="nobody says since when it is ready"),
    ],
)
def test_anything_that_has_happened_to_a_pod_since_makes_it_unknown(tmp_path: Path, other: Pod):
    session(tmp_path).keep(runs([POD]))
    assert not session(tmp_path).has_all([POD, other])


def test_what_is_not_ready_is_not_remembered(tmp_path: Path):
    unready = replace(POD, containers=(replace(CONTAINER, ready=False),))
    session(tmp_path).keep(runs([unready]))
    assert not session(tmp_path).has_all([unready])


def test_what_has_gone_is_forgotten(tmp_path: Path):
    session(tmp_path).keep(runs([POD]))
    session(tmp_path).keep(runs([replace(POD, uid="2")]))
    assert not session(tmp_path).has_all([POD])
