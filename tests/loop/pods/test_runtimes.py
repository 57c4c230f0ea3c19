from collections.abc import AsyncGenerator, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from pytilt.cluster import objects
from pytilt.cluster.injection import inject, template_hashes
from pytilt.cluster.seam import Change
from pytilt.errors import ApplyError, ClusterUnreachableError
from pytilt.loop.pods.runtimes import WATCHED, Runtimes
from pytilt.model.objects import ClusterState, Resource, ResourceStatus, Runtime, RuntimeState
from pytilt.model.resources import KubeObject, KubernetesDeploy, Link, PodReadiness
from pytilt.model.resources import PortForwardSpec as Forward
from pytilt.model.status import RuntimeStatus
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.cluster import FakeCluster
from tests.idle import eventually, idle
from tests.loop.declaring import INFO, deployment, kubernetes, local, plain, prepare, update
from tests.loop.waiting import logged, running, until, until_logged

LATER = "2999-01-01T00:00:00Z"


class Breaking(FakeCluster):
    """A cluster whose watches can be broken."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = ""

    async def watch(self, api_version: str, kind: str, *, namespace: str = "") -> AsyncGenerator[Change, None]:
        async for change in super().watch(api_version, kind, namespace=namespace):
            if self.broken:
                raise ClusterUnreachableError(self.broken)
            yield change


class Trial:
    """`web` and what of it is in the cluster."""

    def __init__(self, store: Store, logs: LogStore) -> None:
        self.store = store
        self.logs = logs
        self.cluster = Breaking()
        self.runtimes = Runtimes(store, logs, self.cluster, "localhost")
        prepare(store, kubernetes("web"), local("tool"))

    def deploy(self, *wanted: KubeObject) -> KubeObject:
        """Say that the resource was updated, the cluster having made a ReplicaSet of its Deployment."""
        applied = [self.cluster.put(each) for each in inject((deployment("web"), *wanted), {}, ())]
        status = ResourceStatus(
            history=(update(),),
            applied_uids=tuple(map(objects.uid, applied)),
            template_hashes=template_hashes(applied),
            deployed_at="2026-01-01T00:00:00Z",
        )
        self.store.change(Resource, "web", lambda each: replace(each, status=status))
        return self.replica_set(applied[0])

    def replica_set(self, owner: KubeObject, revision: int = 1) -> KubeObject:
        controller = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": objects.uid(owner)}
        return self.cluster.put(
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "name": f"web-{revision}",
                    "ownerReferences": [controller],
                    "annotations": {"deployment.kubernetes.io/revision": str(revision)},
                },
                "spec": {"template": owner["spec"]["template"]},
            }
        )

    def scale(self, replica_set: KubeObject, replicas: int) -> None:
        """Have its Deployment want so many pods."""
        self.cluster.put({**replica_set, "spec": {**replica_set["spec"], "replicas": replicas}})

    def state(self, name: str = "web") -> RuntimeState:
        found = self.store.get(Runtime, name)
        return found.status if found else RuntimeState()

    def pods(self) -> list[str]:
        return [pod.name for pod in self.state().pods]

    async def status(self, status: RuntimeStatus) -> RuntimeState:
        await until(self.store, lambda: self.state().status is status)
        return self.state()


@pytest.fixture
def trial(store: Store, logs: LogStore) -> Trial:
    return Trial(store, logs)


async def test_nothing_is_watched_before_a_cluster_answers(trial: Trial):
    trial.store.delete(ClusterState, "default")
    async with running(trial.runtimes.run()):
        await idle()
        assert not trial.cluster.watched
        trial.store.put(ClusterState(name="default", info=INFO))
        await eventually(lambda: len(trial.cluster.watched) == len(WATCHED))


async def test_every_namespace_that_a_resource_lives_in_is_watched_once(trial: Trial):
    spec = kubernetes("web", deployment("web"), plain("Secret", "s", namespace="other"))
    async with running(trial.runtimes.run()):
        await eventually(lambda: len(trial.cluster.watched) == len(WATCHED))
        trial.store.change(Resource, "web", lambda each: replace(each, spec=spec))
        await eventually(lambda: len(trial.cluster.watched) == 2 * len(WATCHED))
        await idle()
        assert len(trial.cluster.watched) == 2 * len(WATCHED)


async def test_a_resource_is_pending_until_its_pod_is_ready(trial: Trial):
    async with running(trial.runtimes.run()):
        assert (await trial.status(RuntimeStatus.PENDING)).reason == "not deployed yet"
        owner = trial.deploy()
        await until(trial.store, lambda: trial.state().reason == "no pod yet")
        trial.cluster.add_pod("web-1", owner=owner)
        state = await trial.status(RuntimeStatus.OK)
    assert trial.pods() == ["web-1"]
    assert (state.ready_once, state.reason) == (True, "")
    assert state.since


async def test_it_is_pending_while_there_are_fewer_pods_than_its_replica_set_is_to_have(trial: Trial):
    async with running(trial.runtimes.run()):
        owner = trial.deploy()
        trial.cluster.add_pod("web-1", owner=owner)
        await trial.status(RuntimeStatus.OK)
        trial.scale(owner, 2)
        assert (await trial.status(RuntimeStatus.PENDING)).reason == "1 of 2 pods"
        trial.cluster.add_pod("web-2", owner=owner)
        await trial.status(RuntimeStatus.OK)


@pytest.mark.parametrize(
    ("kind", "size"),
    [("StatefulSet", {"spec": {"replicas": 2}}), ("DaemonSet", {"status": {"desiredNumberScheduled": 2}})],
)
async def test_it_is_pending_while_what_makes_its_pods_itself_has_fewer_than_it_is_to_have(
    trial: Trial, kind: str, size: dict[str, Any]
):
    wanted = plain(kind, "db", "apps/v1")
    trial.store.change(Resource, "web", lambda each: replace(each, spec=kubernetes("web", deployment("web"), wanted)))
    async with running(trial.runtimes.run()):
        trial.cluster.add_pod("web-1", owner=trial.deploy(wanted))
        await trial.status(RuntimeStatus.OK)
        owner = next(each for each in trial.cluster.stored if each["kind"] == kind)
        trial.cluster.add_pod("db-1", owner=owner)
        trial.cluster.put({**owner, **size})
        assert (await trial.status(RuntimeStatus.PENDING)).reason == "1 of 2 pods"
        trial.cluster.add_pod("db-2", owner=owner)
        await trial.status(RuntimeStatus.OK)


async def test_what_is_scaled_to_no_pods_is_fine_without_any(trial: Trial):
    none = deployment("web")
    none["spec"]["replicas"] = 0
    trial.store.change(Resource, "web", lambda each: replace(each, spec=kubernetes("web", none)))
    async with running(trial.runtimes.run()):
        trial.deploy()
        await trial.status(RuntimeStatus.OK)


async def test_it_was_ready_once_even_when_its_pod_is_gone(trial: Trial):
    async with running(trial.runtimes.run()):
        pod = trial.cluster.add_pod("web-1", owner=trial.deploy())
        await trial.status(RuntimeStatus.OK)
        trial.cluster.remove(objects.ref(pod))
        state = await trial.status(RuntimeStatus.PENDING)
    assert state.ready_once
    assert trial.pods() == []


async def test_the_time_of_a_status_is_that_of_its_last_change(trial: Trial):
    async with running(trial.runtimes.run()):
        owner = trial.deploy()
        trial.cluster.add_pod("web-1", owner=owner)
        since = (await trial.status(RuntimeStatus.OK)).since
        trial.cluster.add_pod("web-2", owner=owner)
        await until(trial.store, lambda: len(trial.pods()) == 2)
        assert trial.state().since == since


async def test_pods_of_the_replica_set_before_are_not_shown(trial: Trial):
    async with running(trial.runtimes.run()):
        trial.cluster.add_pod("old", owner=trial.deploy())
        await until(trial.store, lambda: trial.pods() == ["old"])
        owner = next(each for each in trial.cluster.stored if each["kind"] == "Deployment")
        trial.cluster.add_pod("new", owner=trial.replica_set(owner, revision=2))
        await until(trial.store, lambda: trial.pods() == ["new"])


async def test_a_broken_pod_turns_its_resource_red_with_a_reason(trial: Trial):
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
    status = {"phase": "Pending", "containerStatuses": [{"name": "main", "state": waiting}]}
    async with running(trial.runtimes.run()):
        trial.cluster.add_pod("web-1", owner=trial.deploy(), status=status)
        state = await trial.status(RuntimeStatus.ERROR)
    assert state.reason.startswith("pod web-1: ErrImagePull")


async def test_a_job_that_is_complete_is_fine_without_pods(trial: Trial):
    job = plain("Job", "migrate", "batch/v1")
    async with running(trial.runtimes.run()):
        trial.deploy(job)
        trial.cluster.add_pod("web-1", owner=trial.deploy(job))
        trial.cluster.put({**job, "status": {"conditions": [{"type": "Complete", "status": "True"}]}})
        await trial.status(RuntimeStatus.OK)


async def test_a_job_that_was_complete_and_is_cleaned_up_stays_fine(trial: Trial):
    done = {"type": "Complete", "status": "True"}
    job = trial.cluster.put({**plain("Job", "migrate", "batch/v1"), "status": {"conditions": [done]}})
    spec = kubernetes("migrate", plain("Job", "migrate", "batch/v1"))
    deploy = replace(spec.deploy, pod_readiness=PodReadiness.SUCCEEDED)
    status = ResourceStatus(history=(update(),), applied_uids=(objects.uid(job),), deployed_at="2026-01-01T00:00:00Z")
    trial.store.put(Resource(name="migrate", spec=replace(spec, deploy=deploy), status=status))
    async with running(trial.runtimes.run()):
        await until(trial.store, lambda: trial.state("migrate").status is RuntimeStatus.OK)
        trial.cluster.remove(objects.ref(job))
        await idle()
        assert trial.state("migrate").status is RuntimeStatus.OK


async def test_a_disabled_resource_has_no_runtime(trial: Trial):
    async with running(trial.runtimes.run()):
        trial.cluster.add_pod("web-1", owner=trial.deploy())
        await trial.status(RuntimeStatus.OK)
        trial.store.change(Resource, "web", lambda each: replace(each, enabled=False))
        state = await trial.status(RuntimeStatus.NONE)
    assert (state.pods, state.ready_once) == ((), False)


async def test_endpoints_are_links_and_forwards(trial: Trial):
    spec = kubernetes("web", links=(Link(url="https://docs", name="docs"),))
    assert isinstance(spec.deploy, KubernetesDeploy)
    spec = replace(spec, deploy=replace(spec.deploy, port_forwards=(Forward(local_port=8000),)))
    trial.store.change(Resource, "web", lambda each: replace(each, spec=spec))
    async with running(trial.runtimes.run()):
        trial.deploy()
        state = await until(trial.store, lambda: trial.state() if trial.state().endpoints else None)
    assert [link.url for link in state.endpoints] == ["https://docs", "http://localhost:8000/"]


async def test_pods_that_went_while_the_watch_was_broken_are_forgotten(trial: Trial):
    async with running(trial.runtimes.run()):
        owner = trial.deploy()
        gone = trial.cluster.add_pod("gone", owner=owner)
        await until(trial.store, lambda: trial.pods() == ["gone"])
        trial.cluster.add_pod("gone", owner=owner, labels={**gone["metadata"]["labels"], "changed": "1"})
        await idle()
        trial.cluster.broken = "no route to host"
        trial.cluster.remove(objects.ref(gone))
        await until_logged(trial.logs, "cannot watch Pod objects in namespace default: no route to host")
        assert trial.pods() == ["gone"]
        trial.cluster.broken = ""
        await until(trial.store, lambda: trial.pods() == [])
    assert logged(trial.logs).count("cannot watch Pod") == 1


def event(uid: str, of: KubeObject, **fields: Any) -> Mapping[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"event-{uid}", "uid": uid, "creationTimestamp": LATER},
        "type": "Warning",
        "reason": "BackOff",
        "message": "back-off restarting",
        "count": 1,
        "lastTimestamp": LATER,
        "involvedObject": {
            "apiVersion": of["apiVersion"],
            "kind": of["kind"],
            "name": objects.name(of),
            "namespace": objects.namespace(of),
            "uid": objects.uid(of),
        },
        **fields,
    }


async def test_a_pod_whose_containers_were_started_is_known_before_its_status_says_so(trial: Trial):
    async with running(trial.runtimes.run()):
        pod = trial.cluster.add_pod("web-1", owner=trial.deploy(), status={"phase": "Pending"})
        await until(trial.store, lambda: trial.pods() == ["web-1"])
        name = pod["spec"]["containers"][0]["name"]
        about = {**event("e1", pod)["involvedObject"], "fieldPath": f"spec.containers{{{name}}}"}
        trial.cluster.put(event("e1", pod, type="Normal", reason="Started", involvedObject=about))

        def started() -> bool:
            runtime = trial.store.get(Runtime, "web")
            return runtime is not None and runtime.status.pods[0].started

        await until(trial.store, started)


async def test_an_event_is_reported_once_and_again_when_it_happened_again(trial: Trial):
    async with running(trial.runtimes.run()):
        pod = trial.cluster.add_pod("web-1", owner=trial.deploy())
        await trial.status(RuntimeStatus.OK)
        trial.cluster.put(event("e1", pod))
        trial.cluster.reconnect()
        await until_logged(trial.logs, "back-off restarting")
        await idle()
        assert logged(trial.logs, "web") == "[event: pod web-1] back-off restarting\n"
        trial.cluster.put(event("e1", pod, count=2))
        await eventually(lambda: logged(trial.logs, "web").count("\n") == 2)


async def test_an_event_that_happens_again_and_again_is_reported_ever_more_rarely(trial: Trial):
    async with running(trial.runtimes.run()):
        pod = trial.cluster.add_pod("web-1", owner=trial.deploy())
        await trial.status(RuntimeStatus.OK)
        for count in range(1, 101):
            trial.cluster.put(event("e1", pod, count=count, message=f"time {count}"))
            await idle()
    times = [line.rpartition(" ")[2] for line in logged(trial.logs, "web").splitlines()]
    assert times == ["1", "2", "4", "8", "16", "32", "64"]


@pytest.mark.parametrize(
    ("fields", "logged_"),
    [
        ({"type": "Normal", "reason": "Pulling", "message": "m"}, True),
        ({"type": "Normal", "reason": "Scheduled", "message": "m"}, False),
        ({"lastTimestamp": "2020-01-01T00:00:00Z", "message": "m"}, False),
    ],
)
async def test_only_events_that_matter_are_reported(trial: Trial, fields: Mapping[str, str], logged_: bool):
    async with running(trial.runtimes.run()):
        pod = trial.cluster.add_pod("web-1", owner=trial.deploy())
        await trial.status(RuntimeStatus.OK)
        trial.cluster.put(event("e1", pod, **fields))
        trial.cluster.put(event("e2", pod, message="last"))
        await until_logged(trial.logs, "last")
    assert ("[event: pod web-1] m" in logged(trial.logs)) is logged_


async def test_events_of_replica_sets_are_reported_and_those_of_strangers_are_not(trial: Trial):
    async with running(trial.runtimes.run()):
        owner = trial.deploy()
        stranger = trial.cluster.add_pod("stranger")
        await until(trial.store, lambda: trial.state().reason == "no pod yet")
        await idle()
        trial.cluster.put(event("e1", stranger, message="of a stranger"))
        trial.cluster.put(event("e2", owner, message="quota exceeded"))
        await until_logged(trial.logs, "quota exceeded")
    assert logged(trial.logs) == "[event: replicaset web-1] quota exceeded\n"


async def test_events_of_pods_that_were_found_by_their_labels_are_reported(trial: Trial):
    spec = kubernetes("web")
    assert isinstance(spec.deploy, KubernetesDeploy)
    deploy = replace(spec.deploy, extra_pod_selectors=((("app", "operated"),),))
    trial.store.change(Resource, "web", lambda each: replace(each, spec=replace(spec, deploy=deploy)))
    async with running(trial.runtimes.run()):
        trial.deploy()
        pod = trial.cluster.add_pod("operated-1", labels={"app": "operated"})
        await until(trial.store, lambda: trial.pods() == ["operated-1"])
        trial.cluster.put(event("e1", pod))
        await until_logged(trial.logs, "back-off restarting")
    assert logged(trial.logs, "web") == "[event: pod operated-1] back-off restarting\n"


async def test_an_event_that_comes_before_its_update_has_ended_is_reported_then(trial: Trial):
    async with running(trial.runtimes.run()):
        await eventually(lambda: len(trial.cluster.watched) == len(WATCHED))
        owner = trial.replica_set(trial.cluster.put(deployment("web")))
        pod = trial.cluster.add_pod("web-1", owner=owner)
        trial.cluster.put(event("e1", pod))
        await idle()
        assert logged(trial.logs) == ""
        trial.deploy()
        await until_logged(trial.logs, "back-off restarting")
        trial.cluster.reconnect()
        await idle()
    assert logged(trial.logs, "web") == "[event: pod web-1] back-off restarting\n"


async def test_local_resources_have_a_runtime_of_somebody_elses(trial: Trial):
    async with running(trial.runtimes.run()):
        await trial.status(RuntimeStatus.PENDING)
    assert trial.store.get(Runtime, "tool") is None


async def test_a_kind_that_the_cluster_does_not_have_ends_no_session(trial: Trial):
    trial.cluster.failing = ApplyError("the cluster has no kind `Pod` in `v1`")
    async with running(trial.runtimes.run()):
        owner = trial.deploy()
        trial.cluster.add_pod("web", owner=owner)
        await until_logged(trial.logs, "cannot watch Pod objects in namespace default: the cluster has no kind `Pod`")
        trial.cluster.failing = None
        await until(trial.store, lambda: trial.pods() == ["web"])


async def test_while_the_cluster_does_not_answer_what_is_known_is_stale(trial: Trial):
    async with running(trial.runtimes.run()):
        trial.cluster.add_pod("web-1", owner=trial.deploy())
        await trial.status(RuntimeStatus.OK)
        trial.store.change(ClusterState, "default", lambda each: replace(each, error="connection refused"))
        await until(trial.store, lambda: trial.state().stale == "connection refused")
        assert trial.state().status is RuntimeStatus.OK
        trial.store.change(ClusterState, "default", lambda each: replace(each, error=""))
        await until(trial.store, lambda: not trial.state().stale)


async def test_pods_that_cannot_be_watched_make_what_is_known_stale(trial: Trial):
    async with running(trial.runtimes.run()):
        owner = trial.deploy()
        trial.cluster.add_pod("web-1", owner=owner)
        await trial.status(RuntimeStatus.OK)
        trial.cluster.broken = "the answer is no list"
        trial.cluster.add_pod("web-2", owner=owner)
        await until(trial.store, lambda: "the answer is no list" in trial.state().stale)
        trial.cluster.broken = ""
        await until(trial.store, lambda: not trial.state().stale)
