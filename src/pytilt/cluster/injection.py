"""What is written into objects before they are applied: images, labels, settings that suit development."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from pytilt.cluster import objects, workloads
from pytilt.cluster.order import is_built_in
from pytilt.errors import ApplyError
from pytilt.model import references
from pytilt.model.images import Image
from pytilt.model.names import ImageName
from pytilt.model.resources import ImageLocator, KubeObject
from pytilt.synclet import verbs

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "tilt"
TEMPLATE_HASH_LABEL = "tilt.dev/pod-template-hash"
"""Distinguishes the pods of this template from those of the one before."""

_PULL_POLICY = "IfNotPresent"
_COMMAND_FIELDS = frozenset({"command", "args"})


def inject(
    wanted: Sequence[KubeObject],
    images: Mapping[ImageName, str],
    specs: Sequence[Image],
    locators: Sequence[ImageLocator] = (),
    *,
    supervised: Collection[ImageName] = (),
) -> tuple[KubeObject, ...]:
    """The objects as they are to be applied; the given ones stay as they are.

    Args:
        wanted: the objects of one resource.
        images: the present reference of each image, as the cluster is to name it.
        specs: the images that the objects name (`KubernetesDeploy.images`).
        locators: further places that name images, besides containers.
        supervised: the images whose program the helper `synclet` starts, also where an object says which.

    Raises:
        ApplyError: an image is in none of the objects, or a command was to be set where there is no container.
    """
    missing = {spec.name for spec in specs}
    result = []
    for one in wanted:
        o = _copy(one)
        _label_object(o)
        if specs:
            _suit_development(o)
        found = [spec for spec in specs if _replace(o, spec, images[spec.name], locators, supervised)]
        missing -= {spec.name for spec in found}
        if found or is_built_in(objects.group(objects.api_version(o))):
            _label_templates(o)
        result.append(o)
    for spec in specs:
        if spec.name in missing:
            raise ApplyError(
                f"Docker image missing from yaml: {spec.name}",
                hint="no container of the resource names it; if a custom resource names it, use `k8s_kind`",
            )
    return tuple(result)


def is_injected(key: str, value: object) -> bool:
    """Is a field nothing, or no more than what `inject` writes into objects of which it does not know the kind?"""
    if isinstance(value, Mapping):
        return bool(value) and all(is_injected(*each) for each in value.items())
    is_policy = key in ("imagePullPolicy", "pullPolicy") and value == _PULL_POLICY
    return value is None or is_policy or key in (MANAGED_BY_LABEL, TEMPLATE_HASH_LABEL)


def template_hashes(applied: Sequence[KubeObject]) -> tuple[str, ...]:
    """The hashes of the pod templates of objects that were made by `inject`."""
    return tuple(
        labels[TEMPLATE_HASH_LABEL]
        for o in applied
        for template in workloads.templates(o)
        if TEMPLATE_HASH_LABEL in (labels := objects.labels(template))
    )


def _label_object(o: dict[str, Any]) -> None:
    _labels(o)[MANAGED_BY_LABEL] = MANAGED_BY
    if not is_built_in(objects.group(objects.api_version(o))):
        return
    for selector in _selectors(o):
        if MANAGED_BY_LABEL in selector:
            # The label of the pods changes, so what chooses them by it must change too.
            selector[MANAGED_BY_LABEL] = MANAGED_BY


def _selectors(o: dict[str, Any]) -> Iterator[dict[str, Any]]:
    kind, spec = objects.kind(o), objects.mapping(o, "spec")
    if kind in ("Service", "ReplicationController") and isinstance(spec.get("selector"), dict):
        yield spec["selector"]
    elif kind != "PersistentVolumeClaim":
        yield from _match_labels(spec)


def _match_labels(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from _match_labels(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == "matchLabels" and isinstance(inner, dict):
                yield inner
            elif key != "volumeClaimTemplates":
                yield from _match_labels(inner)


def _label_templates(o: dict[str, Any]) -> None:
    job_template = objects.mapping(o, "spec", "jobTemplate")
    if isinstance(job_template, dict) and job_template:
        _labels(job_template)[MANAGED_BY_LABEL] = MANAGED_BY
    for template in workloads.templates(o):
        labels = _labels(template)
        labels[MANAGED_BY_LABEL] = MANAGED_BY
        labels.pop(TEMPLATE_HASH_LABEL, None)
        # Twenty hex digits of SHA-1 over the finished template, as in Tilt.
        digest = hashlib.sha1(msgspec.json.encode(template, order="sorted"), usedforsecurity=False)
        labels[TEMPLATE_HASH_LABEL] = digest.hexdigest()[:20]


def _suit_development(o: dict[str, Any]) -> None:
    """Take the image that was just built, and do not wait for a pod that crashes before starting the next."""
    for container in workloads.containers(o) if workloads.is_known(o) else ():
        container["imagePullPolicy"] = _PULL_POLICY
    if objects.kind(o) == "StatefulSet" and objects.group(objects.api_version(o)) == "apps":
        _child(o, "spec")["podManagementPolicy"] = "Parallel"


def _replace(
    o: dict[str, Any],
    spec: Image,
    reference: str,
    locators: Sequence[ImageLocator],
    supervised: Collection[ImageName],
) -> bool:
    """Put a reference wherever the object means the image; was there such a place?"""
    in_containers = [
        container for container in workloads.containers(o) if references.means(str(container.get("image") or ""), spec)
    ]
    for container in in_containers:
        container["image"], container["imagePullPolicy"] = reference, _PULL_POLICY
    located = _in_located(o, spec, reference, locators)
    elsewhere = [
        *(_in_volumes(o, spec, reference)),
        *(_in_environment(o, spec, reference) if spec.match_in_env_vars else ()),
        *located,
    ]
    if not in_containers and not elsewhere:
        return False
    _set_command(o, spec, reference, [*in_containers, *_like_containers(located, in_containers)])
    for container in in_containers if spec.name in supervised else ():
        if container.get("command"):  # without one it is the image's own entry point, which does that already
            container["command"] = [verbs.PATH, *verbs.supervise(map(str, container["command"]))]
    return True


def _in_volumes(o: dict[str, Any], spec: Image, reference: str) -> Iterator[bool]:
    for volume in workloads.image_volumes(o):
        if references.means(str(volume.get("reference") or ""), spec):
            volume["reference"] = reference
            volume["pullPolicy"] = _PULL_POLICY
            yield True


def _in_environment(o: dict[str, Any], spec: Image, reference: str) -> Iterator[bool]:
    for entry in workloads.environment(o):
        if references.means(str(entry.get("value") or ""), spec):
            entry["value"] = reference
            yield True


def _in_located(
    o: dict[str, Any], spec: Image, reference: str, locators: Sequence[ImageLocator]
) -> list[workloads.LocatedImage]:
    found = []
    for each in workloads.located(o, locators):
        if references.means(each.reference, spec):
            each.replace(reference)
            found.append(each)
        elif each.reference == reference:
            # The path leads into a container, which was dealt with already.
            found.append(each)
    return found


def _like_containers(
    located: Sequence[workloads.LocatedImage], containers: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """What an image was located in that says what it runs, as containers do: the steps of a workflow, for example."""
    for each in located:
        holder = each.holder
        if holder is not None and not _COMMAND_FIELDS.isdisjoint(holder) and not any(holder is c for c in containers):
            yield holder


def _set_command(o: dict[str, Any], spec: Image, reference: str, containers: Sequence[dict[str, Any]]) -> None:
    if spec.entrypoint is None and spec.container_args is None:
        return
    if not containers:
        raise ApplyError(
            f"could not inject command {list(spec.entrypoint or ())} into entity: {objects.name(o)}. "
            f"No container found matching ref: {reference}. "
            "Note: command overrides only supported on containers with images, not on CRDs",
            hint="remove `entrypoint` and `container_args` of this image, or write `command: []` beside it in the YAML",
        )
    for container in containers:
        if spec.entrypoint is not None:
            container["command"] = list(spec.entrypoint)
        if spec.container_args is not None:
            container["args"] = list(spec.container_args)


def _labels(holder: dict[str, Any]) -> dict[str, Any]:
    return _child(_child(holder, "metadata"), "labels")


def _child(holder: dict[str, Any], key: str) -> dict[str, Any]:
    """The mapping under a key, made when it is missing or null."""
    if not isinstance(holder.get(key), dict):
        holder[key] = {}
    child: dict[str, Any] = holder[key]
    return child


def _copy(value: Any) -> Any:  # noqa: ANN401 - whatever an object holds
    if isinstance(value, Mapping):
        return {key: _copy(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(inner) for inner in value]
    return value
