import pytest
from msgspec.structs import replace

from pytilt.cluster.health import ready_since, runtime
from pytilt.cluster.pods import Job
from pytilt.model.pods import Condition, Container, ContainerState, OwnerRef, Pod
from pytilt.model.resources import PodReadiness
from pytilt.model.status import RuntimeStatus

WAIT, SUCCEEDED, IGNORE = PodReadiness.WAIT, PodReadiness.SUCCEEDED, PodReadiness.IGNORE
READY = Container(name="a", image="x", state=ContainerState.RUNNING, ready=True)
UNREADY = Container(name="a", image="x", state=ContainerState.RUNNING)


UNREADY_POD = Condition(type="Ready", status="False")


def pod(
    *containers, phase="Running", status="", owner="rs", age=0, name="web", deleting=False, message="", conditions=()
):
    return Pod(
        name=name,
        namespace="",
        uid=name,
        created_at=f"2026-01-01T00:00:{age:02}Z",
        phase=phase,
        status=status or phase,
        message=message,
        deleting=deleting,
        owners=(OwnerRef(api_version="v1", kind="X", name=owner, uid=owner),),
        containers=containers,
        conditions=conditions,
    )


def waiting(reason):
    return Container(name="a", image="x", reason=reason)


def ended(code, policy="Always"):
    return Container(name="a", image="x", state=ContainerState.TERMINATED, exit_code=code, restart_policy=policy)


def crashed(restarts, *, state=ContainerState.RUNNING, ready=False, exit_code=None):
    return Container(
        name="a", image="x", state=state, ready=ready, exit_code=exit_code, restarts=restarts, last_exit_code=3
    )


@pytest.mark.parametrize(
    ("pods", "readiness", "status", "reason"),
    [
        ([pod(READY)], WAIT, "ok", ""),
        ([pod(UNREADY)], WAIT, "pending", "pod web: container a not ready"),
        ([pod(READY)], SUCCEEDED, "pending", "pod web: still running"),
        ([pod(phase="Succeeded")], SUCCEEDED, "ok", ""),
        ([pod(phase="Succeeded")], WAIT, "ok", ""),
        ([pod(phase="Failed", status="Evicted", message="disk")], WAIT, "error", "pod web: Evicted: disk"),
        (
            [pod(waiting("CrashLoopBackOff"), status="CrashLoopBackOff", message="boom\nmore")],
            WAIT,
            "error",
            "pod web: CrashLoopBackOff: boom",
        ),
        ([pod(waiting("ImagePullBackOff"), phase="Pending")], WAIT, "error", "pod web: Pending"),
        ([pod(waiting("CreateContainerConfigError"), phase="Pending")], WAIT, "error", "pod web: Pending"),
        ([pod(ended(1), status="Error")], WAIT, "pending", "pod web: Error; it is started again"),
        ([pod(ended(1, "OnFailure"), status="Error")], SUCCEEDED, "pending", "pod web: Error; it is started again"),
        ([pod(ended(1, "Never"), READY, status="Error")], WAIT, "error", "pod web: Error"),
        ([pod(ended(0), status="Completed")], WAIT, "pending", "pod web: Completed"),
        (
            [pod(waiting("ContainerCreating"), status="ContainerCreating")],
            WAIT,
            "pending",
            "pod web: ContainerCreating",
        ),
        (
            [pod(crashed(2), message="container a ended with exit code 3")],
            WAIT,
            "error",
            "pod web: container a not ready: container a ended with exit code 3",
        ),
        (
            [pod(crashed(2, state=ContainerState.TERMINATED, exit_code=3), status="Error")],
            WAIT,
            "error",
            "pod web: Error",
        ),
        ([pod(crashed(1))], WAIT, "pending", "pod web: container a not ready"),
        ([pod(crashed(9, ready=True))], WAIT, "ok", ""),
        ([], WAIT, "pending", "no pod yet"),
        ([pod(UNREADY)], IGNORE, "ok", ""),
        ([pod(READY), pod(UNREADY, name="web2")], WAIT, "pending", "pod web2: container a not ready"),
        ([pod(READY), pod(phase="Failed", name="web2", age=1)], WAIT, "error", "pod web2: Failed"),
        ([pod(READY, age=1), pod(phase="Failed", status="Evicted", name="old")], WAIT, "ok", ""),
        ([pod(READY, age=1), pod(phase="Failed", name="other", owner="db")], WAIT, "error", "pod other: Failed"),
        ([pod(READY, deleting=True)], WAIT, "pending", "no pod yet"),
        ([pod(READY), pod(UNREADY, deleting=True, name="old")], WAIT, "ok", ""),
    ],
)
def test_a_resource_is_as_well_as_the_worst_of_its_present_pods(pods, readiness, status, reason):
    found = runtime(pods, readiness)
    assert (found.status, found.reason) == (status, reason)


def test_a_pod_whose_node_is_not_ready_is_not_ready_although_its_containers_were_when_the_node_last_spoke():
    found = runtime([pod(READY, conditions=(UNREADY_POD,))], WAIT)
    assert (found.status, found.reason) == (RuntimeStatus.PENDING, "pod web: its node is not ready")
    found = runtime([pod(READY, conditions=(UNREADY_POD,)), pod(READY, name="web2")], WAIT)
    assert found.status is RuntimeStatus.PENDING


