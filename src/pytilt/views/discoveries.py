"""Pods as the API shows them: a `KubernetesDiscovery` for every resource of a cluster; and what was found. Pure."""

from collections.abc import Iterable, Iterator

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


def discovery(resource: Resource, runtime: Runtime | None) -> KubernetesDiscovery | None:
    """What is looked for because of a resource, and what was found; None for one that is in no cluster."""
    deploy = resource.spec.deploy
    if not deploy.in_cluster:
        return None
    spec = KubernetesDiscoverySpec(
        watches=tuple(KubernetesWatchRef(namespace=ref.namespace, name=ref.name) for ref in resource.status.applied),
        extra_selectors=tuple(LabelSelector(match_labels=dict(each)) for each in deploy.extra_pod_selectors),
        cluster="default",
    )
    pods = tuple(discovered_pod(each) for each in runtime.status.pods) if runtime is not None else ()
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


def found_pods(found: KubernetesDiscovery) -> tuple[Pod, ...]:
    """The pods that a discovery has found, as the session knows pods."""
    return tuple(
        Pod(
            name=each.name,
            namespace=each.namespace,
            uid=each.uid,
            created_at=each.created_at,
            phase=each.phase,
            status=each.status,
            deleting=each.deleting,
            containers=(*_found(each.init_containers, init=True), *_found(each.containers, init=False)),
        )
        for each in found.status.pods
    )


def _found(containers: Iterable[DiscoveredContainer], *, init: bool) -> Iterator[Container]:
    for each in containers:
        state, about = next(iter(each.state.items()), (ContainerState.WAITING, {}))
        yield Container(
            name=each.name,
            image=each.image,
            id=each.id,
            init=init,
            state=ContainerState(state),
            reason=str(about.get("reason", "")),
            ready=each.ready,
            restarts=each.restarts,
            ports=each.ports,
        )


def discovered_pod(pod: Pod) -> DiscoveredPod:
    """A pod as the API shows it."""
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
