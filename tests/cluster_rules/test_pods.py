import pytest

from pytilt.cluster.pods import apply_conditions, event, job, pod
from pytilt.cluster.yaml import parse_values
from pytilt.model.pods import ContainerState


def pod_of(status, spec="containers: [{name: a, image: x}]", meta=""):
    return pod(
        parse_values(
            f"""
apiVersion: v1
kind: Pod
metadata: {{name: web-1, namespace: shop, uid: u1, creationTimestamp: 2026-01-01T00:00:00Z{meta}}}
spec: {{{spec}}}
status: {{{status}}}
""",
            "-",
        )[0]
    )


INIT = "initContainers: [{name: i, image: y}, {name: j, image: y}], containers: [{name: a, image: x}]"
SIDECAR = "initContainers: [{name: i, image: y, restartPolicy: Always}], containers: [{name: a, image: x}]"
RUNNING = "{name: a, ready: true, state: {running: {}}}"


@pytest.mark.parametrize(
    ("status", "spec", "meta", "shown"),
    [
        ("phase: Pending", "", "", "Pending"),
        ("", "", "", ""),
        (f"phase: Running, containerStatuses: [{RUNNING}]", "", "", "Running"),
        ("phase: Failed, reason: Evicted", "", "", "Evicted"),
        (
            "phase: Running, containerStatuses: [{name: a, state: {waiting: {reason: CrashLoopBackOff}}}]",
            "",
            "",
            "CrashLoopBackOff",
        ),
        ("phase: Failed, containerStatuses: [{name: a, state: {terminated: {exitCode: 3}}}]", "", "", "ExitCode:3"),
        ("phase: Failed, containerStatuses: [{name: a, state: {terminated: {signal: 9}}}]", "", "", "Signal:9"),
        (
            "phase: Succeeded, containerStatuses: [{name: a, state: {terminated: {exitCode: 0, reason: Completed}}}]",
            "",
            "",
            "Completed",
        ),
        (
            (
                "phase: Running, conditions: [{type: Ready, status: 'True'}], containerStatuses: "
                f"[{{name: b, state: {{terminated: {{exitCode: 0, reason: Completed}}}}}}, {RUNNING}]"
            ),
            "",
            "",
            "Running",
        ),
        (
            (
                "phase: Running, containerStatuses: "
                f"[{{name: b, state: {{terminated: {{exitCode: 0, reason: Completed}}}}}}, {RUNNING}]"
            ),
            "",
            "",
            "NotReady",
        ),
        ("phase: Pending, initContainerStatuses: [{name: i, state: {running: {}}}]", INIT, "", "Init:0/2"),
        (
            (
                "phase: Pending, initContainerStatuses: [{name: i, state: {terminated: {exitCode: 0}}}, "
                "{name: j, state: {waiting: {reason: PodInitializing}}}]"
            ),
            INIT,
            "",
            "Init:1/2",
        ),
        (
            "phase: Pending, initContainerStatuses: [{name: i, state: {waiting: {reason: ImagePullBackOff}}}]",
            INIT,
            "",
            "Init:ImagePullBackOff",
        ),
        (
            "phase: Pending, initContainerStatuses: [{name: i, state: {terminated: {exitCode: 1, reason: Error}}}]",
            INIT,
            "",
            "Init:Error",
        ),
        (
            (
                f"phase: Running, initContainerStatuses: [{{name: i, started: true, state: {{running: {{}}}}}}], "
                f"containerStatuses: [{RUNNING}]"
            ),
            SIDECAR,
            "",
            "Running",
        ),
        ("phase: Running", "", ", deletionTimestamp: 2026-01-01T00:00:00Z", "Terminating"),
        ("phase: Succeeded", "", ", deletionTimestamp: 2026-01-01T00:00:00Z", "Succeeded"),
        ("phase: Running, reason: NodeLost", "", ", deletionTimestamp: 2026-01-01T00:00:00Z", "Unknown"),
        (
            "phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: SchedulingGated}]",
            "",
            "",
            "SchedulingGated",
        ),
    ],
)
def test_the_status_is_what_kubectl_shows(status, spec, meta, shown):
    assert pod_of(status, spec or "containers: [{name: a, image: x}]", meta).status == shown


def test_a_pod_is_read_with_its_containers_before_they_have_a_status():
    found = pod_of("", f"{INIT[:-1]}, {{name: b, image: z, ports: [{{containerPort: 80}}, {{name: x}}]}}]")
    assert [(one.name, one.init, one.state) for one in found.containers] == [
        ("i", True, ContainerState.WAITING),
        ("j", True, ContainerState.WAITING),
        ("a", False, ContainerState.WAITING),
        ("b", False, ContainerState.WAITING),
    ]
    assert found.containers[3].ports == (80,)
    assert (found.phase, found.namespace, found.created_at) == ("Pending", "shop", "2026-01-01T00:00:00Z")
    assert not found.ready


def test_what_a_container_status_says_is_read():
    found = pod_of(
        "phase: Running, containerStatuses: [{name: a, image: other, ready: true, restartCount: 2, "
        "containerID: 'containerd://abc', state: {running: {startedAt: 2026-01-01T00:00:01Z}}}]"
    )
    one = found.containers[0]
    assert (one.id, one.image, one.started_at, one.state) == ("abc", "x", "2026-01-01T00:00:01Z", "running")
    assert found.ready
    assert found.restarts == 2


