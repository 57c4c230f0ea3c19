"""Where an object has containers, and which images they name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pytilt.cluster import objects, selecting
from pytilt.cluster.json_path import JsonPlace, find, missing
from pytilt.cluster.order import is_built_in
from pytilt.errors import UserError
from pytilt.model import references
from pytilt.model.base import Value
from pytilt.model.images import Image
from pytilt.model.resources import ImageLocator, KubeObject, PodReadiness

_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Deployment": ("spec", "template"),
    "Job": ("spec", "template"),
    "PodTemplate": ("template",),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
}
"""Where the built-in kinds keep their pod template."""

_DEEPEST = 12
"""So many levels below a custom resource are looked through for pod specs."""

_NO_SPECS = ("apiVersion", "kind", "metadata", "status")
"""What of a custom resource is not looked through."""

_READINESS = {"Job": PodReadiness.SUCCEEDED, "CronJob": PodReadiness.IGNORE}
"""A Job is done when its pod succeeded; the pods of a CronJob come by the clock. As in Tilt."""


class WorkloadKind(Value):
    """Objects that count as workloads whatever is in them (`k8s_kind`). The fields are regular expressions."""

    kind: str
    api_version: str = ""
    pod_readiness: PodReadiness | None = None

    def matches(self, o: KubeObject) -> bool:
        """Is this one of them?"""
        return selecting.matches(o, kind=self.kind, api_version=self.api_version)


def is_workload(
    o: KubeObject, images: Sequence[Image], kinds: Sequence[WorkloadKind] = (), locators: Sequence[ImageLocator] = ()
) -> bool:
    """Does this object get a resource of its own?

    Args:
        o: an object.
        images: those that the Tiltfile builds; they decide for custom resources that hold a pod template, and for
            values of environment variables.
        kinds: of `k8s_kind`.
        locators: of `k8s_kind` and `k8s_image_json_path`.
    """
    if any(kind.matches(o) for kind in kinds) or image_names(o, images, locators):
        return True
    return bool(located(o, locators)) or (is_known(o) and any(True for _ in _spec_images(pod_specs(o))))


def readiness(wanted: Sequence[KubeObject], kinds: Sequence[WorkloadKind] = ()) -> PodReadiness | None:
    """What the pods of a resource must reach because of the kinds of its objects; None when those say nothing."""
    modes = {kind.pod_readiness for kind in kinds for o in wanted if kind.matches(o)}
    modes |= {_READINESS.get(objects.kind(o)) for o in wanted if is_known(o)}
    return next(
        (mode for mode in (PodReadiness.WAIT, PodReadiness.IGNORE, PodReadiness.SUCCEEDED) if mode in modes), None
    )


def is_known(o: KubeObject) -> bool:
    """Is it of one of Kubernetes' own kinds, and no custom resource?"""
    return is_built_in(objects.group(objects.api_version(o)))


def makes_pods(o: KubeObject) -> bool:
    """Is it of a built-in kind that holds a pod template?"""
    return is_known(o) and bool(templates(o))


def runs(o: KubeObject) -> bool:
    """Does everything of it run, as its status says? What has no pods runs; of custom resources nobody knows it."""
    if not is_known(o):
        return False
    spec, status, kind = objects.mapping(o, "spec"), objects.mapping(o, "status"), objects.kind(o)
    if kind == "Pod":
        return status.get("phase") in ("Running", "Succeeded")
    if not templates(o):
        return True
    wanted = status.get("desiredNumberScheduled") if kind == "DaemonSet" else spec.get("replicas", 1)
    names = {"DaemonSet": "numberReady", "Job": "succeeded"}
    ready, current = status.get(names.get(kind, "readyReplicas")), status.get("updatedReplicas", wanted)
    return isinstance(wanted, int) and isinstance(ready, int) and ready >= wanted and current == wanted


def image_names(o: KubeObject, images: Sequence[Image], locators: Sequence[ImageLocator] = ()) -> tuple[Image, ...]:
    """Those of the images that the object names somewhere."""
    if not images:
        return ()
    named = references_in(o, locators)
    values = [str(entry.get("value") or "") for entry in environment(o)]
    return tuple(
        image
        for image in images
        if any(references.means(reference, image) for reference in named)
        or (image.match_in_env_vars and any(references.means(value, image) for value in values))
    )


def references_in(o: KubeObject, locators: Sequence[ImageLocator] = ()) -> tuple[str, ...]:
    """Every image reference of the object: containers, init containers, image volumes, located ones."""
    return (*_spec_images(pod_specs(o)), *(each.reference for each in located(o, locators)))


def templates(o: KubeObject) -> list[dict[str, Any]]:
    """The pod templates of the object, the very mappings inside it. A Pod is none.

    In a custom resource, whatever holds a pod spec under `spec` is taken for one, however deep: those of Argo Rollouts,
    Knative, training jobs and many more.
    """
    if is_known(o):
        path = _TEMPLATES.get(objects.kind(o))
        template = objects.mapping(o, *path) if path else {}
        return [template] if isinstance(template, dict) and template else []
    return [template for template, _ in _custom_specs(o) if template is not None]


def pod_specs(o: KubeObject) -> list[dict[str, Any]]:
    """The pod specs of the object, the very mappings inside it."""
    if objects.kind(o) == "Pod" and objects.api_version(o) == "v1":
        spec = objects.mapping(o, "spec")
        return [spec] if isinstance(spec, dict) else []
    if not is_known(o):
        return [spec for _, spec in _custom_specs(o)]
    return [template["spec"] for template in templates(o) if isinstance(template.get("spec"), dict)]


