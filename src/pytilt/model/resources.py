"""What a Tiltfile declared: resources, settings, and all of it together."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Any, ClassVar

from msgspec.structs import replace

from pytilt.model.api.kinds import AnyApiObject
from pytilt.model.base import Value
from pytilt.model.commands import Command, Probe
from pytilt.model.files import FileRule, Ignore
from pytilt.model.images import HelperMode, Image, Registry
from pytilt.model.names import ImageName, ResourceName
from pytilt.model.updates import Strategy

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
    error: str = ""
    """Why it leads nowhere at this moment; empty when it may be offered."""
    bare: bool = False
    """Was it written without a scheme?"""


class PortForwardSpec(Value):
    """A port of this machine that leads to a port of a resource's pod."""

    local_port: int
    container_port: int = 0
    """0: the container's port of the same number if it has one, else its first, else `local_port`."""
    host: str = ""
    """Where to listen; empty: where the session's web server listens."""
    name: str = ""
    path: str = ""


class ImageLocator(Value):
    """A place in objects of some kind that holds an image reference (`k8s_kind`, `k8s_image_json_path`)."""

    kind: str = ""
    api_version: str = ""
    name: str = ""
    namespace: str = ""
    paths: tuple[str, ...] = ()
    object_path: str = ""
    repo_field: str = ""
    tag_field: str = ""


class Deploy(Value):
    """What all ways to run a resource are asked, with the answers of one that has nothing of it."""

    target_type: ClassVar[str]
    """Tilt's word for it (`status.specs[].type` of a UIResource)."""
    in_cluster: ClassVar[bool] = False
    """Is it deployed to the cluster, so that nothing can be done while that cannot be reached?"""
    strategy: ClassVar[Strategy]
    """Of an update that does not happen in place."""
    runs_commands: ClassVar[bool] = False
    """Do commands of the user's run when it is updated? They may change the files that it depends on."""
    runtime_target: ClassVar[str] = "runtime"
    """Tilt's word for what goes on running, in the targets of a session."""

    @property
    def objects(self) -> tuple[KubeObject, ...]:
        """The objects that it declares."""
        return ()

    @property
    def images(self) -> tuple[ImageName, ...]:
        """The images its objects name, of those that the Tiltfile builds."""
        return ()

    @property
    def names_containers(self) -> bool:
        """Do its objects alone say which containers run its images?"""
        return False

    @property
    def extra_pod_selectors(self) -> tuple[tuple[tuple[str, str], ...], ...]:
        """Labels of pods that are its own, beside those that its objects lead to."""
        return ()

    @property
    def repair_drift(self) -> bool | None:
        """Is what others delete or change applied again? None: as `update_settings` says."""
        return False

    @property
    def commands(self) -> "DeployCommands | None":
        """The user's own commands that deploy it, where it is not deployed from `objects`."""
        return None

    @property
    def update(self) -> Command | None:
        """The command of the user's that is its update, which is listed as a Cmd."""
        return None

    @property
    def serve(self) -> Command | None:
        """The command of the user's that goes on running."""
        return None

    @property
    def teardown(self) -> Command | None:
        """The command of the user's that undoes outside of the cluster what its updates did."""
        return None

    @property
    def targets(self) -> tuple[Image, ...]:
        """The images that it alone lists, beside those of its resource."""
        return ()

    @property
    def files(self) -> FileRule:
        """The files beside those of its images whose change makes it stale."""
        return FileRule()

    @property
    def port_forwards(self) -> tuple[PortForwardSpec, ...]:
        """Ports of this machine that lead to it."""
        return ()

    @property
    def updates(self) -> bool:
        """Is there anything to do when it is updated?"""
        return True

    @property
    def parallel(self) -> bool:
        """May other updates run beside its own?"""
        return True

    @property
    def ready_without_pods(self) -> bool:
        """Is it ready as soon as it is deployed, whether or not pods come of it?"""
        return False

    @property
    def has_runtime(self) -> bool:
        """Does anything go on running after its update?"""
        return True

    @property
    def runs_to_end(self) -> bool:
        """Is it ready once what runs has ended well?"""
        return False

    @property
    def definition(self) -> Value:
        """All of it that asks for an update when it changes."""
        return self


class DeployCommands(Value):
    """How the user's own commands deploy a resource (`k8s_custom_deploy`)."""

    apply: Command
    """Prints the YAML of the objects that it applied."""
    delete: Command
    files: FileRule = FileRule()
    """The files whose change asks for another run, beside those of the images."""