def test_a_terminated_container_says_its_exit_code():
    found = pod_of("containerStatuses: [{name: a, state: {terminated: {exitCode: 0, reason: Completed}}}]")
    assert (found.containers[0].exit_code, found.containers[0].reason) == (0, "Completed")


def test_the_controller_is_the_first_owner():
    meta = ", ownerReferences: [{kind: A, name: a, uid: ua}, {kind: ReplicaSet, name: r, uid: ur, controller: true}]"
    assert [owner.uid for owner in pod_of("", meta=meta).owners] == ["ur", "ua"]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (
            "containerStatuses: [{name: a, state: {waiting: {reason: ImagePullBackOff, message: not there}}}]",
            "not there",
        ),
        (
            (
                "containerStatuses: [{name: a, state: {waiting: {reason: CrashLoopBackOff, message: back-off}}, "
                "lastState: {terminated: {exitCode: 1, message: boom}}}]"
            ),
            "boom",
        ),
        ("containerStatuses: [{name: a, state: {waiting: {reason: ContainerCreating, message: soon}}}]", ""),
        ("containerStatuses: [{name: a, state: {terminated: {exitCode: 1, message: died}}}]", "died"),
        (
            "containerStatuses: [{name: a, state: {terminated: {exitCode: 3, reason: Error}}}]",
            "container a ended with exit code 3",
        ),
        (
            (
                "containerStatuses: [{name: a, state: {waiting: {reason: CrashLoopBackOff, message: back-off}}, "
                "lastState: {terminated: {exitCode: 3}}}]"
            ),
            "container a ended with exit code 3",
        ),
        (
            (
                "containerStatuses: [{name: a, state: {waiting: {reason: ErrImagePull, message: not there}}, "
                "lastState: {terminated: {exitCode: 3}}}]"
            ),
            "not there",
        ),
        ("conditions: [{type: PodScheduled, status: 'False', message: 0/1 nodes}]", "0/1 nodes"),
        ("message: evicted", "evicted"),
    ],
)
def test_the_message_explains_what_is_wrong(status, message):
    assert pod_of(status).message == message


def test_jobs_say_whether_they_ended():
    base = {"metadata": {"name": "j", "uid": "u"}}
    assert not job(base).complete
    assert job(base | {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}).complete
    failed = job(base | {"status": {"conditions": [{"type": "Failed", "status": "True", "message": "deadline"}]}})
    assert (failed.failed, failed.message) == (True, "deadline")


def test_jobs_say_how_many_pods_they_are_to_have():
    base = {"metadata": {"name": "j", "uid": "j"}}
    assert (job(base).wanted, job(base).suspended) == (1, False)
    several = job(base | {"spec": {"completions": 4, "parallelism": 2}, "status": {"succeeded": 3}})
    assert (several.wanted, several.succeeded) == (4, 3)
    assert job(base | {"spec": {"parallelism": 2}}).wanted == 2
    assert job(base | {"spec": {"suspend": True}}).suspended
    assert job(base | {"spec": {"parallelism": 0}}).suspended


def test_an_apply_says_whether_a_job_of_it_had_ended_well_before():
    ended = {
        "kind": "Job",
        "metadata": {"name": "j"},
        "status": {"conditions": [{"type": "Complete", "status": "True"}]},
    }
    assert [(each.type, each.status) for each in apply_conditions([ended])] == [("JobComplete", "True")]
    assert apply_conditions([{**ended, "status": {}}, {**ended, "kind": "Other"}]) == ()


def test_events_of_both_groups_are_read():
    core = event({
        "metadata": {"creationTimestamp": "t0", "uid": "e1"},
        "type": "Warning",
        "reason": "Failed",
        "message": "m",
        "count": 3,
        "lastTimestamp": "t1",
        "involvedObject": {"kind": "Pod", "name": "web", "namespace": "shop", "uid": "u", "apiVersion": "v1"},
    })  # fmt: skip
    assert (core.type, core.reason, core.message, core.count, core.last_seen, core.created_at) == (
        "Warning",
        "Failed",
        "m",
        3,
        "t1",
        "t0",
    )
    assert (str(core.object), core.object.namespace, core.object_uid) == ("Pod/web", "shop", "u")
    new = event({
        "metadata": {"creationTimestamp": "t0"},
        "eventTime": "t2",
        "note": "n",
        "regarding": {"kind": "Pod", "name": "web"},
        "series": {"count": 7, "lastObservedTime": "t3"},
    })  # fmt: skip
    assert (new.message, new.count, new.last_seen, new.object.name) == ("n", 7, "t3", "web")
    assert event({"eventTime": "t2"}).last_seen == "t2"


def test_a_pod_in_the_network_of_its_node_has_no_address_of_its_own():
    assert pod_of("podIP: 10.0.0.7").ip == "10.0.0.7"
    assert pod_of("podIP: 10.0.0.7", "hostNetwork: true, containers: [{name: a, image: x}]").ip == ""
