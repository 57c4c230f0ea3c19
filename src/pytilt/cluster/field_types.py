"""The types of the fields of Kubernetes' own kinds: `value: 1` where a text is wanted is refused before a build.

Only what people write by hand and get wrong is listed; a field or a kind that is not here may hold anything. Pure.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from pytilt.cluster import objects
from pytilt.model.regex import regex
from pytilt.model.resources import KubeObject


class WrongType(NamedTuple):
    """A field that holds what it cannot hold."""

    path: str
    """For example `spec.template.spec.containers[0].env[0].value`."""
    found: str
    """The type, in the words of JSON."""
    wanted: str
    value: object


class _Leaf(NamedTuple):
    wanted: str
    accepts: Callable[[Any], bool]


_QUANTITY = regex(r"[+-]?(\d+\.?\d*|\.\d+)(|[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)")


def _is_base64(value: object) -> bool:
    try:
        return isinstance(value, str) and base64.b64decode("".join(value.split()), validate=True) is not None
    except (binascii.Error, ValueError):
        return False


def _is_quantity(value: object) -> bool:
    return type(value) in (int, float) or (isinstance(value, str) and _QUANTITY.fullmatch(value.strip()) is not None)


_TEXT = _Leaf("string", lambda value: isinstance(value, str))
_WHOLE = _Leaf("int", lambda value: type(value) is int)
_FLAG = _Leaf("bool", lambda value: type(value) is bool)
_AMOUNT = _Leaf("a quantity like `500m` or `1Gi`", _is_quantity)
_BYTES = _Leaf("base64 text", _is_base64)
_EITHER = _Leaf("int or string", lambda value: type(value) is int or isinstance(value, str))
_ALL = "*"
_TEXTS, _WORDS = {_ALL: _TEXT}, [_TEXT]

_METADATA = {"name": _TEXT, "namespace": _TEXT, "generateName": _TEXT, "labels": _TEXTS, "annotations": _TEXTS}
_HTTP = {"path": _TEXT, "port": _EITHER, "host": _TEXT, "scheme": _TEXT}
_SECONDS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_PROBE = {"httpGet": _HTTP, "exec": {"command": _WORDS}, "tcpSocket": {"port": _EITHER}} | dict.fromkeys(
    _SECONDS, _WHOLE
)
_REFERENCE = {"name": _TEXT, "key": _TEXT, "optional": _FLAG}
_VARIABLE = {
    "name": _TEXT,
    "value": _TEXT,
    "valueFrom": {"configMapKeyRef": _REFERENCE, "secretKeyRef": _REFERENCE, "fieldRef": {"fieldPath": _TEXT}},
}
_SECURITY = {
    "runAsUser": _WHOLE,
    "runAsGroup": _WHOLE,
    "fsGroup": _WHOLE,
    "runAsNonRoot": _FLAG,
    "privileged": _FLAG,
    "readOnlyRootFilesystem": _FLAG,
    "allowPrivilegeEscalation": _FLAG,
}
_CONTAINER = {
    "name": _TEXT,
    "image": _TEXT,
    "imagePullPolicy": _TEXT,
    "workingDir": _TEXT,
    "command": _WORDS,
    "args": _WORDS,
    "env": [_VARIABLE],
    "envFrom": [{"prefix": _TEXT, "configMapRef": _REFERENCE, "secretRef": _REFERENCE}],
    "ports": [{"containerPort": _WHOLE, "hostPort": _WHOLE, "name": _TEXT, "protocol": _TEXT}],
    "resources": {"limits": {_ALL: _AMOUNT}, "requests": {_ALL: _AMOUNT}},
    "volumeMounts": [{"name": _TEXT, "mountPath": _TEXT, "subPath": _TEXT, "readOnly": _FLAG}],
    "livenessProbe": _PROBE,
    "readinessProbe": _PROBE,
    "startupProbe": _PROBE,
    "lifecycle": {"preStop": {"exec": {"command": _WORDS}}, "postStart": {"exec": {"command": _WORDS}}},
    "securityContext": _SECURITY,
    "stdin": _FLAG,
    "tty": _FLAG,
}
_KEYS = [{"key": _TEXT, "path": _TEXT, "mode": _WHOLE}]
_VOLUME = {
    "name": _TEXT,
    "configMap": {"name": _TEXT, "optional": _FLAG, "defaultMode": _WHOLE, "items": _KEYS},
    "secret": {"secretName": _TEXT, "optional": _FLAG, "defaultMode": _WHOLE, "items": _KEYS},
    "hostPath": {"path": _TEXT, "type": _TEXT},
    "emptyDir": {"medium": _TEXT, "sizeLimit": _AMOUNT},
    "persistentVolumeClaim": {"claimName": _TEXT, "readOnly": _FLAG},
}
_POD = {
    "containers": [_CONTAINER],
    "initContainers": [_CONTAINER],
    "volumes": [_VOLUME],
    "restartPolicy": _TEXT,
    "serviceAccountName": _TEXT,
    "nodeSelector": _TEXTS,
    "hostNetwork": _FLAG,
    "hostPID": _FLAG,
    "automountServiceAccountToken": _FLAG,
    "terminationGracePeriodSeconds": _WHOLE,
    "imagePullSecrets": [{"name": _TEXT}],
    "securityContext": _SECURITY,
    "tolerations": [{"key": _TEXT, "operator": _TEXT, "value": _TEXT, "effect": _TEXT, "tolerationSeconds": _WHOLE}],
}
_TEMPLATE = {"metadata": _METADATA, "spec": _POD}
_CLAIM = {"accessModes": _WORDS, "storageClassName": _TEXT, "resources": {"requests": {_ALL: _AMOUNT}}}
_WORKLOAD = {
    "replicas": _WHOLE,
    "revisionHistoryLimit": _WHOLE,
    "selector": {"matchLabels": _TEXTS},
    "serviceName": _TEXT,
    "template": _TEMPLATE,
    "volumeClaimTemplates": [{"metadata": _METADATA, "spec": _CLAIM}],
}
_JOB = {
    "template": _TEMPLATE,
    "backoffLimit": _WHOLE,
    "completions": _WHOLE,
    "parallelism": _WHOLE,
    "activeDeadlineSeconds": _WHOLE,
    "ttlSecondsAfterFinished": _WHOLE,
    "suspend": _FLAG,
}
_PORT = {"port": _WHOLE, "targetPort": _EITHER, "nodePort": _WHOLE, "name": _TEXT, "protocol": _TEXT}
_BACKEND = {"service": {"name": _TEXT, "port": {"number": _WHOLE, "name": _TEXT}}}

_KINDS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("apps/v1", "Deployment"): {"spec": _WORKLOAD},
    ("apps/v1", "StatefulSet"): {"spec": _WORKLOAD},
    ("apps/v1", "DaemonSet"): {"spec": _WORKLOAD},
    ("apps/v1", "ReplicaSet"): {"spec": _WORKLOAD},
    ("batch/v1", "Job"): {"spec": _JOB},
    ("batch/v1", "CronJob"): {"spec": {"schedule": _TEXT, "suspend": _FLAG, "jobTemplate": {"spec": _JOB}}},
    ("v1", "Pod"): {"spec": _POD},
    ("v1", "Service"): {"spec": {"ports": [_PORT], "selector": _TEXTS, "type": _TEXT, "clusterIP": _TEXT}},
    ("v1", "ConfigMap"): {"data": _TEXTS, "immutable": _FLAG},
    ("v1", "Secret"): {"data": {_ALL: _BYTES}, "stringData": _TEXTS, "type": _TEXT},
    ("v1", "PersistentVolumeClaim"): {"spec": _CLAIM},
    ("v1", "Namespace"): {},
    ("v1", "ServiceAccount"): {},
    ("networking.k8s.io/v1", "Ingress"): {
        "spec": {
            "ingressClassName": _TEXT,
            "rules": [{"host": _TEXT, "http": {"paths": [{"path": _TEXT, "pathType": _TEXT, "backend": _BACKEND}]}}],
        }
    },
}


def wrong_type(o: KubeObject) -> WrongType | None:
    """The first field of an object that holds what it cannot hold; None where there is none that is known."""
    shape = _KINDS.get((str(o.get("apiVersion")), objects.kind(o)))
    return None if shape is None else next(_wrong(o, {"metadata": _METADATA, **shape}, ""), None)


def _wrong(value: Any, shape: Any, path: str) -> Iterator[WrongType]:  # noqa: ANN401 - YAML may hold anything
    if value is None:
        return
    wanted = _mismatch(value, shape)
    if wanted:
        yield WrongType(path.lstrip("."), _type_of(value), wanted, value)
    elif isinstance(shape, list):
        for index, item in enumerate(value):
            yield from _wrong(item, shape[0], f"{path}[{index}]")
    elif isinstance(shape, dict):
        for key, item in value.items():
            inner = shape.get(_ALL) or shape.get(key)
            if inner is not None:
                yield from _wrong(item, inner, f"{path}.{key}")


def _mismatch(value: object, shape: object) -> str:
    """What is wanted in place of a value; empty where it fits."""
    if isinstance(shape, _Leaf):
        return "" if shape.accepts(value) else shape.wanted
    if isinstance(shape, list):
        return "" if isinstance(value, list) else "a list"
    return "" if isinstance(value, dict) else "a mapping"


def _type_of(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    names: dict[type, str] = {str: "string", dict: "object", list: "array"}
    return names.get(type(value), type(value).__name__)