class KubernetesDeploy(Deploy, tag="kubernetes"):
    """A resource that lives in the cluster."""

    target_type: ClassVar[str] = "k8s"
    in_cluster: ClassVar[bool] = True
    strategy: ClassVar[Strategy] = Strategy.FULL

    objects: tuple[KubeObject, ...]
    """In the order in which they are listed for people."""
    images: tuple[ImageName, ...] = ()
    """The images its objects name, of those that the Tiltfile builds."""
    port_forwards: tuple[PortForwardSpec, ...] = ()
    pod_readiness: PodReadiness = PodReadiness.WAIT
    extra_pod_selectors: tuple[tuple[tuple[str, str], ...], ...] = ()
    """Each a conjunction of label pairs; any may match."""
    selectors_only: bool | None = None
    """Do labels alone decide which pods are its own? None: the Tiltfile does not say."""
    locators: tuple[ImageLocator, ...] = ()
    repair_drift: bool | None = None
    """Is what others delete or change applied again? None: as `update_settings` says."""
    workload: str = ""
    """`Kind/name` of the workload the resource was made for; empty for a group of plain objects."""

    @property
    def names_containers(self) -> bool:
        """Unless the Tiltfile says where else to look for image references."""
        return not self.locators

    @property
    def ready_without_pods(self) -> bool:
        """Where the Tiltfile says that its pods do not matter."""
        return self.pod_readiness is PodReadiness.IGNORE

    @property
    def runs_to_end(self) -> bool:
        """Where its pods are Jobs."""
        return self.pod_readiness is PodReadiness.SUCCEEDED

    @property
    def definition(self) -> Value:
        """Without what never reaches the cluster."""
        return replace(self, port_forwards=(), pod_readiness=PodReadiness.WAIT, repair_drift=None)


class CustomDeploy(KubernetesDeploy, tag="custom"):
    """A resource in the cluster that the user's own commands deploy; its objects are known once they have run."""

    runs_commands: ClassVar[bool] = True

    objects: tuple[KubeObject, ...] = ()
    commands: DeployCommands

    @property
    def names_containers(self) -> bool:
        """What its commands will apply is not known."""
        return False

    @property
    def files(self) -> FileRule:
        """What the commands depend on."""
        return self.commands.files

    @property
    def definition(self) -> Value:
        """Without what no command is given."""
        plain = replace(self, port_forwards=(), pod_readiness=PodReadiness.WAIT)
        return replace(plain, commands=replace(self.commands, files=FileRule()))


class LocalDeploy(Deploy, tag="local"):
    """A resource of processes on this machine (`local_resource`)."""

    target_type: ClassVar[str] = "local"
    strategy: ClassVar[Strategy] = Strategy.COMMAND
    runs_commands: ClassVar[bool] = True
    runtime_target: ClassVar[str] = "serve"

    update: Command | None = None
    serve: Command | None = None
    teardown: Command | None = None
    """`tilt down` runs it."""
    files: FileRule = FileRule()
    allow_parallel: bool = False
    readiness_probe: Probe | None = None

    @property
    def updates(self) -> bool:
        """One that only serves has no command to run."""
        return self.update is not None

    @property
    def parallel(self) -> bool:
        """Only where the Tiltfile allows it, or nothing runs."""
        return self.allow_parallel or self.update is None

    @property
    def has_runtime(self) -> bool:
        """Only a `serve_cmd` goes on running."""
        return self.serve is not None

    @property
    def definition(self) -> Value:
        """Without what does not change what its commands do."""
        return replace(self, teardown=None, files=FileRule(), allow_parallel=False, readiness_probe=None)


class ComposeProject(Value):
    """A project of Docker Compose (`docker_compose`)."""

    name: str
    path: str
    """Absolute directory, to which paths in its files are relative."""
    config_paths: tuple[str, ...]
    env_file: str = ""
    profiles: tuple[str, ...] = ()
    wait: bool = False


class ComposeBuild(Value):
    """An image that Docker Compose builds itself."""

    context: str
    """Absolute directory; empty for one that is not on this machine."""
    dockerfile: str
    ignores: tuple[Ignore, ...] = ()
    """What is not watched: by its ignore file, its Dockerfile, and what is mounted into the container anyway."""


