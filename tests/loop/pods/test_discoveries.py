import pytest
from msgspec.structs import replace

from pytilt.cluster import objects
from pytilt.cluster.seam import ContainerRef
from pytilt.loop.pods.discoveries import matching
from pytilt.loop.pods.pod_logs import PodLogs
from pytilt.loop.pods.runtimes import Runtimes
from pytilt.model.api.kubernetes_discoveries import (
    Forward,
    KubernetesDiscovery,
    KubernetesDiscoverySpec,
    KubernetesWatchRef,
    LabelSelector,
    LabelSelectorRequirement,
    PodLogStreamTemplateSpec,
    PortForwardTemplateSpec,
)
from pytilt.model.objects import ClusterState, PortForward
from pytilt.model.pods import Pod
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.cluster import FakeCluster
from pytilt.testing.containers import FakeContainers
from tests.idle import eventually
from tests.loop.declaring import deployment, plain, prepare
from tests.loop.waiting import logged, running, until, until_logged

LATER = "2999-01-01T00:00:00.000000000Z"
MINE = LabelSelector(match_labels={"app": "web"})


class Trial:
    """Discoveries on a cluster in memory."""

    def __init__(self, store: Store, logs: LogStore) -> None:
        prepare(store)
        self.store, self.logs, self.cluster, self.containers = store, logs, FakeCluster(), FakeContainers()
        self.runtimes = Runtimes(store, logs, self.cluster, "localhost")
        self.pod_logs = PodLogs(store, logs, self.containers)

    def declare(self, **spec: object) -> None:
        made = KubernetesDiscoverySpec(**spec)  # type: ignore[arg-type]  # each test gives what fits
        self.store.put(KubernetesDiscovery(name="x", annotations={"tilt.dev/resource": "web"}, spec=made))

    def found(self) -> KubernetesDiscovery:
        found = self.store.get(KubernetesDiscovery, "x")
        assert found
        return found

    def pods(self) -> list[str]:
        return [pod.name for pod in self.found().status.pods]


@pytest.fixture
def trial(store: Store, logs: LogStore) -> Trial:
    return Trial(store, logs)


async def test_the_pods_of_an_object_are_found_logged_and_reached(trial: Trial):
    owner = trial.cluster.put(deployment("web"))
    trial.declare(
        watches=(KubernetesWatchRef(uid=objects.uid(owner), namespace="default"),),
        port_forward_template_spec=PortForwardTemplateSpec(forwards=(Forward(local_port=8000, container_port=80),)),
    )
    async with running(trial.runtimes.run(), trial.pod_logs.run()):
        trial.cluster.add_pod("web-1", owner=owner)
        trial.cluster.add_pod("other")
        await until(trial.store, lambda: trial.pods() == ["web-1"])
        status = trial.found().status
        assert (status.running, status.waiting) != (None, None)
        container = status.pods[0].containers[0].name
        trial.containers.write_log(
            ContainerRef(namespace="default", pod="web-1", container=container), "hello", time=LATER
        )
        await until_logged(trial.logs, "hello")
        forward = trial.store.get(PortForward, "discovery:x:8000")
        trial.store.delete(KubernetesDiscovery, "x")
        await until(trial.store, lambda: not trial.store.snapshot().all(PortForward))
    assert "hello" in logged(trial.logs, "web")
    assert forward
    assert (forward.discovery, forward.resource, forward.spec.container_port) == ("x", "web", 80)


async def test_labels_find_pods_in_its_namespaces_which_are_watched(trial: Trial):
    trial.declare(watches=(KubernetesWatchRef(namespace="far"),), extra_selectors=(MINE,))
    async with running(trial.runtimes.run()):
        await eventually(lambda: bool(trial.cluster.watched))
        for namespace in ("far", "default"):
            trial.cluster.put(plain("Pod", f"in-{namespace}", namespace=namespace, labels={"app": "web"}))
        await until(trial.store, lambda: trial.pods() == ["in-far"])


async def test_only_the_containers_that_are_asked_for_are_logged(trial: Trial):
    owner = trial.cluster.put(deployment("web"))
    template = PodLogStreamTemplateSpec(only_containers=("nobody",))
    watches = (KubernetesWatchRef(uid=objects.uid(owner), namespace="default"),)
    trial.declare(watches=watches, pod_log_stream_template_spec=template)
    async with running(trial.runtimes.run(), trial.pod_logs.run()):
        trial.cluster.add_pod("web-1", owner=owner)
        await until(trial.store, lambda: trial.pods() == ["web-1"])
        assert not trial.containers.followed
        trial.declare(watches=watches)
        await eventually(lambda: bool(trial.containers.followed))


async def test_it_says_what_it_waits_for(trial: Trial):
    odd = LabelSelector(match_expressions=(LabelSelectorRequirement(key="a", operator="Like", values=("b",)),))
    trial.declare(extra_selectors=(odd,))
    async with running(trial.runtimes.run()):
        waiting = await until(trial.store, lambda: trial.found().status.waiting)
        assert waiting.reason == 'invalid label selectors: "Like" is not a valid label selector operator'
        trial.store.change(ClusterState, "default", lambda each: replace(each, info=None))
        trial.declare(extra_selectors=(MINE,))
        await until(trial.store, lambda: (now := trial.found().status.waiting) and now.reason == "ClusterUnavailable")
    assert logged(trial.logs, "web").count("kubernetesdiscovery x: invalid label selectors") == 1


def test_a_pod_is_meant_by_its_own_uid_too():
    pod = Pod(name="a", namespace="n", uid="u1", created_at="")
    spec = KubernetesDiscoverySpec(watches=(KubernetesWatchRef(uid="u1", namespace="n"),))
    assert matching(spec, [pod], {}) == (pod,)
    assert matching(spec, [replace(pod, uid="u2")], {}) == ()
