"""What is looked at, and filled in, before an object is stored."""

from collections.abc import Mapping
from typing import Any

from pytilt.engines.objects.fields import NEW_POD_STATUS, Json, namespaced
from pytilt.engines.objects.kinds import HINT, is_kept
from pytilt.engines.objects.labels import Project
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
    obj = namespaced(wanted, namespace)
    name = obj["metadata"].get("name")
    if not name:
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


def _check_cron_job(obj: KubeObject) -> None:
    spec = obj.get("spec") or {}
    schedules.parse(str(spec.get("schedule", "")), str(spec.get("timeZone") or ""))
    _check_template(obj, (spec.get("jobTemplate") or {}).get("spec") or {})


def _check_template(obj: KubeObject, spec: Mapping[str, Any]) -> None:
    template = spec.get("template") or {}
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


def _check_pod(obj: KubeObject, spec: Mapping[str, Any]) -> None:
    if not spec.get("containers"):
        raise _invalid(obj, "it has no containers")
    pod = {"metadata": {"name": obj["metadata"]["name"], "namespace": "", "uid": ""}, "spec": spec}
    pod_volumes(pod, Project(id=""))
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
