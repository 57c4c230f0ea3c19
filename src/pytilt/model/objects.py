"""The objects of a session: Kubernetes-shaped, frozen; at once the internal state and what the API's readers see.

Those that Tiltfiles and clients make beside them are in `model.api`; `model.kinds` lists all that the store holds.
A spec is written by whoever declares the object, a status by exactly one controller:

    Session          spec: the command line               status: `loop.planning.verdict`
    Tiltfile         spec: the command line               status: `loop.evaluation.evaluating`
    Resource         spec: `loop.evaluation.evaluating`   status: `loop.updates.updating`
    FileWatch        spec: `loop.evaluation.evaluating`   status: `loop.updates.watching`
    ImageMap         spec: `loop.evaluation.evaluating`   status: `loop.images.imaging`
    Runtime          -                                    status: the kind of its resource, `loop.kinds`
    PortForward      spec: `loop.evaluation.evaluating` * status: `loop.pods.forwarding`
    ClusterState     -                                    status: `loop.pods.connecting`
    LiveUpdateState  -                                    status: `loop.live_updates.receivers`
    ResourceEvents   -                                    status: `loop.pods.cluster_events`

    * and `loop.pods.discoveries`, for a `KubernetesDiscovery`
"""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from pytilt.model import resources
from pytilt.model.base import Value
from pytilt.model.cluster_events import ResourceEvents
from pytilt.model.clusters import ClusterInfo, ObjectRef
from pytilt.model.extensions import UsedExtension
from pytilt.model.files import FileRule
from pytilt.model.images import BuiltImage, Image
from pytilt.model.inference import Inference
from pytilt.model.live_updates import LiveUpdateState
from pytilt.model.names import ResourceName
from pytilt.model.pods import Condition, Pod
from pytilt.model.resources import CiSettings, Declaration, Link
from pytilt.model.status import RuntimeStatus
from pytilt.model.stored import Object, Owner
from pytilt.model.updates import DeployedImage, Hold, Pause, Reason, Strategy, SyncedContainer, Trigger, Update


class SessionStatus(Value):
    """How the session is doing."""

    done: bool = False
    error: str = ""
    """Why it failed; empty when it is done without error."""


class Session(Object):
    """One run of `tilt up` or `tilt ci`."""

    kind: ClassVar[str] = "Session"

    tiltfile_path: str
    ci: bool = False
    """Ends by itself with a verdict."""
    pid: int = 0
    ci_settings: CiSettings = CiSettings()
    ci_timeout_seconds: float | None = None
    """From the command line; wins over the settings."""
    status: SessionStatus = SessionStatus()


class TiltfileStatus(Value):
    """What came of the evaluations so far."""

    current: Update | None = None
    history: tuple[Update, ...] = ()
    """Newest first."""
    consumed: int = 0
    """Every change of a config file up to this sequence was seen by the last evaluation."""
    declaration: Declaration | None = None
    """Of the last evaluation that succeeded."""
    trigger: Trigger | None = None
    pause: Pause | None = None
    extensions: tuple[UsedExtension, ...] = ()
    """Of the last evaluation."""


class Tiltfile(Object):
    """The main Tiltfile."""

    kind: ClassVar[str] = "Tiltfile"

    path: str
    args: tuple[str, ...] = ()
    added: tuple[UsedExtension, ...] = ()
    """Extensions, and repositories of them, that clients added beside it."""
    status: TiltfileStatus = TiltfileStatus()


class ResourceStatus(Value):
    """What was done for a resource and what is to be done."""

    current: tuple[Update, ...] = ()
    """The updates that run: at most one, beside it at most one live update."""
    history: tuple[Update, ...] = ()
    """Newest first."""
    consumed: int = 0
    """Every change of a file up to this sequence was part of an update that ended."""
    quiet: int = 0
    """Up to this sequence of a change its files have been quiet for long enough, where the Tiltfile asks for that."""
    trigger: Trigger | None = None
    due: Reason = Reason.NONE
    """Why another update is to run; none when everything on disk is in what was deployed."""
    pending_manual: bool = False
    """In manual mode: something changed, and waits until somebody asks for an update."""
    due_since: str = ""
    """RFC 3339: since when there is something to update."""
    hold: Hold | None = None
    interrupted: Reason = Reason.NONE
    """Why an update began that the cluster cut short: it begins again when the cluster answers."""
    drift: str = ""
    """What somebody has deleted or changed in the cluster since it was applied; empty where nothing is to repair."""
    repair_undone: bool = False
    """Was that repaired too often already?"""
    pause: Pause | None = None
    applied: tuple[ObjectRef, ...] = ()
    """What is in the cluster because of this resource; after an update that failed, what may be."""
    applied_uids: tuple[str, ...] = ()
    applied_conditions: tuple[Condition, ...] = ()
    """Of the last apply, as a KubernetesApply has them."""
    manifest: tuple[resources.KubeObject, ...] = ()
    """What was applied last, with the images that were built, without the data of Secrets."""
    manifest_before: tuple[resources.KubeObject, ...] = ()
    """What was applied before that and was different; empty: nothing was in this session."""
    template_hashes: tuple[str, ...] = ()
    """`tilt.dev/pod-template-hash` of the pod templates that were applied."""
    applied_images: tuple[DeployedImage, ...] = ()
    applied_digest: str = ""
    """Of the definition that the last full update worked by, whatever came of it."""
    deployed_at: str = ""
    """RFC 3339."""
    adopted: bool = False
    """Was all in the cluster already what is wanted, so that nothing was applied or synced?"""
    synced: int = 0
    """Changes up to this sequence were brought by live updates to every container that ran."""
    kept: int = 0
    """Of the files of changes up to this sequence there are copies, for containers that start later; 0: of none."""
    containers: tuple[SyncedContainer, ...] = ()
    inferences: tuple[Inference, ...] = ()
    """What the last full update found out about live updates that nobody wrote a rule for."""

    @property
    def last(self) -> Update | None:
        """The update that ended last."""
        return self.history[0] if self.history else None

    @property
    def busy(self) -> bool:
        """Does an update run that is no live one, and so may change what is in the cluster?"""
        return any(update.strategy is not Strategy.LIVE for update in self.current)


