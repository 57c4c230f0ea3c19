"""What a Tiltfile declared: resources, settings, and all of it together."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Any

from pytilt.model.base import Value
from pytilt.model.commands import Command, Probe
from pytilt.model.files import FileRule, Ignore
from pytilt.model.images import Image, Registry
from pytilt.model.names import ImageName, ResourceName

KubeObject = Mapping[str, Any]
"""A Kubernetes object as YAML has it. It is never changed; a changed one is a new mapping."""


class TriggerMode(IntEnum):
    """When a resource updates; the numbers are those of Tilt's API (`status.triggerMode`)."""

    AUTO = 0
    MANUAL = 1
    """Starts by itself, then only on a trigger."""
    MANUAL_NO_INIT = 2
    AUTO_NO_INIT = 3
    """A change or a trigger starts it, nothing else."""

    @property
    def auto_init(self) -> bool:
        """Does the first update start by itself?"""
        return self in (TriggerMode.AUTO, TriggerMode.MANUAL)

    @property
    def auto(self) -> bool:
        """Does a change start an update?"""
        return self in (TriggerMode.AUTO, TriggerMode.AUTO_NO_INIT)


class PodReadiness(StrEnum):
    """What the pods of a resource must reach for it to be ready."""

    WAIT = "wait"
    IGNORE = "ignore"
    SUCCEEDED = "succeeded"


class Link(Value):
    """A URL that belongs to a resource."""

    url: str
    name: str = ""


class PortForward(Value):
    """A port of this machine that leads to a port of a resource's pod."""

    local_port: int
    container_port: int = 0
    """0: the container's port of the same number if it has one, else its first, else `local_port`."""
    host: str = ""
    """Where to listen; empty: where the session's web server listens."""
    name: str = ""
    path: str = ""


class ImageLocator(Value):
    """A place in objects of some kind where an image reference stands (`k8s_kind`, `k8s_image_json_path`)."""

    kind: str = ""
    api_version: str = ""
    name: str = ""
    namespace: str = ""
    paths: tuple[str, ...] = ()
    object_path: str = ""
    repo_field: str = ""
    tag_field: str = ""


class KubernetesDeploy(Value, tag="kubernetes"):
    """A resource that lives in the cluster."""

    objects: tuple[KubeObject, ...]
    """In the order in which they are listed for people."""
    images: tuple[ImageName, ...] = ()
    """The images its objects name, of those that the Tiltfile builds."""
    port_forwards: tuple[PortForward, ...] = ()
    pod_readiness: PodReadiness = PodReadiness.WAIT
    extra_pod_selectors: tuple[tuple[tuple[str, str], ...], ...] = ()
    """Each a conjunction of label pairs; any may match."""
    selectors_only: bool = False
    locators: tuple[ImageLocator, ...] = ()
    workload: str = ""
    """`Kind/name` of the workload the resource was made for; empty for a group of plain objects."""


class LocalDeploy(Value, tag="local"):
    """A resource of processes on this machine (`local_resource`)."""

    update: Command | None = None
    serve: Command | None = None
    files: FileRule = FileRule()
    allow_parallel: bool = False
    readiness_probe: Probe | None = None


class Resource(Value):
    """One row of the display: built, deployed, watched and shown as one."""

    name: ResourceName
    deploy: KubernetesDeploy | LocalDeploy
    images: tuple[Image, ...] = ()
    """Every image it needs, base images first."""
    labels: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    trigger_mode: TriggerMode = TriggerMode.AUTO
    resource_deps: tuple[ResourceName, ...] = ()

    @property
    def files(self) -> tuple[FileRule, ...]:
        """Every set of files whose change makes this resource stale."""
        own = (self.deploy.files,) if isinstance(self.deploy, LocalDeploy) else ()
        return (*(image.files for image in self.images), *own)


class UpdateSettings(Value):
    """`update_settings`: how updates are run."""

    max_parallel_updates: int = 3
    apply_timeout_seconds: int = 30


class CiSettings(Value):
    """`ci_settings`: how long `tilt ci` waits, in seconds; 0 means no limit."""

    grace_period_seconds: float = 0.0
    timeout_seconds: float = 1800.0
    readiness_timeout_seconds: float = 300.0


class Declaration(Value):
    """What one evaluation of the Tiltfile produced."""

    resources: tuple[Resource, ...] = ()
    enabled: tuple[ResourceName, ...] = ()
    """The resources to run; the others are listed but disabled."""
    config_files: tuple[str, ...] = ()
    """Absolute paths whose change asks for another evaluation, sorted."""
    ignores: tuple[Ignore, ...] = ()
    """Apply to every watch: `.tiltignore` and `watch_settings`."""
    default_registry: Registry | None = None
    updates: UpdateSettings = UpdateSettings()
    ci: CiSettings = CiSettings()
    secrets: tuple[tuple[str, str], ...] = ()
    """Values to keep out of logs and what to print instead, longest first."""
    warnings: tuple[str, ...] = ()
