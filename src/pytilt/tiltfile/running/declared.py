"""What a Tiltfile declared, as it said it: the input of the assembly."""

from collections.abc import Callable
from typing import Any

from pytilt.cluster.workloads import WorkloadKind
from pytilt.model.api.kinds import AnyApiObject
from pytilt.model.base import Value
from pytilt.model.commands import Command, Probe
from pytilt.model.files import FileRule, Ignore
from pytilt.model.images import Image, Registry
from pytilt.model.names import ImageName, ResourceName
from pytilt.model.resources import (
    CiSettings,
    ComposeProject,
    DeployCommands,
    ImageLocator,
    KubeObject,
    Link,
    PodReadiness,
    PortForwardSpec,
    PruneSettings,
    UpdateSettings,
)
from pytilt.tiltfile.arguments.values import Mode

WorkloadName = Callable[[KubeObject], str]
"""Names the resource of a workload."""


class ResourceOptions(Value):
    """A call of `k8s_resource`."""

    name: str
    """Of the workload, or of the group that is made of `objects`."""
    grouped: bool = False
    """Is it a group of plain objects, without a workload?"""
    new_name: str = ""
    port_forwards: tuple[PortForwardSpec, ...] = ()
    extra_pod_selectors: tuple[tuple[tuple[str, str], ...], ...] = ()
    trigger_mode: Mode | None = None
    resource_deps: tuple[str, ...] = ()
    each_update: tuple[str, ...] = ()
    debounce_seconds: float | None = None
    objects: tuple[str, ...] = ()
    auto_init: bool | None = None
    pod_readiness: PodReadiness | None = None
    repair_drift: bool | None = None
    links: tuple[Link, ...] = ()
    labels: tuple[str, ...] = ()
    selectors_only: bool | None = None
    own: tuple[KubeObject, ...] = ()
    """In the form of 2019: the objects that make up the resource."""
    image: ImageName | None = None
    """In that form: an image that they run."""
    position: str = ""


class DeclaredLocal(Value):
    """A call of `local_resource`."""

    name: str
    update: Command | None = None
    serve: Command | None = None
    teardown: Command | None = None
    directory: str
    """Of the file that called."""
    deps: tuple[str, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    trigger_mode: Mode | None = None
    auto_init: bool = True
    resource_deps: tuple[str, ...] = ()
    each_update: tuple[str, ...] = ()
    debounce_seconds: float = 0.0
    allow_parallel: bool = False
    links: tuple[Link, ...] = ()
    labels: tuple[str, ...] = ()
    readiness_probe: Probe | None = None


class DeclaredDeploy(Value):
    """A call of `k8s_custom_deploy`."""

    name: ResourceName
    commands: DeployCommands
    files: FileRule
    image_deps: tuple[ImageName, ...] = ()
    """The images that are built before the command runs, in the order of its variables."""
    images: tuple[ImageName, ...] = ()
    """These, and the image that is updated in place."""


class DeclaredService:
    """A service of Docker Compose; `dc_resource` changes it.

    Args:
        name: of the resource.
        service: its name in the files.
    """

    def __init__(self, name: ResourceName, service: str) -> None:
        self.name = name
        self.service = service
        self.config: dict[str, Any] = {}
        self.config_image = ImageName("")
        self.ignores: tuple[Ignore, ...] = ()
        self.image: ImageName | None = None
        self.trigger_mode: Mode | None = None
        self.infer_links = True
        self.auto_init = True
        self.links: tuple[Link, ...] = ()
        self.labels: tuple[str, ...] = ()
        self.resource_deps: tuple[str, ...] = ()


class DeclaredProject:
    """A project of Docker Compose with its services.

    Args:
        project: which files.
        file: the Tiltfile that named them.
    """

    def __init__(self, project: ComposeProject, file: str) -> None:
        self.project = project
        self.file = file
        self.services: list[DeclaredService] = []

    def rename(self, service: DeclaredService, name: ResourceName) -> None:
        """Give a service another name, also where others depend on it."""
        old, service.name = service.name, name
        for other in self.services:
            other.resource_deps = tuple(name if dep == old else dep for dep in other.resource_deps)


class UnusedStep(Value):
    """A step of a live update that no live update took."""

    position: str
    shown: str
    type_name: str


class EnabledResources(Value):
    """Which resources the Tiltfile asked to run."""

    names: tuple[str, ...] | None = None
    """None: it did not say."""
    none: bool = False
    """`config.clear_enabled_resources()`."""


class ScriptResult(Value):
    """Everything that one run of the Tiltfile declared, each kind in the order of the calls."""

    images: tuple[Image, ...] = ()
    """Without what only the assembly can know: base images, and whether they are deployed."""
    objects: tuple[KubeObject, ...] = ()
    options: tuple[ResourceOptions, ...] = ()
    locals: tuple[DeclaredLocal, ...] = ()
    composes: tuple[DeclaredProject, ...] = ()
    deploys: tuple[DeclaredDeploy, ...] = ()
    kinds: tuple[WorkloadKind, ...] = ()
    locators: tuple[ImageLocator, ...] = ()
    api_objects: tuple[AnyApiObject, ...] = ()
    workload_name: WorkloadName | None = None
    workload_name_place: str = ""
    """Where the Tiltfile says so."""
    trigger_mode: Mode = Mode.AUTO
    unused_steps: tuple[UnusedStep, ...] = ()
    default_registry: Registry | None = None
    allowed_contexts: tuple[str, ...] = ()
    enabled: EnabledResources = EnabledResources()
    settings_parsed: bool = False
    """Was `config.parse` called, so that the words of the command line are not names of resources?"""
    ignores: tuple[Ignore, ...] = ()
    updates: UpdateSettings = UpdateSettings()
    suppressed_warnings: tuple[str, ...] = ()
    """Images whose being unused is no surprise; `*` for all."""
    ci: CiSettings = CiSettings()
    prune: PruneSettings = PruneSettings()
    snapshots: bool = True
    scrub_secrets: bool = True
    shown_secrets: frozenset[str] = frozenset()
    """Values of Secrets that are none."""
    environ: tuple[tuple[str, str], ...] = ()
    """The variables that the Tiltfile set, sorted by name; every command gets them."""
