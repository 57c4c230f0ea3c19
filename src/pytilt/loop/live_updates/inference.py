"""What a resource that was just deployed allows to update in place without a rule. Pure."""

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec.structs import replace

from pytilt.cluster import objects
from pytilt.images.build_chain import build_chain
from pytilt.liveupdate.archive import DiskTree
from pytilt.liveupdate.glob_sources import is_glob
from pytilt.liveupdate.inferring import Landing, SourceTree, UnseenTree, arrivals, blind
from pytilt.liveupdate.planning import ChangedFile
from pytilt.liveupdate.processes import programs, reloader_of, shown
from pytilt.loop.images.image_uses import ContainerUse, brings, image_uses, process_of
from pytilt.loop.images.restart_safety import LASTING, images_below, restart_problem
from pytilt.model.images import DockerBuild, Image, ImageConfig
from pytilt.model.inference import Chain, Copied, Executed, Inference, InferenceMode, Inferred, Process, Taken
from pytilt.model.names import ImageName
from pytilt.model.objects import ImageMap, Resource
from pytilt.model.resources import Deploy
from pytilt.store.objects import Snapshot

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
    return inferences(resource, configs, supervised, DiskTree())


def inferences(
    resource: Resource,
    configs: Mapping[ImageName, ImageConfig],
    supervised: Collection[ImageName] = (),
    tree: SourceTree | None = None,
) -> tuple[Inference, ...]:
    """The same, of images as they were built, some of them so that their program can be started again."""
    same = resource.digest == resource.status.applied_digest
    before = {each.image: each.blocked for each in resource.status.inferences if same}
    found = (
        _inference(
            resource,
            image,
            configs.get(image.name),
            before.get(image.name, ""),
            supervised=image.name in supervised,
            tree=tree or UnseenTree(),
        )
        for image in resource.spec.images
        if image.deployed and image.live_update is None and isinstance(image.build, DockerBuild)
    )
    return tuple(each for each in found if each is not None)


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


def _inference(
    resource: Resource, image: Image, config: ImageConfig | None, blocked: str, *, supervised: bool, tree: SourceTree
) -> Inference | None:
    deploy = resource.spec.deploy
    below = {each.name: each for each in images_below(resource.spec.images, image)}
    silent = image.inference in (InferenceMode.OFF, InferenceMode.BUILT) or any(
        _has_its_own(each) for each in below.values()
    )
    if silent or config is None or not deploy.in_cluster:
        return None
    trusted = image.inference is InferenceMode.INFER
    chain = build_chain(image, below, config)
    why = chain.unclear and f"no live update is inferred: {chain.unclear}"
    uses = list(image_uses(deploy.objects, image))
    if not trusted:
        why = blocked or why or _unsafe(deploy, image, uses)
    elif blocked:
        why = blocked
    processes = tuple(_opaque(process_of(each, image, config), chain) for each in uses)
    blind = [each for each in processes if reloader_of(each) is None]
    if not trusted and ((not why and blind) or supervised):
        problem = restart_problem(resource.spec, image, config, tree)
        supervised = supervised and not problem
        if blind and not why and not supervised:
            not_again = problem or "its image has no `synclet`"
            why = (
                f"`{shown(blind[0])}` in container `{blind[0].container}` is not known to see changed files, "
                f"and is not started again by itself: {not_again}; {_TRUST}"
            )
    if why or not any(isinstance(step, Copied) for step in chain.steps):
        return Inference(image=image.name, why=why, blocked=blocked)
    rules = Inferred(
        chain=chain,
        processes=processes,
        trusted=trusted,
        user=next((user for each in uses if (user := each.user or config.user.partition(":")[0])), ""),
        mounts=(*config.volumes, *(mount for each in uses for mount in each.mounts)),
        supervised=supervised,
    )
    return Inference(image=image.name, rules=rules)


def _has_its_own(image: Image) -> bool:
    return image.live_update is not None or image.inference is InferenceMode.OFF


def _unsafe(deploy: Deploy, image: Image, uses: Sequence[ContainerUse]) -> str:
    """Why a sync would perhaps not do what a full build does; empty when it would."""
    if not uses or image.match_in_env_vars or not deploy.names_containers:
        return f"it is not known what runs image `{image.name}`; {_TRUST}"
    for each in uses:
        name = each.name
        if objects.kind(each.o) not in LASTING:
            return f"a {objects.kind(each.o)} runs image `{image.name}`, and is to run anew"
        if each.init:
            return f"the init container `{name}` runs image `{image.name}`, and is to run anew"
        if each.read_only:
            return f"the file system of container `{name}` is read-only"
    return ""


def _opaque(process: Process, chain: Chain) -> Process:
    """Notice a program that the project itself brings under a well-known name."""
    brought = [step for step in chain.steps if isinstance(step, Copied | Taken)]
    return replace(process, opaque=True) if any(brings(brought, each) for each in programs(process)) else process