class Resource(Object):
    """A resource: what was declared, and the updates that serve it."""

    kind: ClassVar[str] = "Resource"

    spec: resources.ResourceSpec
    digest: str = ""
    """Of all that asks for an update when it changes."""
    enabled: bool = True
    order: int = 0
    """1-based place in the display."""
    status: ResourceStatus = ResourceStatus()


class FileWatchStatus(Value):
    """Which files changed, as long as somebody has to act on it."""

    changes: Mapping[str, int] = msgspec.field(default_factory=dict)
    """Absolute path -> sequence of its last change, in the order of these. Sequences count up over all watches of a
    session. A change is forgotten when every consumer of the watch has it, see `loop.planning.freshness.consumed`."""
    latest: int = 0
    """The greatest sequence so far, 0 when nothing changed yet."""
    held: bool = False
    """More has changed, and is held back while git is at work."""


class FileWatch(Object):
    """A set of watched files. Named `RESOURCE`, `image:NAME` or `configs:(Tiltfile)`."""

    kind: ClassVar[str] = "FileWatch"

    rules: tuple[FileRule, ...] = ()
    status: FileWatchStatus = FileWatchStatus()


class ImageMapStatus(Value):
    """The image that was built for a declared one last."""

    built: BuiltImage | None = None
    reference: str = ""
    """As the cluster's YAML names it; empty until published."""
    sequence: int = 0
    """Every change of a file up to this one is in the image."""
    digest: str = ""
    """Of the definition it was built by."""
    bases: tuple[DeployedImage, ...] = ()
    """The images it was built upon, as they were then."""
    layered: BuiltImage | None = None
    """The same image with the helper in it, which is what runs; None: it has none."""
    supervised: bool = False
    """Is the helper its first process?"""

    @property
    def references(self) -> frozenset[str]:
        """The names of the image: in the builder's store, and in the cluster once it is published."""
        local = self.built.reference if self.built else ""
        return frozenset({self.reference, local} - {""})


class ImageMap(Object):
    """A declared image and the one that was built for it."""

    kind: ClassVar[str] = "ImageMap"

    spec: Image
    digest: str = ""
    """Of all that asks for a build when it changes."""
    status: ImageMapStatus = ImageMapStatus()


class RuntimeState(Value):
    """How that which was deployed or served is doing."""

    status: RuntimeStatus = RuntimeStatus.UNKNOWN
    reason: str = ""
    """One line for people: what it waits for or what went wrong."""
    ready_once: bool = False
    """Was it ready at any time since it was declared? What depends on it may start."""
    pods: tuple[Pod, ...] = ()
    """Best first."""
    leaving: tuple[str, ...] = ()
    """Names of pods that are still there but do not count any more: others replace them."""
    endpoints: tuple[Link, ...] = ()
    pid: int = 0
    """Of the served process; 0 when there is none."""
    since: str = ""
    """RFC 3339 of the last change of `status`."""
    final: bool = False
    """Is it an error from which nothing recovers by itself?"""
    stale: str = ""
    """Why nobody knows whether this still holds: the cluster does not answer. Empty while it does."""


class Runtime(Object):
    """What a resource looks like in the cluster or on this machine."""

    kind: ClassVar[str] = "Runtime"

    status: RuntimeState = RuntimeState()


def runtime_owner(resource: str) -> Owner:
    """The owner of the runtime of a resource: it goes when the resource does."""
    return Owner(kind=Resource.kind, name=resource)


class PortForwardStatus(Value):
    """Where a port leads."""

    pod: str = ""
    """The pod that the last connection went to; empty: there was none."""
    container_port: int = 0
    listening: bool = False
    """Is the port of this machine bound?"""
    error: str = ""
    """Why it leads nowhere: the port of this machine cannot be bound, or nothing listens in the pod."""


class PortForward(Object):
    """A port of this machine that leads into a pod. Named `RESOURCE:LOCAL_PORT`, or `discovery:NAME:LOCAL_PORT`."""

    kind: ClassVar[str] = "PortForward"

    resource: ResourceName
    """In whose log it speaks, and whose pods it leads to unless `discovery` names others."""
    discovery: str = ""
    """The KubernetesDiscovery whose pods it leads to."""
    spec: resources.PortForwardSpec
    status: PortForwardStatus = PortForwardStatus()


class ClusterState(Object):
    """The cluster that the session deploys to. Named `default`."""

    kind: ClassVar[str] = "Cluster"

    info: ClusterInfo | None = None
    error: str = ""
    """Why it cannot be reached at this moment."""
    failed_at: str = ""
    """Since when."""
    connected_at: str = ""


KINDS: tuple[type[Object], ...] = (
    Session,
    Tiltfile,
    Resource,
    FileWatch,
    ImageMap,
    Runtime,
    PortForward,
    ClusterState,
    LiveUpdateState,
    ResourceEvents,
)
"""Every kind that a session makes of itself."""
