from msgspec.structs import replace

from pytilt.model.commands import Command
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.model.objects import Resource, ResourceStatus, Runtime, RuntimeState, Session, Tiltfile, TiltfileStatus
from pytilt.model.pods import Pod
from pytilt.model.resources import KubernetesDeploy, LocalDeploy, PodReadiness, ResourceSpec
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Hold, HoldReason, Outcome, Reason
from pytilt.store.objects import Store
from pytilt.views.sessions import session_spec, session_status, session_targets
from tests.loop.declaring import kubernetes, local, update

BEGAN, ENDED = "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"
DONE = {"terminated": {"startTime": BEGAN, "finishTime": ENDED}}


def active(*, ready: bool, ready_at: str | None = None) -> dict[str, object]:
    return {"active": {"startTime": BEGAN, "ready": ready, "lastReadyTime": ready_at}}


def states(*objects: Resource | Runtime) -> dict[str, object]:
    store = Store()
    store.put(Tiltfile(name=TILTFILE, path="/p/Tiltfile", status=TiltfileStatus(history=(update(),))))
    for each in objects:
        store.put(each)
    found = session_targets(store.snapshot())
    assert [each["name"] for each in found] == sorted(each["name"] for each in found)
    return {each["name"]: each["state"] for each in found}


def test_the_tiltfile_is_a_job():
    assert states() == {"tiltfile:update": DONE}


def test_a_job_waits_runs_and_ends():
    def of(status: ResourceStatus) -> object:
        return states(Resource(name="tool", spec=local("tool"), status=status))["tool:update"]

    hold = Hold(reason=HoldReason.WAITING_FOR_DEP)
    assert of(ResourceStatus()) == {}
    assert of(ResourceStatus(due=Reason.INITIAL_BUILD)) == {"waiting": {"waitReason": "unknown"}}
    assert of(ResourceStatus(due=Reason.INITIAL_BUILD, hold=hold)) == {"waiting": {"waitReason": "waiting-for-dep"}}
    running = update(outcome=Outcome.RUNNING)
    assert of(ResourceStatus(current=(running,))) == {
        "active": {"startTime": BEGAN, "ready": False, "lastReadyTime": None}
    }
    assert of(ResourceStatus(history=(update(),))) == DONE
    failed = of(ResourceStatus(history=(update(outcome=Outcome.FAILED),)))
    assert failed == {"terminated": {**DONE["terminated"], "error": "it failed"}}


def test_a_pod_is_a_server_or_a_job_as_its_readiness_says():
    status = ResourceStatus(history=(update(),), deployed_at=BEGAN)
    web = Resource(name="web", spec=kubernetes("web"), status=status)
    assert states(web)["web:runtime"] == {"waiting": {"waitReason": "waiting-for-pod"}}
    pod = Pod(uid="1", name="web-1", namespace="default", phase="Running", created_at=BEGAN)
    pending = Runtime(name="web", status=RuntimeState(status=RuntimeStatus.PENDING, pods=(pod,)))
    assert states(web, pending)["web:runtime"] == {
        "active": {"startTime": BEGAN, "ready": False, "lastReadyTime": None}
    }
    good = Runtime(name="web", status=RuntimeState(status=RuntimeStatus.OK, pods=(pod,), since=ENDED))
    assert states(web, good)["web:runtime"] == active(ready=True, ready_at=ENDED)
    over = replace(good, status=replace(good.status, pods=(replace(pod, phase="Succeeded"),)))
    assert states(web, over)["web:runtime"] == {"terminated": {"startTime": BEGAN, "finishTime": None}}
    bad = Runtime(name="web", status=RuntimeState(status=RuntimeStatus.ERROR, reason="it crashed", pods=(pod,)))
    assert states(web, bad)["web:runtime"] == {
        "terminated": {"startTime": BEGAN, "finishTime": None, "error": "it crashed"}
    }


def test_what_makes_no_pods_has_no_runtime_once_it_is_deployed():
    deploy = KubernetesDeploy(objects=(), pod_readiness=PodReadiness.IGNORE)
    spec = ResourceSpec(name=ResourceName("objects"), deploy=deploy)
    status = ResourceStatus(history=(update(),), deployed_at=BEGAN)
    assert list(states(Resource(name="objects", spec=spec))) == ["objects:runtime", "objects:update", "tiltfile:update"]
    assert list(states(Resource(name="objects", spec=spec, status=status))) == ["objects:update", "tiltfile:update"]


def test_a_served_process_is_a_server():
    deploy = LocalDeploy(serve=Command(argv=("server",), dir="/p"))
    spec = ResourceSpec(name=ResourceName("server"), deploy=deploy)
    server = Resource(name="server", spec=spec, status=ResourceStatus(history=(update(),)))
    assert states(server) == {"server:serve": {"waiting": {"waitReason": "unknown"}}, "tiltfile:update": DONE}
    runs = Runtime(name="server", status=RuntimeState(status=RuntimeStatus.OK, pid=7, since=BEGAN))
    assert states(server, runs)["server:serve"] == {
        "active": {"startTime": BEGAN, "ready": True, "lastReadyTime": BEGAN}
    }


def test_what_is_disabled_says_so():
    assert states(Resource(name="tool", spec=local("tool"), enabled=False))["tool:update"] == {"disabled": {}}


def test_the_session_has_the_fields_of_tilts():
    store = Store()
    session = store.put(Session(name="Tiltfile", tiltfile_path="/p/Tiltfile", ci=True, ci_timeout_seconds=90, pid=42))
    assert session_spec(session) == {
        "tiltfilePath": "/p/Tiltfile",
        "exitCondition": "ci",
        "ci": {"k8sGracePeriod": "0s", "timeout": "1m30s", "readinessTimeout": "5m0s"},
    }
    status = session_status(store.snapshot(), session)
    assert (status["pid"], status["done"], [each["name"] for each in status["targets"]]) == (
        42,
        False,
        ["tiltfile:update"],
    )
