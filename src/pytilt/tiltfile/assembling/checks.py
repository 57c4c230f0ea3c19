"""What must hold of a declaration as a whole, and what is said when it does not."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from pytilt.errors import UserError
from pytilt.model.images import Image
from pytilt.model.names import ImageName, ResourceName
from pytilt.model.resources import ResourceSpec
from pytilt.tiltfile.arguments.naming import name_problem
from pytilt.tiltfile.assembling.images_assembly import ImageIndex
from pytilt.tiltfile.running.declared import UnusedStep

_MOST_SIMILAR = 3
_SIMILAR = 0.3
"""How alike a name must be to be proposed, by the measure of difflib."""

_NO_DEPLOYMENT = (
    "We could not find any deployment instructions, e.g. `k8s_yaml` or `docker_compose`.\n"
    "Skipping all image builds until we know how to deploy them."
)
_NO_IMAGES = (
    "No Kubernetes configs with images found.\n"
    "If you are using CRDs, add k8s_kind() to tell Tilt how to find images.\n"
    "https://docs.tilt.dev/api.html#api.k8s_kind"
)


def known_deps(resources: Sequence[ResourceSpec]) -> tuple[tuple[ResourceSpec, ...], tuple[str, ...]]:
    """The resources without dependencies on what does not exist, and a warning for each of those.

    Raises:
        UserError: a resource depends on itself, in one step or in several.
    """
    names = {resource.name for resource in resources}
    kept, warnings = [], []
    for resource in resources:
        if resource.name in resource.resource_deps:
            raise UserError(f"resource {resource.name} specified a dependency on itself")
        unknown = [dep for dep in resource.resource_deps if dep not in names]
        warnings += [
            f"resource {resource.name} specified a dependency on unknown resource {dep} - dependency ignored"
            for dep in unknown
        ]
        deps = tuple(dep for dep in resource.resource_deps if dep in names)
        each = tuple(dep for dep in resource.each_update if dep in names)
        kept.append(msgspec.structs.replace(resource, resource_deps=deps, each_update=each) if unknown else resource)
    _check_cycles(kept)
    return tuple(kept), tuple(warnings)


def _check_cycles(resources: Sequence[ResourceSpec]) -> None:
    deps = {resource.name: resource.resource_deps for resource in resources}
    done: set[ResourceName] = set()

    def visit(name: ResourceName, path: tuple[ResourceName, ...]) -> None:
        if name in path:
            cycle = (*path[path.index(name) :], name)
            raise UserError(f"cycle detected in resource dependency graph: {' -> '.join(cycle)}")
        if name not in done:
            for dep in deps[name]:
                visit(dep, (*path, name))
            done.add(name)

    for name in deps:
        visit(name, ())


def unused_images(
    index: ImageIndex, suppressed: Collection[str], *, has_yaml: bool, has_workloads: bool, kind: str = "Kubernetes"
) -> str:
    """What to say about images that no resource uses; empty when there is nothing to say.

    Args:
        index: the images, after every resource asked for its own.
        suppressed: the images about which nothing is said; `*` for all.
        has_yaml: are there any Kubernetes objects?
        has_workloads: is there a resource that was made of some?
        kind: what configuration should name them.
    """
    unused = [name for name in index.unused if name not in suppressed and "*" not in suppressed]
    if not unused:
        return ""
    if not has_yaml:
        return _NO_DEPLOYMENT
    if not has_workloads:
        return _NO_IMAGES
    name = unused[0]
    repository = name.partition(":")[0] if "/" not in name.partition(":")[2] else name
    import difflib  # imported here: most Tiltfiles have nothing to complain of

    similar = difflib.get_close_matches(repository, index.asked, _MOST_SIMILAR, _SIMILAR)
    proposal = "Did you mean…\n" + "".join(f"    - {one}\n" for one in similar) if similar else ""
    return (
        f"Image not used in any {kind} config:\n    ✕ {name}\n{proposal}Skipping this image build\n"
        "If this is deliberate, suppress this warning with: "
        f'update_settings(suppress_unused_image_warnings=["{name}"])'
    )


def check_live_updates(resources: Sequence[ResourceSpec]) -> None:
    """Every file that a live update names must be watched.

    Raises:
        UserError: one is not.
    """
    for resource in resources:
        by_name = {image.name: image for image in resource.images}
        for image in resource.images:
            if image.deployed and image.live_update:
                _check_sources(image, _watched(image, by_name))


def _watched(image: Image, by_name: Mapping[ImageName, Image]) -> list[str]:
    paths = [path for base in image.base_images for path in _watched(by_name[base], by_name)]
    return [*paths, *image.files.paths]


def _check_sources(image: Image, watched: Sequence[str]) -> None:
    if image.live_update is None:
        return
    shown = f"([{' '.join(watched)}])"
    for sync in image.live_update.syncs:
        if not _is_below_one(sync.local, watched):
            raise UserError(f"sync step source '{sync.local}' is not a child of any watched filepaths {shown}")
    for path in image.live_update.fall_back_on:
        if not _is_below_one(path, watched):
            raise UserError(f"fall_back_on paths '{path}' is not a child of any watched filepaths {shown}")


def _is_below_one(path: str, parents: Sequence[str]) -> bool:
    return any(path == parent or path.startswith(f"{parent.rstrip('/')}/") for parent in parents)


def check_names(resources: Sequence[ResourceSpec]) -> None:
    """Every resource must have a name that fits into the path of a request.

    Raises:
        UserError: one has none, or another.
    """
    for name in (each.name for each in resources):
        if not name:
            raise UserError("manifest missing name", hint="give every resource a name")
        if problem := name_problem(name):
            raise UserError(f'invalid value "{name}": {problem}', hint="give the resource another name")


def check_steps(unused: Sequence[UnusedStep]) -> None:
    """Every step of a live update must be part of one.

    Raises:
        UserError: some are not, which is mostly a slip.
    """
    if unused:
        lines = "\n\t".join(f"{step.position}: value '{step.shown}' of type '{step.type_name}'" for step in unused)
        raise UserError(
            f"found {len(unused)} live_update steps that were created but not used in a live_update:\n{lines}"
        )
