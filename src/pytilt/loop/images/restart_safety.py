"""Where pytilt makes the helper the first process of containers by itself, to start their programs again. Pure.

Everything by which a program that was started again differs from one in a new container is a reason against it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytilt.cluster import objects
from pytilt.images.build_chain import build_chain
from pytilt.liveupdate.inferring import SourceTree
from pytilt.liveupdate.processes import command_of, reloader_of, shown
from pytilt.liveupdate.restarting import against_restart
from pytilt.loop.images.image_uses import ContainerUse, brings, image_uses, process_of
from pytilt.model.images import DockerBuild, HelperMode, Image, ImageConfig
from pytilt.model.inference import Chain, Copied, InferenceMode
from pytilt.model.names import ImageName
from pytilt.model.regex import regex
from pytilt.model.resources import ResourceSpec

LASTING = frozenset({"DaemonSet", "Deployment", "Pod", "ReplicaSet", "ReplicationController", "StatefulSet"})
"""Kinds whose pods run until something changes."""

_PATIENCE_SECONDS = 20
"""So long a liveness probe must put up with a program that is being started again."""

_AGAINST = {
    "tty": "it has a terminal",
    "stdin": "it has an input",
    "hostPID": "its pod has `hostPID`",
    "shareProcessNamespace": "its pod has `shareProcessNamespace`",
    "postStart": "its `postStart` hook runs in new containers only",
    "startupProbe": "its `startupProbe` waits for new containers only",
}
"""What of a container, its pod or its hooks a program that is started again does not go with."""

_FIRST_PROCESS = regex(r"/proc/1\b|\bkill\s+(?:-\w+\s+)*1\b")


def restarts_safely(specs: Sequence[ResourceSpec], image: Image, config: ImageConfig, tree: SourceTree) -> bool:
    """May the programs of all containers that run an image be started again, although the Tiltfile does not say so?

    Args:
        specs: all resources.
        image: that was built.
        config: what it says of its containers.
        tree: the files of its build context.
    """
    running = [spec for spec in specs if any(each.name == image.name and each.deployed for each in spec.images)]
    blind = False
    for spec in running:
        if restart_problem(spec, image, config, tree):
            return False
        processes = (process_of(each, image, config) for each in image_uses(spec.deploy.objects, image))
        blind = blind or any(reloader_of(each) is None for each in processes)
    return blind


def restart_problem(spec: ResourceSpec, image: Image, config: ImageConfig, tree: SourceTree) -> str:
    """Why the programs of a resource's containers with this image are not started again; empty when they may be."""
    chain = build_chain(image, _below(spec.images, image), config)
    deploy = spec.deploy
    if (
        image.inference is not InferenceMode.AUTO
        or image.helper is HelperMode.OFF
        or not image.deployed
        or image.live_update is not None
        or not isinstance(image.build, DockerBuild)
        or not deploy.names_containers
        or image.match_in_env_vars
    ):
        return "`synclet` is not used there"
    if chain.unclear or not any(isinstance(step, Copied) for step in chain.steps):
        return "it is not known what its Dockerfile copies"
    uses = list(image_uses(deploy.objects, image))
    return next(
        filter(None, (_problem(each, image, config, chain, tree) for each in uses)), "" if uses else "nothing runs it"
    )


def _problem(use: ContainerUse, image: Image, config: ImageConfig, chain: Chain, tree: SourceTree) -> str:
    process = process_of(use, image, config)
    starters, words = command_of(process)
    copied = [step for step in chain.steps if isinstance(step, Copied)]
    if own := next((each for each in starters or words[:1] if brings(copied, each, tree)), ""):
        return f"`{own}` may be a program of the project's own"
    return against_restart(process) or next(_fragile(use, shown(process)), "")


def _fragile(use: ContainerUse, shown_process: str) -> Iterator[str]:
    """What in a pod would notice that the program was started again in place."""
    container, hooks = use.container, objects.mapping(use.container, "lifecycle")
    if objects.kind(use.o) not in LASTING or use.init:
        yield f"`{shown_process}` ends by itself"
    for key, why in _AGAINST.items():
        if container.get(key) or use.pod.get(key) or hooks.get(key):
            yield why
    if use.read_only:
        yield "its file system is read-only"
    probe = objects.mapping(container, "livenessProbe")
    if probe and (patience := _patience(probe)) < max(_PATIENCE_SECONDS, _number(probe, "initialDelaySeconds", 0)):
        yield f"its `livenessProbe` waits {patience} seconds only"
    for each in (hooks, *(objects.mapping(container, key) for key in ("livenessProbe", "readinessProbe"))):
        if _FIRST_PROCESS.search(" ".join(_texts(each))):
            yield "a probe or a hook looks at process 1"


def _patience(probe: Mapping[str, Any]) -> int:
    """For how many seconds a probe may fail before the container is killed."""
    return _number(probe, "failureThreshold", 3) * _number(probe, "periodSeconds", 10)


def _number(probe: Mapping[str, Any], key: str, default: int) -> int:
    value = probe.get(key)
    return value if isinstance(value, int) and value > 0 else default


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


def _below(images: Sequence[Image], image: Image) -> dict[ImageName, Image]:
    return {each.name: each for each in images_below(images, image)}


def images_below(images: Sequence[Image], image: Image) -> list[Image]:
    """The images that one builds upon, directly or not."""
    found, wanted = list[Image](), set(image.base_images)
    for other in reversed(images):
        if other.name in wanted:
            found.append(other)
            wanted.update(other.base_images)
    return found
