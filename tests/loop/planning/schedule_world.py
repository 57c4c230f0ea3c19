"""A session's state of which tests ask what is due."""

from collections.abc import Mapping

from pytilt.loop.planning.planner import Planner
from pytilt.loop.planning.schedule import Slots, UpdatePlan
from pytilt.model import resources
from pytilt.model.clusters import ClusterInfo
from pytilt.model.commands import Command
from pytilt.model.files import FileRule
from pytilt.model.images import BuiltImage, DockerBuild, Image, LiveUpdate, Sync
from pytilt.model.names import TILTFILE, ImageName, ResourceName, SpanId
from pytilt.model.objects import (
    ClusterState,
    FileWatch,
    FileWatchStatus,
    ImageMap,
    ImageMapStatus,
    Resource,
    ResourceStatus,
    Runtime,
    RuntimeState,
    Tiltfile,
    TiltfileStatus,
)
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.model.resources import KubernetesDeploy, LocalDeploy
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import (
    DeployedImage,
    HoldReason,
    Outcome,
    Reason,
    Strategy,
    Update,
)
from pytilt.store.objects import Store

IMAGE = ImageName("web-image")
WEB = ResourceName("web")
TRUE = Command(argv=("true",), dir="/p")


def update(strategy: Strategy = Strategy.FULL, outcome: Outcome = Outcome.OK) -> Update:
    return Update(
        id=1, span=SpanId("build:1"), reason=Reason.INITIAL_BUILD, strategy=strategy, started_at="", outcome=outcome
    )


def image(*, live: bool = True, stop: str = "") -> Image:
    rules = LiveUpdate(syncs=(Sync(local="/p/src", remote="/app"),), fall_back_on=(stop,) if stop else ())
    build = DockerBuild(context="/p", contents="FROM busybox")
    return Image(name=IMAGE, build=build, files=FileRule(paths=("/p",)), live_update=rules if live else None)


def local(name: str, **fields: object) -> resources.ResourceSpec:
    deploy = LocalDeploy(update=TRUE, files=FileRule(paths=("/p",)))
    return resources.ResourceSpec(name=ResourceName(name), deploy=deploy, **fields)  # type: ignore[arg-type]  # fields of a resource


def kubernetes(name: str, *images: Image, **fields: object) -> resources.ResourceSpec:
    deploy = KubernetesDeploy(objects=(), images=tuple(each.name for each in images))
    return resources.ResourceSpec(name=ResourceName(name), deploy=deploy, images=images, **fields)  # type: ignore[arg-type]  # fields of a resource


class World:
    """A session's state in which everything is well until a test says otherwise."""

    def __init__(self) -> None:
        self.store = Store()
        self.store.put(Tiltfile(name=TILTFILE, path="/p/Tiltfile", status=TiltfileStatus(history=(update(),))))
        self.store.put(ClusterState(name="default", info=ClusterInfo(context="c", namespace="n", product="kind")))
        self._order = 1

    def add(self, spec: resources.ResourceSpec, **status: object) -> None:
        self._order += 1
        digest = str(status.pop("digest", "d"))
        self.store.put(
            Resource(
                name=spec.name,
                spec=spec,
                digest=digest,
                order=self._order,
                status=ResourceStatus(**{"applied_digest": "d", **status}),  # type: ignore[arg-type]  # fields of a status
            )
        )

    def change(self, watch: str, **paths: int) -> None:
        self.changes(watch, {f"/p/{path}": sequence for path, sequence in paths.items()})

    def changes(self, watch: str, paths: Mapping[str, int]) -> None:
        self.store.put(FileWatch(name=watch, status=FileWatchStatus(changes=paths, latest=max(paths.values()))))

    def built(self, spec: Image, *, sequence: int = 0, reference: str = "web-image:tilt-1") -> None:
        made = BuiltImage(name=spec.name, id="sha256:1", reference=reference)
        status = ImageMapStatus(built=made, reference=reference, sequence=sequence)
        self.store.put(ImageMap(name=spec.name, spec=spec, status=status))

    def runtime(self, name: str, *, ready_once: bool = True, **container: object) -> None:
        fields = {"name": "c", "image": "web-image:tilt-1", "id": "c1", "state": ContainerState.RUNNING, **container}
        one = Container(**fields)  # type: ignore[arg-type]  # fields of a container
        pod = Pod(name="web-1", namespace="n", uid="u", created_at="", phase="Running", containers=(one,))
        status = RuntimeState(status=RuntimeStatus.OK, ready_once=ready_once, pods=(pod,))
        self.store.put(Runtime(name=name, status=status))

    def deployed(self, spec: Image, **status: object) -> None:
        applied = (DeployedImage(name=spec.name, reference="web-image:tilt-1"),)
        self.built(spec)
        self.add(kubernetes("web", spec), **{"history": (update(),), "applied_images": applied, **status})
        self.runtime("web")

    def plan(self, max_parallel: int = 3) -> UpdatePlan:
        slots = Slots(commands=max_parallel, builds=max_parallel, applies=max_parallel, total=max_parallel)
        return Planner().plan(self.store.snapshot(), slots)


def started(found: UpdatePlan) -> list[str]:
    return [start.resource for start in found.starts]


def holds(found: UpdatePlan) -> dict[str, HoldReason]:
    return {name: hold.reason for name, hold in found.holds.items()}
