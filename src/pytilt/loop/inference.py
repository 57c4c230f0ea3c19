"""What a resource that was just deployed allows to update in place without a rule. Pure."""

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from pytilt.cluster import objects, workloads
from pytilt.images.build_chain import build_chain
from pytilt.images.build_paths import covers
from pytilt.liveupdate.glob_sources import is_glob
from pytilt.liveupdate.inferring import Landing, SourceTree, arrivals, blind
from pytilt.liveupdate.planning import ChangedFile
from pytilt.liveupdate.processes import programs, reloader_of, shown
from pytilt.model import references
from pytilt.model.images import DockerBuild, Image, ImageConfig
from pytilt.model.inference import Chain, Copied, Executed, Inference, InferenceMode, Inferred, Process, Taken
from pytilt.model.names import ImageName
from pytilt.model.objects import ImageMap, Resource
from pytilt.model.resources import KubeObject, KubernetesDeploy
from pytilt.store.objects import Snapshot

_LASTING = frozenset({"DaemonSet", "Deployment", "Pod", "ReplicaSet", "ReplicationController", "StatefulSet"})
"""Kinds whose pods run until something changes."""

_SEARCHED = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")

_TRUST = "`live_update='infer'` would sync it and start the program again"


def infer(state: Snapshot, resource: Resource) -> tuple[Inference, ...]:
    """What is known of each image of a resource that the Tiltfile has no live update for.

    Args:
        state: of the session; it knows what the images are.
        resource: that was deployed; what was seen of its containers before stays known.
    """
    maps = {image.name: state.get(ImageMap, image.name) for image in resource.spec.images}
    built = {name: found.status.built for name, found in maps.items() if found is not None}
    configs = {name: image.config for name, image in built.items() if image and image.config}
    supervised = {name for name, found in maps.items() if found is not None and found.status.supervised}
    return inferences(resource, configs, supervised)


def inferences(
    resource: Resource, configs: Mapping[ImageName, ImageConfig], supervised: Collection[ImageName] = ()
) -> tuple[Inference, ...]:
    """The same, of images as they were built, some of them so that their program can be started again."""
    same = resource.digest == resource.status.applied_digest
    before = {each.image: each.blocked for each in resource.status.inferences if same}
    found = (
        _inference(resource, image, configs.get(image.name), before.get(image.name, ""))
        for image in resource.spec.images
        if image.deployed and image.live_update is None and isinstance(image.build, DockerBuild)
    )
    return tuple(
        replace(each, rules=replace(each.rules, supervised=True)) if each.rules and each.image in supervised else each
        for each in found
        if each is not None
    )


def explanation(image: Image, rules: Inferred, changed: Sequence[ChangedFile], tree: SourceTree, directory: str) -> str:
    """What was inferred, for the log, with the rule that does the same.

    Args:
        image: that changed files were brought into.
        rules: what is known of it.
        changed: the files.
        tree: the files as they are now.
        directory: of the Tiltfile, to which paths in a rule are relative.
    """
    found = arrivals(changed, rules, tree)
    instructions = ", ".join(dict.fromkeys(each.step.where for each in found))
    syncs = dict.fromkeys(_sync(each, directory) for each in found)
    stops = sorted({_relative(path, directory) for path in _read_later(rules.chain)})
    steps = ([f"fall_back_on({stops!r})"] if stops else []) + list(syncs)
    remotes = [each.remote for each in found]
    seen = ", ".join(dict.fromkeys(f"`{known.name}`" for each in rules.processes if (known := reloader_of(each))))
    does = f"; {seen} sees the change" if seen and not blind(rules, remotes) else ""
    if rules.supervised and blind(rules, remotes):
        does, steps = "; the program is started again", [*steps, "restart_container()"]
    return (
        f"Inferred from the Dockerfile: nothing reads what {instructions} brings{does}\n"
        f"  by a rule: docker_build('{image.name}', …, live_update=[{', '.join(steps)}])\n"
        "  never: `live_update='off'`, or `update_settings(infer_live_update=False)` for all images\n"
    )


def _sync(landing: Landing, directory: str) -> str:
    """The step of a live update that brings a file, and what else its instruction brings."""
    step = landing.step
    named = posixpath.join(step.context, landing.source).rstrip("/")
    whole = named != landing.local
    local = _relative(named, directory)
    return f"sync('{local}', '{step.destination if whole else landing.remote}')"


def _relative(path: str, directory: str) -> str:
    found = posixpath.relpath(path, directory)
    return found if found.startswith(".") else f"./{found}"


def _read_later(chain: Chain) -> Iterator[str]:
    """What instructions name that copy for a command to read."""
    last = max((number for number, step in enumerate(chain.steps) if isinstance(step, Executed)), default=-1)
    for step in chain.steps[: last + 1]:
        if isinstance(step, Copied):
            yield from (posixpath.join(step.context, each) for each in step.sources if each and not is_glob(each))


