"""The pods of a resource, or of a `KubernetesDiscovery`, as they are now."""

from collections.abc import Mapping

from pytilt.model.api.kubernetes_discoveries import KubernetesDiscovery
from pytilt.model.base import Value
from pytilt.model.names import ResourceName
from pytilt.model.objects import Runtime
from pytilt.model.pods import Pod
from pytilt.model.stored import Object
from pytilt.store.objects import Aspect, Store
from pytilt.views.discoveries import found_pods

POD_SOURCES = (Runtime, KubernetesDiscovery)
"""The kinds of objects that pods are found in."""


POD_ASPECTS: Mapping[type[Object], Aspect] = {Runtime: lambda runtime: (runtime.status.pods, runtime.status.leaving)}
"""What of them is read by those who look for pods: a runtime without any changes often, too."""


class PodSource(Value):
    """Whose pods are meant."""

    resource: ResourceName
    discovery: str = ""
    """Name of the KubernetesDiscovery whose pods they are; empty: those of the resource."""


class Pods(Value):
    """The pods of a source."""

    present: tuple[Pod, ...] = ()
    """Best first."""
    leaving: tuple[str, ...] = ()
    """Names of those that are still there but do not count any more."""


def pods_of(store: Store, source: PodSource) -> Pods | None:
    """The pods of a source; None where there is no such source."""
    if source.discovery:
        found = store.get(KubernetesDiscovery, source.discovery)
        return None if found is None else Pods(present=found_pods(found))
    runtime = store.get(Runtime, source.resource)
    return None if runtime is None else Pods(present=runtime.status.pods, leaving=runtime.status.leaving)
