"""What Tiltfiles declare, made by hand, for tests of what becomes of it."""

from collections.abc import Sequence

from pytilt.model.clusters import ClusterInfo
from pytilt.model.commands import Command
from pytilt.model.files import FileRule
from pytilt.model.images import CustomBuild, DockerBuild, Image, LiveUpdate, Sync
from pytilt.model.names import TILTFILE, ImageName, ResourceName, SpanId
from pytilt.model.objects import ClusterState, ImageMap, Resource, Session, Tiltfile, TiltfileStatus
from pytilt.model.resources import (
    CustomDeploy,
    Declaration,
    DeployCommands,
    KubeObject,
    KubernetesDeploy,
    LocalDeploy,
    ResourceSpec,
)
from pytilt.model.updates import Outcome, Reason, Strategy, Update
from pytilt.store.objects import Store

INFO = ClusterInfo(context="kind-fake", namespace="default", product="kind", arch="amd64")


def command(text: str = "true", directory: str = "/p") -> Command:
    """A shell command."""
    return Command(argv=("sh", "-c", text), dir=directory)


def local(name: str, update: str | None = "true", *, serve: str | None = None, **fields: object) -> ResourceSpec:
    """A `local_resource` whose files are `/p/NAME`."""
    deploy = LocalDeploy(
        update=command(update) if update is not None else None,
        serve=command(serve) if serve is not None else None,
        files=FileRule(paths=(f"/p/{name}",)),
        allow_parallel=True,
    )
    return ResourceSpec(name=ResourceName(name), deploy=deploy, **fields)  # type: ignore[arg-type]  # fields of a resource


def image(name: str, *bases: str, live: bool = False, **fields: object) -> Image:
    """A `docker_build` of `/p/NAME`; with `live`, everything in it is synced to `/app`."""
    build = DockerBuild(context=f"/p/{name}", contents="FROM busybox")
    rules = LiveUpdate(syncs=(Sync(local=f"/p/{name}", remote="/app"),)) if live else None
    return Image(
        **{
            "name": ImageName(name),
            "build": build,
            "files": FileRule(paths=(f"/p/{name}",)),
            "base_images": tuple(map(ImageName, bases)),
            "live_update": rules,
            **fields,
        }  # type: ignore[arg-type]  # fields of an image
    )


def custom(name: str, **fields: object) -> Image:
    """A `custom_build`."""
    return image(name, build=CustomBuild(command=command(), **fields))  # type: ignore[arg-type]  # fields of a build


def kubernetes(name: str, *objects: KubeObject, images: Sequence[Image] = (), **fields: object) -> ResourceSpec:
    """A resource of these objects; of a Deployment when none are given."""
    given = objects or (deployment(name, images[-1].name if images else "busybox"),)
    used = tuple(each.name for each in images if each.deployed)
    deploy = KubernetesDeploy(objects=given, images=used)
    return ResourceSpec(name=ResourceName(name), deploy=deploy, images=tuple(images), **fields)  # type: ignore[arg-type]  # fields of a resource


def custom_deploy(name: str, **fields: object) -> ResourceSpec:
    """A `k8s_custom_deploy` with the commands `apply` and `delete`, whose files are `/p/NAME`."""
    commands = DeployCommands(
        apply=Command(argv=("apply",), dir="/p"),
        delete=Command(argv=("delete",), dir="/p"),
        files=FileRule(paths=(f"/p/{name}",)),
    )
    return ResourceSpec(name=ResourceName(name), deploy=CustomDeploy(commands=commands), **fields)  # type: ignore[arg-type]  # fields of a resource


def deployment(name: str, image: str = "busybox", **metadata: object) -> KubeObject:
    """The YAML of a Deployment."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, **metadata},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": image}]},
            },
        },
    }


def plain(kind: str, name: str, api_version: str = "v1", **metadata: object) -> KubeObject:
    """The YAML of an object without content."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **metadata}}


def update(number: int = 1, outcome: Outcome = Outcome.OK, strategy: Strategy = Strategy.FULL) -> Update:
    """An update that ended."""
    return Update(
        id=number,
        span=SpanId(f"build:{number}"),
        reason=Reason.INITIAL_BUILD,
        strategy=strategy,
        started_at="2026-01-01T00:00:00Z",
        finished_at="2026-01-01T00:00:01Z",
        outcome=outcome,
        error="" if outcome is Outcome.OK else "it failed",
    )


def prepare(store: Store, *specs: ResourceSpec, evaluated: bool = True, connected: bool = True) -> None:
    """Put a session into a store: its Tiltfile was evaluated and declared these resources, its cluster answers."""
    store.put(Session(name="Tiltfile", tiltfile_path="/p/Tiltfile"))
    declaration = Declaration(resources=specs, enabled=tuple(each.name for each in specs))
    status = TiltfileStatus(history=(update(strategy=Strategy.EVALUATE),), declaration=declaration)
    store.put(Tiltfile(name=TILTFILE, path="/p/Tiltfile", status=status if evaluated else TiltfileStatus()))
    if connected:
        store.put(ClusterState(name="default", info=INFO))
    for order, spec in enumerate(specs, start=2):
        store.put(Resource(name=spec.name, spec=spec, order=order))
        for each in spec.images:
            store.put(ImageMap(name=each.name, spec=each))
