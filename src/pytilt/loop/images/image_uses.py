"""The containers of a resource that run an image, and what runs in them. Pure."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pytilt.cluster import objects, workloads
from pytilt.images.build_paths import covers
from pytilt.liveupdate.glob_sources import is_glob
from pytilt.liveupdate.inferring import SourceTree
from pytilt.liveupdate.planning import FileKind
from pytilt.model import references
from pytilt.model.images import Image, ImageConfig
from pytilt.model.inference import Copied, Process, Taken
from pytilt.model.resources import KubeObject

_SEARCHED = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


class ContainerUse(NamedTuple):
    """A container that runs an image."""

    o: KubeObject
    pod: Mapping[str, Any]
    """The spec of its pod."""
    container: Mapping[str, Any]
    init: bool
    user: str
    """Empty: the image says who."""

    @property
    def name(self) -> str:
        """Of the container."""
        return str(self.container.get("name") or "")

    @property
    def mounts(self) -> list[str]:
        """Where it has something else than the image."""
        return [str(each.get("mountPath") or "/") for each in objects.items(self.container, "volumeMounts")]

    @property
    def read_only(self) -> bool:
        """Can nothing be written to the image's part of its files?"""
        return bool(objects.mapping(self.container, "securityContext").get("readOnlyRootFilesystem"))


def image_uses(wanted: Sequence[KubeObject], image: Image) -> Iterator[ContainerUse]:
    """All containers of objects that run an image."""
    for o in wanted:
        for spec in workloads.pod_specs(o):
            for key in ("initContainers", "containers"):
                for container in objects.items(spec, key):
                    if references.means(str(container.get("image") or ""), image):
                        users = (objects.mapping(each, "securityContext") for each in (container, spec))
                        user = next((str(each["runAsUser"]) for each in users if each.get("runAsUser") is not None), "")
                        yield ContainerUse(o, spec, container, key == "initContainers", user)


def process_of(use: ContainerUse, image: Image, config: ImageConfig) -> Process:
    """What a container runs, by its object, the Tiltfile or the image."""
    container = use.container
    command = image.entrypoint if image.entrypoint is not None else _texts(container.get("command"))
    args = image.container_args if image.container_args is not None else _texts(container.get("args"))
    said = tuple(
        (str(each.get("name")), str(each["value"]))
        for each in objects.items(container, "env")
        if each.get("value") is not None
    )
    return Process(
        container=use.name,
        argv=(*(command or config.entrypoint), *(args or (() if command else config.command))),
        environment=tuple({**dict(config.environment), **dict(said)}.items()),
        directory=str(container.get("workingDir") or config.working_dir or "/"),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def brings(steps: Sequence[Copied | Taken], program: str, tree: SourceTree | None = None) -> bool:
    """May a program be one that these steps bring, whatever it is called?

    Args:
        steps: of the Dockerfile.
        program: its name or path.
        tree: the files of the build context; None: any may be there.
    """
    names = {posixpath.basename(path) for step in steps for path in (*step.sources, step.destination)}
    places = [program] if program.startswith("/") else [f"{place}/{program}" for place in _SEARCHED]
    return posixpath.basename(program) in names or any(
        covers(step.destination, place) and _has(step, place, tree) for step in steps for place in places
    )


def _has(step: Copied | Taken, place: str, tree: SourceTree | None) -> bool:
    """Is there anything that a step would bring to a place below its destination?"""
    if tree is None or isinstance(step, Taken) or any(map(is_glob, step.sources)):
        return True
    rest = place[len(step.destination.rstrip("/")) :].lstrip("/")
    found = (posixpath.normpath(posixpath.join(step.context, source, rest)) for source in step.sources)
    return any(tree.kind(path) is not FileKind.GONE for path in found)