class ComposeDeploy(Deploy, tag="compose"):
    """A service of Docker Compose. It is declared and listed, and refused when it is to run."""

    target_type: ClassVar[str] = "docker-compose"
    strategy: ClassVar[Strategy] = Strategy.COMMAND

    project: ComposeProject
    service: str
    """Its name in the files."""
    yaml: str
    """The service in its normal form."""
    image: ImageName
    targets: tuple[Image, ...] = ()
    """The images of the Tiltfile that it runs, base images first."""
    build: ComposeBuild | None = None
    published_ports: tuple[int, ...] = ()
    infer_links: bool = True

    @property
    def has_runtime(self) -> bool:
        """It does not run here."""
        return False


class ResourceSpec(Value):
    """One row of the display: built, deployed, watched and shown as one."""

    name: ResourceName
    deploy: KubernetesDeploy | CustomDeploy | LocalDeploy | ComposeDeploy
    images: tuple[Image, ...] = ()
    """Every image it needs, base images first."""
    labels: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    trigger_mode: TriggerMode = TriggerMode.AUTO
    resource_deps: tuple[ResourceName, ...] = ()
    """Each must have been ready once before the first update."""
    each_update: tuple[ResourceName, ...] = ()
    """Those of them that must be up to date and ready before every update."""
    debounce_seconds: float = 0.0
    """How long its files must have been quiet before a change of them starts an update."""

    @property
    def built_images(self) -> tuple[Image, ...]:
        """The images without those that are only updated in place."""
        return tuple(image for image in self.images if not image.live_update_only)

    @property
    def files(self) -> tuple[FileRule, ...]:
        """Every set of files whose change makes this resource stale."""
        return (*(image.files for image in self.images), self.deploy.files)


class UpdateMode(StrEnum):
    """How what changed gets into what runs; the words of `--update-mode`."""

    AUTO = "auto"
    """In place where that can be done, else by a new image."""
    IMAGE = "image"
    """By a new image, always."""
    CONTAINER = "container"
    """As `auto`."""
    EXEC = "exec"
    """In place by the container's own shell alone, without the helper."""


class UpdateSettings(Value):
    """`update_settings`: how updates are run."""

    max_parallel_updates: int = 0
    """Of all kinds together; 0: as many of each kind as suit this machine."""
    apply_timeout_seconds: int = 30
    infer_live_update: bool = True
    """Are images without `live_update` updated in place where their Dockerfile and what runs allow it?"""
    helper: HelperMode = HelperMode.AUTO
    mode: UpdateMode = UpdateMode.AUTO
    repair_drift: bool = True
    """Is what others delete or change in the cluster applied again?"""


class CiSettings(Value):
    """`ci_settings`: how long `tilt ci` waits, in seconds; 0 means no limit."""

    grace_period_seconds: float = 0.0
    resource_timeouts: tuple[tuple[ResourceName, float], ...] = ()
    """How long some resources may take from the beginning of their first update."""
    unschedulable_seconds: float = 120.0
    """How long no node may take a pod."""
    timeout_seconds: float = 1800.0
    readiness_timeout_seconds: float = 300.0


class PruneSettings(Value):
    """`docker_prune_settings`: which images are removed, and when. The defaults are Tilt's."""

    max_age_seconds: float = 6 * 3600.0
    """What was built or tagged less long ago stays."""
    keep_recent: int = 2
    """So many of every image stay, the newest ones."""
    automatic: bool = False
    """Does a session remove them by itself? Only where the Tiltfile says something of it."""
    every_builds: int = 0
    """After so many updates with images; 0: after a time."""
    every_seconds: float = 3600.0


class Declaration(Value):
    """What one evaluation of the Tiltfile produced."""

    resources: tuple[ResourceSpec, ...] = ()
    enabled: tuple[ResourceName, ...] = ()
    """The resources to run; the others are listed but disabled."""
    objects: tuple[AnyApiObject, ...] = ()
    """What it made by the functions of `v1alpha1`."""
    config_files: tuple[str, ...] = ()
    """Absolute paths whose change asks for another evaluation, sorted."""
    ignores: tuple[Ignore, ...] = ()
    """Apply to every watch: `.tiltignore` and `watch_settings`."""
    default_registry: Registry | None = None
    updates: UpdateSettings = UpdateSettings()
    ci: CiSettings = CiSettings()
    prune: PruneSettings = PruneSettings()
    snapshots: bool = True
    """May the page be saved as a snapshot? Not after `disable_snapshots()`."""
    secrets: tuple[tuple[str, str], ...] = ()
    """Values to keep out of logs and what to print instead, longest first."""
    warnings: tuple[str, ...] = ()