def _inference(resource: Resource, image: Image, config: ImageConfig | None, blocked: str) -> Inference | None:
    deploy = resource.spec.deploy
    below = {each.name: each for each in _below(resource.spec.images, image)}
    silent = image.inference is InferenceMode.OFF or any(_has_its_own(each) for each in below.values())
    if silent or config is None or not isinstance(deploy, KubernetesDeploy):
        return None
    trusted = image.inference is InferenceMode.INFER
    chain = build_chain(image, below, config)
    why = chain.unclear and f"no live update is inferred: {chain.unclear}"
    uses = list(_uses(deploy.objects, image))
    if not trusted:
        why = blocked or why or _unsafe(deploy, image, uses)
    elif blocked:
        why = blocked
    processes = tuple(_opaque(_process(each, image, config), chain) for each in uses)
    if not why and not trusted:
        why = next(
            (
                f"`{shown(each)}` in container `{each.container}` is not known to see changed files; {_TRUST}"
                for each in processes
                if reloader_of(each) is None
            ),
            "",
        )
    if why or not any(isinstance(step, Copied) for step in chain.steps):
        return Inference(image=image.name, why=why, blocked=blocked)
    rules = Inferred(
        chain=chain,
        processes=processes,
        trusted=trusted,
        user=next((user for each in uses if (user := each.user or config.user.partition(":")[0])), ""),
        mounts=(*config.volumes, *(mount for each in uses for mount in each.mounts)),
    )
    return Inference(image=image.name, rules=rules)


def _has_its_own(image: Image) -> bool:
    return image.live_update is not None or image.inference is InferenceMode.OFF


def _below(images: Sequence[Image], image: Image) -> list[Image]:
    """The images that one builds upon, directly or not."""
    found, wanted = list[Image](), set(image.base_images)
    for other in reversed(images):
        if other.name in wanted:
            found.append(other)
            wanted.update(other.base_images)
    return found


class _Use(NamedTuple):
    """A container that runs an image."""

    o: KubeObject
    container: Mapping[str, Any]
    init: bool
    user: str
    """Empty: the image says who."""

    @property
    def mounts(self) -> list[str]:
        return [str(each.get("mountPath") or "/") for each in objects.items(self.container, "volumeMounts")]

    @property
    def read_only(self) -> bool:
        return bool(objects.mapping(self.container, "securityContext").get("readOnlyRootFilesystem"))


def _uses(wanted: Sequence[KubeObject], image: Image) -> Iterator[_Use]:
    for o in wanted:
        for spec in workloads.pod_specs(o):
            for key in ("initContainers", "containers"):
                for container in objects.items(spec, key):
                    if references.means(str(container.get("image") or ""), image):
                        users = (objects.mapping(each, "securityContext") for each in (container, spec))
                        user = next((str(each["runAsUser"]) for each in users if each.get("runAsUser") is not None), "")
                        yield _Use(o, container, key == "initContainers", user)


def _unsafe(deploy: KubernetesDeploy, image: Image, uses: Sequence[_Use]) -> str:
    """Why a sync would perhaps not do what a full build does; empty when it would."""
    if not uses or image.match_in_env_vars or deploy.locators or deploy.commands is not None:
        return f"it is not known what runs image `{image.name}`; {_TRUST}"
    for each in uses:
        name = each.container.get("name")
        if objects.kind(each.o) not in _LASTING:
            return f"a {objects.kind(each.o)} runs image `{image.name}`, and is to run anew"
        if each.init:
            return f"the init container `{name}` runs image `{image.name}`, and is to run anew"
        if each.read_only:
            return f"the file system of container `{name}` is read-only"
    return ""


def _process(use: _Use, image: Image, config: ImageConfig) -> Process:
    container = use.container
    command = image.entrypoint if image.entrypoint is not None else _texts(container.get("command"))
    args = image.container_args if image.container_args is not None else _texts(container.get("args"))
    said = tuple(
        (str(each.get("name")), str(each["value"]))
        for each in objects.items(container, "env")
        if each.get("value") is not None
    )
    return Process(
        container=str(container.get("name") or ""),
        argv=(*(command or config.entrypoint), *(args or (() if command else config.command))),
        environment=tuple({**dict(config.environment), **dict(said)}.items()),
        directory=str(container.get("workingDir") or config.working_dir or "/"),
    )


def _opaque(process: Process, chain: Chain) -> Process:
    """Notice a program that the project itself brings under a well-known name."""
    brought = [step for step in chain.steps if isinstance(step, Copied | Taken)]
    names = {posixpath.basename(path) for step in brought for path in (*step.sources, step.destination)}
    for program in programs(process):
        places = [program] if program.startswith("/") else [f"{place}/{program}" for place in _SEARCHED]
        if posixpath.basename(program) in names or any(
            covers(step.destination, place) for step in brought for place in places
        ):
            return replace(process, opaque=True)
    return process


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
