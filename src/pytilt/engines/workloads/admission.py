"""What is looked at, and filled in, before an object is stored."""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

from pytilt.cluster import naming, objects
from pytilt.engines.objects.fields import NEW_POD_STATUS, Json
from pytilt.engines.objects.kinds import CLUSTER_SCOPED, HINT, is_kept
from pytilt.engines.objects.labels import EngineProject
from pytilt.engines.podspec.plan import all_containers
from pytilt.engines.podspec.volumes import pod_volumes
from pytilt.engines.workloads import schedules
from pytilt.errors import ApplyError
from pytilt.model.resources import KubeObject

TEMPLATED = ("DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet")
FIXED = {
    "Job": ("template", "completions", "selector"),
    "Pod": (),
    "StatefulSet": ("serviceName", "podManagementPolicy"),
}
"""Fields of a spec that cannot be changed: the object is replaced. Of a Pod none can."""


def admitted(wanted: KubeObject, namespace: str) -> Json:
    """The object with its namespace and defaults, if it can be run or kept.

    Raises:
        ApplyError: it cannot, and why.
    """
    kept = is_kept(wanted)
    naming.check(wanted)
    naming.refuse(wanted, list(_invalid_keys(wanted)))
    obj = _namespaced(wanted, namespace)
    if not obj["metadata"].get("name"):
        hint = "give it a `metadata.name`; the context `engine` makes no names of `generateName`"
        raise ApplyError(f"a `{obj['kind']}` has no name", hint=hint)
    if kept:
        return obj
    kind = obj["kind"]
    if kind in TEMPLATED:
        _check_template(obj, obj.get("spec") or {})
    if kind == "Pod":
        _check_pod(obj, obj.get("spec") or {})
        obj["status"] = NEW_POD_STATUS
    if kind == "CronJob":
        _check_cron_job(obj)
    if kind == "PersistentVolumeClaim":
        obj["status"] = {"phase": "Bound"}
    if kind == "Namespace":
        obj["status"] = {"phase": "Active"}
    return obj


def must_be_replaced(before: KubeObject, wanted: KubeObject) -> bool:
    """Does the change touch what cannot be changed?"""
    kind = wanted["kind"]
    if kind not in FIXED:
        return False
    old, new = before.get("spec") or {}, wanted.get("spec") or {}
    if kind == "Pod":
        return bool(old != new)
    return any(old.get(field) != new.get(field) for field in FIXED[kind])


def _namespaced(obj: KubeObject, namespace: str) -> Json:
    """The object with its namespace filled in."""
    metadata = dict(obj.get("metadata") or {})
    if obj.get("kind") in CLUSTER_SCOPED:
        metadata.pop("namespace", None)
    else:
        metadata["namespace"] = metadata.get("namespace") or namespace
    return {**obj, "metadata": metadata}


def _check_cron_job(obj: KubeObject) -> None:
    spec = obj.get("spec") or {}
    schedules.parse(str(spec.get("schedule", "")), str(spec.get("timeZone") or ""))
    _check_template(obj, (spec.get("jobTemplate") or {}).get("spec") or {})


def _check_template(obj: KubeObject, spec: Mapping[str, Any]) -> None:
    template = spec.get("template") or {}
    naming.refuse(obj, list(_invalid_labels(spec, template)))
    _check_pod(obj, template.get("spec") or {})
    labels = (template.get("metadata") or {}).get("labels") or {}
    selector = (spec.get("selector") or {}).get("matchLabels")
    if obj["kind"] == "ReplicationController":
        selector = spec.get("selector") or labels
    if obj["kind"] not in ("Job", "CronJob") and (not selector or not selector.items() <= labels.items()):
        raise _invalid(obj, "`selector` does not match the labels of `template`")
    policy = (template.get("spec") or {}).get("restartPolicy") or "Always"
    if obj["kind"] in ("Job", "CronJob"):
        if policy == "Always":
            raise _invalid(obj, "`restartPolicy` of a Job must be `OnFailure` or `Never`")
    elif policy != "Always":
        raise _invalid(obj, f"`restartPolicy` of a {obj['kind']} must be `Always`")


def _invalid_keys(obj: KubeObject) -> Iterator[str]:
    """What is wrong with the data of a ConfigMap or a Secret: its keys become the names of files."""
    kind = obj["kind"]
    for field in ("data", "binaryData", "stringData") if kind in ("ConfigMap", "Secret") else ():
        for key, value in objects.mapping(obj, field).items():
            if problem := naming.config_key(str(key)):
                yield naming.invalid(f"{field}[{key}]", key, problem)
            elif (field == "binaryData" or (field, kind) == ("data", "Secret")) and not _is_base64(value):
                yield f"{field}[{key}]: it is no base64"  # without the value, which is secret


def _is_base64(value: object) -> bool:
    try:
        b64decode("".join(str(value or "").split()), validate=True)
    except ValueError:
        return False
    return True


def _invalid_labels(spec: Mapping[str, Any], template: Mapping[str, Any]) -> Iterator[str]:
    yield from naming.invalid_labels("spec.template.labels", objects.metadata(template).get("labels"))
    selector = objects.mapping(spec, "selector")
    if "matchLabels" in selector:
        yield from naming.invalid_labels("spec.selector.matchLabels", selector["matchLabels"])


def _invalid_names(spec: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the names in a pod, which become parts of the engine's names."""
    for field in ("initContainers", "containers", "volumes"):
        for index, item in enumerate(objects.items(spec, field)):
            place = f"spec.{field}[{index}]"
            yield from naming.invalid_name(f"{place}.name", item.get("name"), naming.label)
            if (image := item.get("image")) is not None and (not isinstance(image, str) or image != image.strip()):
                yield naming.invalid(f"{place}.image", image, "must not have leading or trailing whitespace")
    for index, item in enumerate(objects.items(spec, "volumes")):
        claim = objects.mapping(item, "persistentVolumeClaim")
        if claim:
            place = f"spec.volumes[{index}].persistentVolumeClaim.claimName"
            yield from naming.invalid_name(place, claim.get("claimName"), naming.subdomain)


def _check_pod(obj: KubeObject, spec: Mapping[str, Any]) -> None:
    naming.refuse(obj, list(_invalid_names(spec)))
    if not spec.get("containers"):
        raise _invalid(obj, "it has no containers")
    pod = {"metadata": {"name": obj["metadata"]["name"], "namespace": "", "uid": ""}, "spec": spec}
    pod_volumes(pod, EngineProject(id=""))
    names = [container.get("name") for container in all_containers(pod)]
    if not all(names) or len(set(names)) != len(names):
        raise _invalid(obj, "its containers need names of their own")
    for container in all_containers(pod):
        _check_container(obj, container)


def _check_container(obj: KubeObject, container: Mapping[str, Any]) -> None:
    if not container.get("image"):
        raise _invalid(obj, f"the container `{container['name']}` has no image")
    if container.get("volumeDevices"):
        what = f"`{obj['kind']}/{obj['metadata']['name']}` needs a Kubernetes cluster: it uses block devices"
        raise ApplyError(what, hint=HINT)


def _invalid(obj: KubeObject, what: str) -> ApplyError:
    return ApplyError(f"`{obj['kind']}/{obj['metadata']['name']}` is invalid: {what}")
