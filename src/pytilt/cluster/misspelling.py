"""Fields that are almost those that Kubernetes knows: it drops them without a word, or misses the ones that were meant.

The tables are those of Kubernetes 1.34. A field that resembles none of them may be newer than they are: nothing is said
of it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pytilt.model.resources import KubeObject

_POD = (
    "activeDeadlineSeconds affinity automountServiceAccountToken containers dnsConfig dnsPolicy enableServiceLinks "
    "ephemeralContainers hostAliases hostIPC hostNetwork hostPID hostUsers hostname hostnameOverride imagePullSecrets "
    "initContainers nodeName nodeSelector os overhead preemptionPolicy priority priorityClassName readinessGates "
    "resourceClaims resources restartPolicy runtimeClassName schedulerName schedulingGates securityContext "
    "serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace subdomain "
    "terminationGracePeriodSeconds tolerations topologySpreadConstraints volumes"
)
_CONTAINER = (
    "args command env envFrom image imagePullPolicy lifecycle livenessProbe name ports readinessProbe resizePolicy "
    "resources restartPolicy restartPolicyRules securityContext startupProbe stdin stdinOnce terminationMessagePath "
    "terminationMessagePolicy tty volumeDevices volumeMounts workingDir"
)
_PROBE = (
    "exec failureThreshold grpc httpGet initialDelaySeconds periodSeconds successThreshold tcpSocket "
    "terminationGracePeriodSeconds timeoutSeconds"
)
_WORKLOAD = "minReadySeconds revisionHistoryLimit selector template"
_JOB = (
    "activeDeadlineSeconds backoffLimit backoffLimitPerIndex completionMode completions managedBy manualSelector "
    "maxFailedIndexes parallelism podFailurePolicy podReplacementPolicy selector successPolicy suspend template "
    "ttlSecondsAfterFinished"
)

_KNOWN: Mapping[str, frozenset[str]] = {
    kind: frozenset(fields.split())
    for kind, fields in {
        "Deployment": f"{_WORKLOAD} paused progressDeadlineSeconds replicas strategy",
        "StatefulSet": f"{_WORKLOAD} ordinals persistentVolumeClaimRetentionPolicy podManagementPolicy replicas "
        "serviceName updateStrategy volumeClaimTemplates",
        "DaemonSet": f"{_WORKLOAD} updateStrategy",
        "ReplicaSet": "minReadySeconds replicas selector template",
        "Job": _JOB,
        "CronJob": "concurrencyPolicy failedJobsHistoryLimit jobTemplate schedule startingDeadlineSeconds "
        "successfulJobsHistoryLimit suspend timeZone",
        "Pod": _POD,
        "container": _CONTAINER,
        "probe": _PROBE,
        "port": "containerPort hostIP hostPort name protocol",
        "env": "name value valueFrom",
        "mount": "mountPath mountPropagation name readOnly recursiveReadOnly subPath subPathExpr",
        "object": "apiVersion kind metadata spec status",
        "template": "metadata spec",
    }.items()
}
_GROUPS = ("v1", "apps/v1", "batch/v1")
_LISTS = {"ports": "port", "env": "env", "volumeMounts": "mount"}
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_ALIKE = 0.75


def misspelled(o: KubeObject) -> tuple[str, ...]:
    """A line for each field of a workload that Kubernetes does not know, with the one that was probably meant."""
    kind = str(o.get("kind"))
    if kind not in _KNOWN or not kind[:1].isupper() or o.get("apiVersion") not in _GROUPS:
        return ()
    return tuple(
        f'unknown field "{path}", did you mean "{meant}"?'
        for path, meant in (*_unknown(o, "object", ""), *_of_spec(o.get("spec"), kind, "spec"))
    )


def _of_spec(spec: object, kind: str, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(spec, Mapping):
        return
    yield from _unknown(spec, kind, path)
    if kind == "CronJob":
        yield from _nested(spec, "jobTemplate", "Job", path)
    elif kind == "Pod":
        for field in ("initContainers", "containers"):
            for index, container in enumerate(_list(spec.get(field))):
                yield from _of_container(container, f"{path}.{field}[{index}]")
    else:
        yield from _nested(spec, "template", "Pod", path)


def _nested(spec: Mapping[str, Any], field: str, kind: str, path: str) -> Iterator[tuple[str, str]]:
    template = spec.get(field)
    if isinstance(template, Mapping):
        yield from _unknown(template, "template", f"{path}.{field}")
        yield from _of_spec(template.get("spec"), kind, f"{path}.{field}.spec")


def _of_container(container: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    yield from _unknown(container, "container", path)
    for field, kind in _LISTS.items():
        for index, each in enumerate(_list(container.get(field))):
            yield from _unknown(each, kind, f"{path}.{field}[{index}]")
    for field in _PROBES:
        if isinstance(probe := container.get(field), Mapping):
            yield from _unknown(probe, "probe", f"{path}.{field}")


def _list(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _unknown(o: Mapping[str, Any], kind: str, path: str) -> Iterator[tuple[str, str]]:
    """The misspelled fields of one mapping: their paths, and what was meant."""
    free = {field.lower(): field for field in _KNOWN[kind] - o.keys()}
    for name in o:
        if isinstance(name, str) and name not in _KNOWN[kind]:
            import difflib  # imported here: only a mistake needs it

            alike = difflib.get_close_matches(name.lower(), free, n=1, cutoff=_ALIKE)
            if alike:
                yield f"{path}.{name}".lstrip("."), free[alike[0]]
