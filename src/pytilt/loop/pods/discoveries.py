"""`KubernetesDiscovery` objects: which pods they mean, and the ports of this machine that lead to those."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from pytilt.cluster import ownership, selecting
from pytilt.cluster.ownership import Intermediate
from pytilt.model.api.kubernetes_discoveries import (
    DiscoveryRunning,
    DiscoveryWaiting,
    KubernetesDiscovery,
    KubernetesDiscoverySpec,
    KubernetesDiscoveryStatus,
)
from pytilt.model.api.metadata import RESOURCE_ANNOTATION
from pytilt.model.clusters import DEFAULT_CLUSTER
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import ClusterState, PortForward
from pytilt.model.pods import Pod
from pytilt.model.resources import PortForwardSpec
from pytilt.model.stored import Owner
from pytilt.store.logs import LogStore
from pytilt.store.objects import Snapshot, Store
from pytilt.views.discoveries import discovered_pod

UNAVAILABLE = "ClusterUnavailable"
"""Why nothing can be looked for; Tilt's word."""


class Discoveries:
    """Writes the status of every KubernetesDiscovery, and its port forwards.

    Args:
        store: the session's objects.
        logs: takes what is wrong with one.
    """

    def __init__(self, store: Store, logs: LogStore) -> None:
        self._store = store
        self._logs = logs

    def namespaces(self, default: str) -> set[str]:
        """Where pods are looked for."""
        found = self._store.snapshot().all(KubernetesDiscovery)
        return {namespace for each in found for namespace in _namespaces(each.spec) or (default,)}

    def turn(self, pods: Iterable[Pod], owners: Mapping[str, Intermediate]) -> None:
        """Write what is found now.

        Args:
            pods: all that are known.
            owners: what is known of objects between applied ones and pods, by uid.
        """
        discoveries = self._store.snapshot().named(KubernetesDiscovery)
        known = tuple(pods) if discoveries else ()
        for each in discoveries.values():
            self._write(each, known, owners)
        self._put_forwards(discoveries)

    def _write(self, each: KubernetesDiscovery, pods: tuple[Pod, ...], owners: Mapping[str, Intermediate]) -> None:
        problem = _problem(each.spec, self._store.snapshot())
        if problem:
            status = KubernetesDiscoveryStatus(waiting=DiscoveryWaiting(reason=problem))
            if each.status.waiting != status.waiting and problem != UNAVAILABLE:
                span = self._logs.span(_resource(each), SpanId(f"kubernetesdiscovery:{each.name}"))
                span(f"kubernetesdiscovery {each.name}: {problem}\n", level=Level.ERROR)
        else:
            began = each.status.monitor_start_time or self._store.now()
            status = KubernetesDiscoveryStatus(
                monitor_start_time=began,
                running=DiscoveryRunning(start_time=began),
                pods=tuple(discovered_pod(pod) for pod in matching(each.spec, pods, owners)),
            )
        self._store.put(replace(each, status=status))

    def _put_forwards(self, discoveries: Mapping[str, KubernetesDiscovery]) -> None:
        wanted = {forward.name: forward for each in discoveries.values() for forward in _forwards(each)}
        for forward in self._store.snapshot().all(PortForward):
            if forward.discovery and forward.name not in wanted:
                self._store.delete(PortForward, forward.name)
        for name, forward in wanted.items():
            before = self._store.get(PortForward, name)
            self._store.put(forward if before is None else replace(forward, status=before.status))


def matching(spec: KubernetesDiscoverySpec, pods: Iterable[Pod], owners: Mapping[str, Intermediate]) -> tuple[Pod, ...]:
    """The pods that a discovery means, best first.

    Args:
        spec: what it looks for.
        pods: all that are known.
        owners: what is known of objects between applied ones and pods, by uid.
    """
    uids = {each.uid for each in spec.watches if each.uid}
    namespaces = _namespaces(spec)

    def is_meant(pod: Pod) -> bool:
        if uids and not uids.isdisjoint(ownership.ancestors(pod, owners)):
            return True
        if namespaces and pod.namespace not in namespaces:
            return False
        return any(selecting.selects(each, dict(pod.labels)) for each in spec.extra_selectors)

    return ownership.best_first(pod for pod in pods if is_meant(pod))


def _problem(spec: KubernetesDiscoverySpec, state: Snapshot) -> str:
    """Why nothing can be looked for; empty when it can."""
    wrong = next(filter(None, map(selecting.selector_problem, spec.extra_selectors)), "")
    if wrong:
        return f"invalid label selectors: {wrong}"
    cluster = state.get(ClusterState, spec.cluster or DEFAULT_CLUSTER)
    return UNAVAILABLE if cluster is None or cluster.info is None else ""


def _namespaces(spec: KubernetesDiscoverySpec) -> set[str]:
    return {each.namespace for each in spec.watches}


def _resource(each: KubernetesDiscovery) -> ResourceName:
    return ResourceName(each.annotations.get(RESOURCE_ANNOTATION, ""))


def _forwards(each: KubernetesDiscovery) -> Iterator[PortForward]:
    template = each.spec.port_forward_template_spec
    for forward in template.forwards if template is not None else ():
        spec = PortForwardSpec(
            local_port=forward.local_port or forward.container_port,
            container_port=forward.container_port,
            host=forward.host,
            name=forward.name,
            path=forward.path,
        )
        yield PortForward(
            name=f"discovery:{each.name}:{spec.local_port}",
            resource=_resource(each),
            discovery=each.name,
            spec=spec,
            owner=Owner(kind=KubernetesDiscovery.kind, name=each.name),
        )
