import pytest

from pytilt.engines.podspec.plan import ContainerView, Instance, RunState, plan, retry_delay
from pytilt.engines.podspec.status import PodFacts, pod_status

NOW = 1000.0


def pod(policy="Always", inits=(), mains=("a",)):
    init_containers = [{"name": name, "image": "i"} | more for name, more in inits]
    return {
        "metadata": {"name": "p", "namespace": "n", "uid": "u"},
        "spec": {
            "restartPolicy": policy,
            "initContainers": init_containers,
            "containers": [{"name": name, "image": "i"} for name in mains],
        },
    }


def running(**more):
    instance = Instance(id="x", attempt=0, state=RunState.RUNNING, started_at=NOW - 60)
    return ContainerView(current=instance, **({"started": True, "ready": True} | more))


def exited(code=0, ago=0.0, **more):
    instance = Instance(id="x", attempt=0, state=RunState.EXITED, exit_code=code, started_at=1, finished_at=NOW - ago)
    return ContainerView(current=instance, **more)


SIDECAR: tuple[str, dict[str, str]] = ("side", {"restartPolicy": "Always"})
INIT: tuple[str, dict[str, str]] = ("init", {})


@pytest.mark.parametrize(
    ("spec", "views", "start", "phase"),
    [
        (pod(), {}, ("a",), "Pending"),
        (pod(mains=("a", "b")), {"a": running()}, ("b",), "Running"),
        (pod(), {"a": running()}, (), "Running"),
        (pod(inits=[INIT]), {}, ("init",), "Pending"),
        (pod(inits=[INIT]), {"init": running()}, (), "Pending"),
        (pod(inits=[INIT]), {"init": exited()}, ("a",), "Pending"),
        (pod(inits=[INIT]), {"init": exited(1)}, ("init",), "Pending"),
        (pod("Never", inits=[INIT]), {"init": exited(1)}, (), "Failed"),
        (pod(inits=[SIDECAR, INIT]), {}, ("side",), "Pending"),
        (pod(inits=[SIDECAR, INIT]), {"side": running(started=False)}, (), "Pending"),
        (pod(inits=[SIDECAR, INIT]), {"side": running()}, ("init",), "Pending"),
        (pod("Never", inits=[SIDECAR]), {"side": exited(1), "a": running()}, ("side",), "Pending"),
        (pod(), {"a": exited(0)}, ("a",), "Running"),
        (pod("OnFailure"), {"a": exited(1)}, ("a",), "Running"),
        (pod("OnFailure"), {"a": exited(0)}, (), "Succeeded"),
        (pod("Never"), {"a": exited(1)}, (), "Failed"),
        (pod("Never", mains=("a", "b")), {"a": exited(1), "b": running()}, (), "Running"),
        (pod(), {"a": ContainerView(waiting="ErrImagePull", retry_at=NOW + 5)}, (), "Pending"),
    ],
)
def test_what_a_pod_needs_next(spec, views, start, phase):
    planned = plan(spec, views, NOW)
    assert (planned.start, planned.phase) == (start, phase)


@pytest.mark.parametrize(("failures", "delay"), [(0, 0), (1, 10), (2, 20), (3, 40), (5, 160), (6, 300), (60, 300)])
def test_each_failure_in_a_row_doubles_the_delay(failures, delay):
    assert retry_delay(failures) == delay


def test_a_restart_that_has_to_wait_says_when_it_is_due():
    planned = plan(pod(), {"a": exited(1, ago=3, streak=1)}, NOW)
    assert planned.start == ()
    assert planned.wake_at == NOW + 7


def status(spec, views, **facts):
    return pod_status(spec, views, plan(spec, views, NOW), PodFacts(**facts), NOW)


@pytest.mark.parametrize(
    ("spec", "views", "state"),
    [
        (pod(), {}, {"waiting": {"reason": "ContainerCreating"}}),
        (pod(inits=[INIT]), {}, {"waiting": {"reason": "PodInitializing"}}),
        (pod(), {"a": running()}, {"running": {"startedAt": "1970-01-01T00:15:40Z"}}),
        (
            pod(),
            {"a": ContainerView(waiting="ErrImagePull", message="no")},
            {"waiting": {"reason": "ErrImagePull", "message": "no"}},
        ),
    ],
)
def test_states_of_a_container(spec, views, state):
    assert status(spec, views)["containerStatuses"][0]["state"] == state


def test_waiting_for_a_restart_is_called_crash_loop():
    (status_now,) = status(pod(), {"a": exited(3, streak=2)})["containerStatuses"]
    assert status_now["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert status_now["state"]["waiting"]["message"] == "back-off 20s restarting failed container=a pod=p_n(u)"
    assert status_now["lastState"]["terminated"]["exitCode"] == 3


@pytest.mark.parametrize(
    ("views", "ready"),
    [
        ({"a": running(), "b": running()}, "True"),
        ({"a": running(), "b": running(ready=False)}, "False"),
        ({"a": running(), "b": exited(1)}, "False"),
    ],
)
def test_a_pod_is_ready_when_all_its_containers_are(views, ready):
    status_now = {item["type"]: item["status"] for item in status(pod(mains=("a", "b")), views)["conditions"]}
    assert status_now["Ready"] == status_now["ContainersReady"] == ready
    assert status_now["PodScheduled"] == "True"


def test_a_condition_keeps_the_time_of_its_last_change():
    before = status(pod(), {"a": running()})
    later = {**pod(), "status": before}
    status_now = pod_status(later, {"a": running()}, plan(later, {"a": running()}, NOW + 9), PodFacts(), NOW + 9)
    assert status_now == before


def test_a_finished_pod_says_so():
    status_now = status(pod("Never"), {"a": exited(0)})
    assert status_now["phase"] == "Succeeded"
    assert status_now["containerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
    assert {item.get("reason") for item in status_now["conditions"] if item["type"] == "Ready"} == {"PodCompleted"}
