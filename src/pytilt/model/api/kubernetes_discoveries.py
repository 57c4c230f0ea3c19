"""`KubernetesDiscovery`: pods to look for, and those that were found."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from pytilt.model.api.metadata import ApiObject
from pytilt.model.base import Value


class LabelSelectorRequirement(Value):
    """A condition on one label."""

    key: str = ""
    """Of the label."""
    operator: str = ""
    """`In`, `NotIn`, `Exists` or `DoesNotExist`."""
    values: tuple[str, ...] = ()
    """For `In` and `NotIn`."""


class LabelSelector(Value):
    """Conditions on labels, all of which must hold."""

    match_labels: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Labels, and the values that they must have."""
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()


class KubernetesWatchRef(Value):
    """An object of the cluster, or a whole namespace, whose pods are looked for."""

    uid: str = ""
    """Of the object; empty: all pods of the namespace that the selectors choose."""
    namespace: str = ""
    """Of the object."""
    name: str = ""
    """Of the object, for people."""


class Forward(Value):
    """A port of this machine that leads into a pod."""

    local_port: int = 0
    """Of this machine; 0: one that is free."""
    container_port: int = 0
    """Of the pod; 0: the first one that it has."""
    host: str = ""
    """The address of this machine that listens; empty: localhost."""
    name: str = ""
    """What the link is called."""
    path: str = ""
    """The path of the link."""


class PortForwardTemplateSpec(Value):
    """The ports that lead into the best pod that was found."""

    forwards: tuple[Forward, ...] = ()


class PodLogStreamTemplateSpec(Value):
    """Whose logs are shown of the pods that were found."""

    since_time: str | None = None
    """Leave out older lines, RFC 3339."""
    only_containers: tuple[str, ...] = ()
    """Only containers of these names."""
    ignore_containers: tuple[str, ...] = ()
    """No containers of these names."""


class KubernetesDiscoverySpec(Value):
    """Which pods."""

    watches: tuple[KubernetesWatchRef, ...] = ()
    extra_selectors: tuple[LabelSelector, ...] = ()
    port_forward_template_spec: PortForwardTemplateSpec | None = None
    pod_log_stream_template_spec: PodLogStreamTemplateSpec | None = None
    cluster: str = ""
    """Where they are; empty: the default one."""


class DiscoveryWaiting(Value):
    """Nothing can be looked for yet."""

    reason: str = ""
    """Why not."""


class DiscoveryRunning(Value):
    """Pods are looked for."""

    start_time: str = ""
    """Since when, RFC 3339."""


class DiscoveredContainer(Value):
    """A container of a pod."""

    name: str
    """Of the container."""
    image: str
    """That it runs."""
    ready: bool
    """Is it?"""
    restarts: int
    """How often it began again."""
    id: str = ""
    """Of the container's runtime."""
    state: Mapping[str, Mapping[str, str | int]] = msgspec.field(default_factory=dict)
    """`waiting`, `running` or `terminated`, with what the cluster says of it."""
    ports: tuple[int, ...] = ()
    """That it declares."""


class DiscoveredPod(Value):
    """A pod."""

    name: str
    """Of the pod."""
    namespace: str
    """Of the pod."""
    phase: str
    """`Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`."""
    status: str
    """As `kubectl get pods` shows it: `CrashLoopBackOff`."""
    deleting: bool
    """Is it on its way out?"""
    containers: tuple[DiscoveredContainer, ...]
    uid: str = ""
    """Of the pod."""
    created_at: str = ""
    """RFC 3339."""
    init_containers: tuple[DiscoveredContainer, ...] = ()
    pod_template_spec_hash: str = ""
    """Of the template that it was made of."""


class KubernetesDiscoveryStatus(Value):
    """The pods that were found, best first."""

    monitor_start_time: str = ""
    """Since when they are looked for, RFC 3339."""
    pods: tuple[DiscoveredPod, ...] = ()
    waiting: DiscoveryWaiting | None = None
    running: DiscoveryRunning | None = None


class KubernetesDiscovery(ApiObject):
    """Pods to look for. The spec is written by the declarer, the status by the session."""

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