def _custom_specs(o: KubeObject) -> Iterator[tuple[dict[str, Any] | None, dict[str, Any]]]:
    """Every pod spec in a custom resource, each after the template that holds it; None where that is no template."""
    for key, value in o.items():
        if key not in _NO_SPECS:
            yield from _specs_below(value, None, 1)


def _specs_below(
    value: object, holder: dict[str, Any] | None, depth: int
) -> Iterator[tuple[dict[str, Any] | None, dict[str, Any]]]:
    if isinstance(value, dict):
        if _is_pod_spec(value):
            yield holder, value
        elif depth < _DEEPEST:
            for key, inner in value.items():
                yield from _specs_below(inner, value if key == "spec" else None, depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        for inner in value:
            yield from _specs_below(inner, None, depth + 1)


def _is_pod_spec(value: Mapping[str, Any]) -> bool:
    found = value.get("containers")
    return isinstance(found, list) and bool(found) and all(isinstance(each, dict) and "image" in each for each in found)


def containers(o: KubeObject) -> list[dict[str, Any]]:
    """Its init containers and containers, the very mappings inside it."""
    return [
        container
        for spec in pod_specs(o)
        for key in ("initContainers", "containers")
        for container in objects.items(spec, key)
    ]


def image_volumes(o: KubeObject) -> list[dict[str, Any]]:
    """The sources of the volumes that are made from an image."""
    volumes = [volume for spec in pod_specs(o) for volume in objects.items(spec, "volumes")]
    return [volume["image"] for volume in volumes if isinstance(volume.get("image"), dict)]


def environment(o: KubeObject) -> list[dict[str, Any]]:
    """The entries of the environments of its containers."""
    return [entry for container in containers(o) for entry in objects.items(container, "env")]


class LocatedImage:
    """An image reference at a place that a locator found.

    Args:
        reference: the reference as written there.
        replace: puts another one there.
        holder: the mapping in which it stands, where that is one with a field `image`.
    """

    def __init__(self, reference: str, replace: Callable[[str], None], holder: dict[str, Any] | None = None) -> None:
        self.reference = reference
        self.replace = replace
        self.holder = holder


def located(o: KubeObject, locators: Sequence[ImageLocator]) -> list[LocatedImage]:
    """The references that locators find in the object."""
    return [each for locator in locators if _is_for(locator, o) for each in _located_images(o, locator)]


def check_located(o: KubeObject, locators: Sequence[ImageLocator]) -> None:
    """Check that every locator of an object finds an image in it.

    Raises:
        UserError: one leads nowhere, or to something that is no image.
    """
    for locator in locators:
        if not _is_for(locator, o):
            continue
        for path in (*locator.paths, *filter(None, (locator.object_path,))):
            if wrong := _wrong(o, path, locator):
                raise UserError(
                    f"finding image in {objects.kind(o)}/{objects.name(o)}: {wrong}",
                    hint=f"correct the JSON path `{path}`, or choose other objects by kind, name or namespace",
                )


def _wrong(o: KubeObject, path: str, locator: ImageLocator) -> str:
    if lost := missing(path, o):
        return f"{lost} is not found"
    of_object = path == locator.object_path
    for place in find(path, o):
        found: Any = place.value
        if of_object and not isinstance(found, dict):
            return f"`{path}` may only match maps, and matches `{found}`"
        reference = _located_object(found, locator).reference if of_object else found
        if not isinstance(reference, str):
            return f"`{path}` may only match strings, and matches `{found}`"
        if references.try_parse(reference) is None:
            return f"error parsing image '{reference}' at json path '{path}'"
    return ""


def _is_for(locator: ImageLocator, o: KubeObject) -> bool:
    return selecting.matches(
        o, kind=locator.kind, api_version=locator.api_version, name=locator.name, namespace=locator.namespace
    )


def _located_images(o: KubeObject, locator: ImageLocator) -> Iterator[LocatedImage]:
    for path in locator.paths:
        for place in find(path, o):
            if isinstance(place.value, str):
                yield LocatedImage(place.value, _string_replacer(place), place.holder if place.key == "image" else None)
    if locator.object_path:
        for place in find(locator.object_path, o):
            if isinstance(place.value, dict):
                yield _located_object(place.value, locator)


def _string_replacer(place: JsonPlace) -> Callable[[str], None]:
    def replace(reference: str) -> None:
        place.holder[place.key] = reference
        if isinstance(place.holder, dict) and "imagePullPolicy" in place.holder:
            place.holder["imagePullPolicy"] = "IfNotPresent"

    return replace


def _located_object(holder: dict[str, Any], locator: ImageLocator) -> LocatedImage:
    repository, tag = holder.get(locator.repo_field), holder.get(locator.tag_field)
    reference = repository if isinstance(repository, str) else ""
    if isinstance(tag, str) and tag:
        reference = f"{reference}:{tag}"

    def replace(new: str) -> None:
        parsed = references.try_parse(new)
        if parsed is None:
            return
        holder[locator.repo_field] = parsed.familiar_name
        if parsed.tag and locator.tag_field:
            holder[locator.tag_field] = parsed.tag

    return LocatedImage(reference, replace)


def _spec_images(specs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for spec in specs:
        for key in ("initContainers", "containers", "ephemeralContainers"):
            yield from (str(entry["image"]) for entry in objects.items(spec, key) if entry.get("image"))
        for volume in objects.items(spec, "volumes"):
            reference = objects.mapping(volume, "image").get("reference")
            if reference:
                yield str(reference)
