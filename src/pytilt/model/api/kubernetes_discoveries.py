"""`KubernetesDiscovery`: pods to look for, and those that were found."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from pytilt.model.api.metadata import ApiObject
from pytilt.model.base import Value


class LabelSelectorRequirement(Value):
    """A condition on one label."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class LabelSelector(Value):
    """Conditions on labels, all of which must hold."""

    match_labels: Mapping[str, str] = msgspec.field(default_factory=dict)
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()


class KubernetesWatchRef(Value):
    """An object of the cluster, or a whole namespace, whose pods are looked for."""

    uid: str = ""
    namespace: str = ""
    name: str = ""


class Forward(Value):
    """A port of this machine that leads into a pod."""

    local_port: int = 0
    container_port: int = 0
    host: str = ""
    name: str = ""
    path: str = ""


class PortForwardTemplateSpec(Value):
    """The ports that lead into the best pod that was found."""

    forwards: tuple[Forward, ...] = ()


class PodLogStreamTemplateSpec(Value):
    """Whose logs are shown of the pods that were found."""

    since_time: str | None = None
    only_containers: tuple[str, ...] = ()
    ignore_containers: tuple[str, ...] = ()


class KubernetesDiscoverySpec(Value):
    """Which pods."""

    watches: tuple[KubernetesWatchRef, ...] = ()
    extra_selectors: tuple[LabelSelector, ...] = ()
    port_forward_template_spec: PortForwardTemplateSpec | None = None
    pod_log_stream_template_spec: PodLogStreamTemplateSpec | None = None
    cluster: str = ""


class DiscoveryWaiting(Value):
    """Nothing can be looked for yet."""

    reason: str = ""


class DiscoveryRunning(Value):
    """Pods are looked for."""

    start_time: str = ""


class DiscoveredContainer(Value):
    """A container of a pod."""

    name: str
    image: str
    ready: bool
    restarts: int
    id: str = ""
    state: Mapping[str, Mapping[str, str | int]] = msgspec.field(default_factory=dict)
    ports: tuple[int, ...] = ()


class DiscoveredPod(Value):
    """A pod."""

    name: str
    namespace: str
    phase: str
    status: str
    deleting: bool
    containers: tuple[DiscoveredContainer, ...]
    uid: str = ""
    created_at: str = ""
    init_containers: tuple[DiscoveredContainer, ...] = ()
    pod_template_spec_hash: str = ""


class KubernetesDiscoveryStatus(Value):
    """The pods that were found, best first."""

    monitor_start_time: str = ""
    pods: tuple[DiscoveredPod, ...] = ()
    waiting: DiscoveryWaiting | None = None
    running: DiscoveryRunning | None = None


class KubernetesDiscovery(ApiObject):
    """Pods to look for. The spec is written by the declarer, the status by `loop.discoveries`."""

    kind: ClassVar[str] = "KubernetesDiscovery"

    spec: KubernetesDiscoverySpec = KubernetesDiscoverySpec()
    status: KubernetesDiscoveryStatus = KubernetesDiscoveryStatus()

    def problems(self) -> tuple[str, ...]:
        """Something has to be looked for, in some namespace."""
        if not self.spec.watches and not self.spec.extra_selectors:
            return ("spec.watches: Required value: One or more watches or extraSelectors are required",)
        return tuple(
            f"spec.watches[{index}]: Required value: Namespace must be provided"
            for index, each in enumerate(self.spec.watches)
            if not each.namespace
        )
