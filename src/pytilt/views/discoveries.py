"""The pods of resources as the API shows them: a `KubernetesDiscovery` for every resource of a cluster. Pure."""

from collections.abc import Iterable

from pytilt.model.api.kubernetes_discoveries import (
    DiscoveredContainer,
    DiscoveredPod,
    DiscoveryRunning,
    KubernetesDiscovery,
    KubernetesDiscoverySpec,
    KubernetesDiscoveryStatus,
    KubernetesWatchRef,
    LabelSelector,
)
from pytilt.model.objects import Resource, Runtime
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.model.resources import KubernetesDeploy


def discovery(resource: Resource, runtime: Runtime | None) -> KubernetesDiscovery | None:
    """What is looked for because of a resource, and what was found; None for one that is in no cluster."""
    deploy = resource.spec.deploy
    if not isinstance(deploy, KubernetesDeploy):
        return None
    spec = KubernetesDiscoverySpec(
        watches=tuple(KubernetesWatchRef(namespace=ref.namespace, name=ref.name) for ref in resource.status.applied),
        extra_selectors=tuple(LabelSelector(match_labels=dict(each)) for each in deploy.extra_pod_selectors),
        cluster="default",
    )
    pods = tuple(_pod(each) for each in runtime.status.pods) if runtime is not None else ()
    return KubernetesDiscovery(
        name=resource.name,
        version=max(resource.version, runtime.version if runtime is not None else 0),
        created_at=resource.created_at,
        owner=resource.owner,
        spec=spec,
        status=KubernetesDiscoveryStatus(
            monitor_start_time=resource.created_at, pods=pods, running=DiscoveryRunning(start_time=resource.created_at)
        ),
    )


def _pod(pod: Pod) -> DiscoveredPod:
    return DiscoveredPod(
        name=pod.name,
        namespace=pod.namespace,
        uid=pod.uid,
        created_at=pod.created_at,
        phase=pod.phase,
        status=pod.status or pod.phase,
        deleting=pod.deleting,
        containers=_containers(each for each in pod.containers if not each.init),
        init_containers=_containers(each for each in pod.containers if each.init),
    )


def _containers(containers: Iterable[Container]) -> tuple[DiscoveredContainer, ...]:
    return tuple(
        DiscoveredContainer(
            name=each.name,
            image=each.image,
            id=each.id,
            ready=each.ready,
            restarts=each.restarts,
            ports=each.ports,
            state={each.state.value: _state(each)},
        )
        for each in containers
    )


def _state(container: Container) -> dict[str, str | int]:
    if container.state is ContainerState.RUNNING:
        return {"startedAt": container.started_at}
    if container.state is ContainerState.WAITING:
        return {"reason": container.reason}
    return {"startedAt": container.started_at, "reason": container.reason, "exitCode": container.exit_code or 0}