def test_a_pod_that_waits_for_its_readiness_gates_says_so():
    gate = 'the status of pod readiness gate "example.com/lb" is not "True", but False'
    gated = replace(UNREADY_POD, reason="ReadinessGatesNotReady", message=gate)
    found = runtime([pod(READY, conditions=(gated,))], WAIT)
    assert (found.status, found.reason) == (RuntimeStatus.PENDING, f"pod web: not ready: {gate}")


def test_what_was_not_deployed_is_pending_whatever_its_pods_say():
    assert runtime([pod(READY)], WAIT, deployed=False).status is RuntimeStatus.PENDING
    assert runtime([], IGNORE, deployed=False).status is RuntimeStatus.PENDING


def test_a_complete_job_needs_no_pod():
    done = Job(name="j", namespace="", uid="rs", complete=True)
    assert runtime([], SUCCEEDED, jobs=[done]).status is RuntimeStatus.OK
    assert runtime([pod(phase="Failed")], SUCCEEDED, jobs=[done]).status is RuntimeStatus.OK


def test_a_failed_job_is_an_error_with_its_reason():
    failed = Job(name="j", namespace="", uid="rs", failed=True, message="deadline exceeded")
    found = runtime([pod(READY)], SUCCEEDED, jobs=[failed])
    assert (found.status, found.reason) == (RuntimeStatus.ERROR, "Job j failed: deadline exceeded")


def test_a_job_that_goes_on_is_judged_by_its_newest_pod():
    going = Job(name="j", namespace="", uid="rs")
    pods = [pod(phase="Failed"), pod(UNREADY, name="again", age=1)]
    assert runtime(pods, SUCCEEDED, jobs=[going]).status is RuntimeStatus.PENDING


def test_a_job_that_is_to_have_several_pods_goes_on_until_it_is_complete():
    going = Job(name="j", namespace="", uid="rs", wanted=3, succeeded=1)
    found = runtime([pod(phase="Succeeded")], SUCCEEDED, jobs=[going])
    assert (found.status, found.reason) == (RuntimeStatus.PENDING, "Job j: 1 of 3 pods have succeeded")
    assert runtime([pod(READY)], WAIT, jobs=[going]).status is RuntimeStatus.OK
    assert runtime([pod(phase="Succeeded")], SUCCEEDED, jobs=[replace(going, complete=True)]).status is RuntimeStatus.OK
    assert runtime([pod(phase="Failed")], SUCCEEDED, jobs=[going]).status is RuntimeStatus.ERROR


def test_a_job_that_is_suspended_says_so():
    going = Job(name="j", namespace="", uid="rs", suspended=True, wanted=3)
    found = runtime([], SUCCEEDED, jobs=[going])
    assert (found.status, found.reason) == (RuntimeStatus.PENDING, "Job j is suspended")


def test_a_pod_of_a_job_that_failed_as_a_whole_is_an_error_as_in_tilt_and_not_before():
    going = Job(name="j", namespace="", uid="rs")
    ending = pod(ended(1, "Never"), status="Error", message="container a ended with exit code 1")
    assert runtime([ending], SUCCEEDED, jobs=[going]).status is RuntimeStatus.PENDING
    failed = pod(ended(1, "Never"), phase="Failed", status="Error", message="container a ended with exit code 1")
    found = runtime([failed], SUCCEEDED, jobs=[going])
    assert found.status is RuntimeStatus.ERROR
    assert found.reason == "pod web: Error: container a ended with exit code 1"


def test_a_pod_of_a_job_that_is_stuck_is_an_error():
    going = Job(name="j", namespace="", uid="rs")
    assert runtime([pod(waiting("CrashLoopBackOff"))], SUCCEEDED, jobs=[going]).status is RuntimeStatus.ERROR


def test_a_job_that_has_failed_says_how_its_last_pod_did():
    failed = Job(name="j", namespace="", uid="rs", failed=True, message="limit reached")
    pods = [pod(phase="Failed", message="old"), pod(phase="Failed", message="new", name="again", age=1)]
    assert runtime(pods, SUCCEEDED, jobs=[failed]).reason == "Job j failed: limit reached: new"


def test_a_pod_is_ready_since_the_last_of_its_containers_was_started_and_it_said_so():
    ready = Condition(type="Ready", status="True", last_transition_time="2026-01-01T00:00:02Z")
    early, late = (
        Container(name=name, image="i", state=ContainerState.RUNNING, ready=True, started_at=f"2026-01-01T00:00:0{at}Z")
        for name, at in (("a", 1), ("b", 3))
    )
    found = replace(pod(early), conditions=(ready,))
    assert ready_since(found) == "2026-01-01T00:00:02Z"
    assert ready_since(replace(found, containers=(early, late))) == "2026-01-01T00:00:03Z"
    assert ready_since(replace(found, containers=(early, replace(late, ready=False)))) == ""
    assert ready_since(replace(found, conditions=())) == ""
