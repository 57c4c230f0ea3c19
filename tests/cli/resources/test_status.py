import json

import pytest
from msgspec.structs import replace

from pytilt.model.clusters import ClusterInfo
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.model.objects import ClusterState, Resource, ResourceStatus, Runtime, RuntimeState, Tiltfile, TiltfileStatus
from pytilt.model.resources import TriggerMode
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Hold, HoldReason, Outcome, Reason
from tests.cli.conftest import Tilt
from tests.cli.sessions import Session
from tests.loop.declaring import kubernetes, update

DONE = update(2)


@pytest.fixture
def shop(served: Session) -> Session:
    """A session whose Tiltfile is evaluated, without resources yet."""

    def evaluated(made):
        for resource in made.store.snapshot().all(Resource):
            made.store.delete(Resource, resource.name)
        made.store.put(Tiltfile(name=TILTFILE, path="/p/Tiltfile", status=TiltfileStatus(history=(DONE,))))
        info = ClusterInfo(context="kind-shop", namespace="dev", product="kind", arch="amd64")
        made.store.put(ClusterState(name="default", info=info))

    served.do(evaluated)
    return served


def put(session: Session, name: str, runtime: RuntimeStatus = RuntimeStatus.OK, *, enabled=True, mode=None, **fields):
    """A resource that was deployed, unless its status says something else."""
    status = ResourceStatus(**{"history": (DONE,), "deployed_at": "2026-01-01T00:00:00Z", **fields})
    spec = kubernetes(name)
    spec = replace(spec, trigger_mode=mode) if mode is not None else spec

    def write(made):
        order = len(made.store.snapshot().all(Resource)) + 2
        made.store.put(Resource(name=name, spec=spec, status=status, enabled=enabled, order=order))
        made.store.put(Runtime(name=name, status=RuntimeState(status=runtime, reason="it crashed")))

    session.do(write)


def rows(out: str) -> list[list[str]]:
    return [line.split(maxsplit=3) for line in out.splitlines()[1:]]


def test_when_everything_is_fresh_and_healthy_the_exit_code_is_0(tilt: Tilt, shop: Session):
    put(shop, "web")
    ended = tilt("status")
    assert ended == (0, "kind-shop (dev): 2 ok\n● (Tiltfile)  ok\n● web         ok\n", "")
    assert shop.served.asked.barriers == 1


def test_what_is_broken_says_why_and_the_exit_code_is_1(tilt: Tilt, shop: Session):
    put(shop, "web", RuntimeStatus.ERROR)
    put(shop, "db", history=(replace(update(3), outcome=Outcome.FAILED, error="no such file\nmore"),))
    status, out, _ = tilt("status")
    assert status == 1
    assert out.splitlines()[0] == "kind-shop (dev): 1 ok, 2 error"
    assert rows(out)[1:] == [["✖", "web", "error", "it crashed"], ["✖", "db", "error", "no such file"]]


@pytest.mark.parametrize(
    ("fields", "row"),
    [
        ({"due": Reason.CHANGED_FILES}, ["◌", "web", "stale", "changed since it was updated"]),
        (
            {"pending_manual": True, "mode": TriggerMode.MANUAL},
            ["◌", "web", "stale", "changed, and waits for `tilt trigger`"],
        ),
        ({"current": (replace(update(3), outcome=Outcome.RUNNING),)}, ["◐", "web", "updating"]),
        (
            {"due": Reason.CHANGED_FILES, "hold": Hold(reason=HoldReason.WAITING_FOR_DEP, on=(ResourceName("db"),))},
            ["◌", "web", "stale", "waiting-for-dep db"],
        ),
    ],
)
def test_what_is_not_fresh_is_not_well(tilt: Tilt, shop: Session, fields, row):
    put(shop, "web", **fields)
    status, out, _ = tilt("status")
    assert (status, rows(out)[1]) == (1, row)


def test_what_is_not_ready_yet_is_not_well(tilt: Tilt, shop: Session):
    put(shop, "web", RuntimeStatus.PENDING)
    status, out, _ = tilt("status")
    assert status == 1
    assert rows(out)[1][:3] == ["◌", "web", "pending"]


def test_what_is_disabled_or_was_never_started_does_not_count(tilt: Tilt, shop: Session):
    put(shop, "web")
    put(shop, "off", RuntimeStatus.ERROR, enabled=False)
    put(shop, "later", RuntimeStatus.UNKNOWN, history=(), deployed_at="", mode=TriggerMode.MANUAL_NO_INIT)
    status, out, _ = tilt("status")
    assert status == 0
    assert rows(out)[2:] == [["□", "off", "disabled"], ["○", "later", "idle", "not started yet"]]


def test_a_cluster_that_does_not_answer_is_not_well(tilt: Tilt, shop: Session):
    put(shop, "web")
    shop.do(lambda made: made.store.change(ClusterState, "default", lambda each: replace(each, error="refused")))
    status, out, _ = tilt("status")
    assert status == 1
    assert "  the cluster does not answer: refused" in out.splitlines()


@pytest.mark.parametrize("words", [("--json",), ("-o", "json"), ("--output=json",)])
def test_as_json(tilt: Tilt, shop: Session, words: tuple[str, ...]):
    put(shop, "web", RuntimeStatus.ERROR, history=(replace(DONE, note="no sync covers it"),))
    status, out, _ = tilt("status", *words)
    found = json.loads(out)
    assert (status, found["fresh"], found["healthy"]) == (1, True, False)
    web = found["resources"][1]
    assert (web["name"], web["fresh"], web["healthy"], web["state"]) == ("web", True, False, "error")
    assert (web["lastUpdate"]["strategy"], web["lastUpdate"]["note"]) == ("full", "no sync covers it")


def test_without_a_session_nobody_can_say(tilt: Tilt, shop: Session):
    shop.end()
    status, out, error = tilt("status", "--port", "1")
    assert (status, out) == (3, "")
    assert error.startswith("Error: No tilt apiserver found")
