"""Which names, namespaces and labels an API server accepts, in its own words.

The rules are those of `apimachinery` (`ValidateObjectMeta`) and of the kinds that Kubernetes itself has. Of a kind that
is not known here only names are refused that cannot be part of a request's path.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pytilt.cluster import objects
from pytilt.errors import ApplyError
from pytilt.model.resources import KubeObject

Rule = Callable[[str], str]
"""Says what is wrong with a name; empty when nothing is."""

_LABEL_LENGTH, _SUBDOMAIN_LENGTH, _CRON_JOB_LENGTH = 63, 253, 52

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_QUALIFIED})?"

_CONFIG_KEY = "[-._a-zA-Z0-9]+"

_REGEX = "regex used for validation is"
_NO_LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', {_REGEX} '{_LABEL}')"
)
_NO_SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', {_REGEX} '{_SUBDOMAIN}')"
)
_NO_LABEL_1035 = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    f"and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', {_REGEX} '{_LABEL_1035}')"
)
_NO_QUALIFIED = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    f"character (e.g. 'MyName',  or 'my.name',  or '123-abc', {_REGEX} '{_QUALIFIED}')"
)
_NO_VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', {_REGEX} '{_VALUE}')"
)
_TWO_SLASHES = (
    "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    f"alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', {_REGEX} '{_QUALIFIED}') with an optional "
    "DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)

_NO_CONFIG_KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    f"'key-name', {_REGEX} '{_CONFIG_KEY}')"
)

HINT = "correct the field in the YAML"


def label(name: str) -> str:
    """Why this is no RFC 1123 label; empty when it is one."""
    return _matching(name, _LABEL, _NO_LABEL, _LABEL_LENGTH)


def subdomain(name: str) -> str:
    """Why this is no RFC 1123 subdomain; empty when it is one."""
    return _matching(name, _SUBDOMAIN, _NO_SUBDOMAIN, _SUBDOMAIN_LENGTH)


def label_1035(name: str) -> str:
    """Why this is no RFC 1035 label, which does not begin with a digit; empty when it is one."""
    return _matching(name, _LABEL_1035, _NO_LABEL_1035, _LABEL_LENGTH)


def segment(name: str) -> str:
    """Why this cannot be one segment of a path; empty when it can."""
    if name in (".", ".."):
        return f"may not be '{name}'"
    return next((f"may not contain '{sign}'" for sign in "/%" if sign in name), "")


def qualified(name: str) -> str:
    """Why this is no key of a label or an annotation; empty when it is one."""
    prefix, slash, last = name.rpartition("/")
    if "/" in prefix:
        return _TWO_SLASHES
    if slash and not prefix:
        return "prefix part must be non-empty"
    if slash and (problem := subdomain(prefix)):
        return f"prefix part {problem}"
    if not last:
        return "name part must be non-empty"
    problem = _matching(last, _QUALIFIED, _NO_QUALIFIED, _LABEL_LENGTH)
    return f"name part {problem}" if problem.startswith("must be no more") else problem


def label_value(value: str) -> str:
    """Why this is no value of a label; empty when it is one."""
    return _matching(value, _VALUE, _NO_VALUE, _LABEL_LENGTH)


def config_key(name: str) -> str:
    """Why this is no key of a ConfigMap or a Secret, which becomes the name of a file; empty when it is one."""
    if name in (".", ".."):
        return f"must not be '{name}'"
    if name.startswith(".."):
        return "must not start with '..'"
    return _matching(name, _CONFIG_KEY, _NO_CONFIG_KEY, _SUBDOMAIN_LENGTH)


def _cron_job(name: str) -> str:
    too_long = len(name) > _CRON_JOB_LENGTH
    return f"must be no more than {_CRON_JOB_LENGTH} characters" if too_long else subdomain(name)


_RULES: Mapping[str, tuple[str, Rule]] = {
    "ClusterRole": ("rbac.authorization.k8s.io", segment),
    "ClusterRoleBinding": ("rbac.authorization.k8s.io", segment),
    "ConfigMap": ("", subdomain),
    "CronJob": ("batch", _cron_job),
    "CustomResourceDefinition": ("apiextensions.k8s.io", subdomain),
    "DaemonSet": ("apps", subdomain),
    "Deployment": ("apps", subdomain),
    "HorizontalPodAutoscaler": ("autoscaling", subdomain),
    "Ingress": ("networking.k8s.io", subdomain),
    "IngressClass": ("networking.k8s.io", subdomain),
    "Job": ("batch", subdomain),
    "LimitRange": ("", subdomain),
    "Namespace": ("", label),
    "NetworkPolicy": ("networking.k8s.io", subdomain),
    "PersistentVolume": ("", subdomain),
    "PersistentVolumeClaim": ("", subdomain),
    "Pod": ("", subdomain),
    "PodDisruptionBudget": ("policy", subdomain),
    "PriorityClass": ("scheduling.k8s.io", subdomain),
    "ReplicaSet": ("apps", subdomain),
    "ReplicationController": ("", subdomain),
    "ResourceQuota": ("", subdomain),
    "Role": ("rbac.authorization.k8s.io", segment),
    "RoleBinding": ("rbac.authorization.k8s.io", segment),
    "RuntimeClass": ("node.k8s.io", subdomain),
    "Secret": ("", subdomain),
    "Service": ("", label_1035),
    "ServiceAccount": ("", subdomain),
    "StatefulSet": ("apps", label),
    "StorageClass": ("storage.k8s.io", subdomain),
}
"""The rule for the names of a kind, with its API group."""


def check(wanted: KubeObject) -> None:
    """Refuse an object whose name, namespace or labels no API server would take.

    Raises:
        ApplyError: `metadata.name: Invalid value: "…": …`, for one or several fields.
    """
    refuse(wanted, list(invalid_fields(wanted)))


def refuse(o: KubeObject, problems: Sequence[str]) -> None:
    """Refuse an object that has problems.

    Args:
        o: the object.
        problems: one line for each; without any, nothing is refused.

    Raises:
        ApplyError: it is refused.
    """
    if problems:
        several = "\n".join(["several fields are not valid:", *(f"  {each}" for each in problems)])
        raise ApplyError(f"{shown(o)}: {several if len(problems) > 1 else problems[0]}", hint=HINT)


def shown(o: KubeObject) -> str:
    """`Kind/name` on one line, whatever is in the name."""
    name = str(objects.metadata(o).get("name") or objects.metadata(o).get("generateName") or "")
    return f"{objects.kind(o)}/{name if name.isprintable() else _quoted(name)}"


def is_possible(name: str, namespace: str = "") -> bool:
    """Could an object of this name exist? What could not is never asked for: its path would lead to another one."""
    return not (segment(name) or (namespace and label(namespace)))


def invalid_fields(o: KubeObject) -> Iterator[str]:
    """What is wrong with the metadata of an object, one line for each field."""
    found = o.get("metadata")
    if not isinstance(found, Mapping):
        yield invalid("metadata", found, "must be a mapping")
        return
    name, prefix, namespace = found.get("name"), found.get("generateName"), found.get("namespace")
    if prefix:
        yield from invalid_name("metadata.generateName", _as_name(prefix), _rule(o))
    if name or not prefix:
        yield from invalid_name("metadata.name", name, _rule(o))
    if namespace not in (None, ""):
        yield from invalid_name("metadata.namespace", namespace, label)
    yield from invalid_labels("metadata.labels", found.get("labels"))
    yield from _problems_of_keys("metadata.annotations", found.get("annotations"))


def invalid_labels(field: str, found: object) -> Iterator[str]:
    """What is wrong with labels.

    Args:
        field: their place in the object.
        found: their value.
    """
    yield from _problems_of_keys(field, found)
    for value in found.values() if isinstance(found, Mapping) else ():
        if isinstance(value, str) and (problem := label_value(value)):
            yield invalid(field, value, problem)


def invalid(field: str, value: object, problem: str) -> str:
    """One line as the API server writes it."""
    return f"{field}: Invalid value: {_quoted(value)}: {problem}"


def _as_name(prefix: object) -> object:
    """A prefix as if its name went on."""
    return re.sub("-$", "a", prefix) if isinstance(prefix, str) else prefix


def invalid_name(field: str, value: object, rule: Rule) -> Iterator[str]:
    """What is wrong with a name that must be there.

    Args:
        field: its place in the object.
        value: its value.
        rule: which names are good.
    """
    if value is None or value == "":
        yield f"{field}: Required value{': name or generateName is required' if field == 'metadata.name' else ''}"
    elif not isinstance(value, str):
        yield invalid(field, value, "must be a string")
    elif problem := rule(value):
        yield invalid(field, value, problem)


def _problems_of_keys(field: str, found: object) -> Iterator[str]:
    if found is None:
        return
    if not isinstance(found, Mapping):
        yield invalid(field, found, "must be a mapping")
        return
    for key, value in found.items():
        if problem := qualified(str(key).lower() if field.endswith("annotations") else str(key)):
            yield invalid(field, key, problem)
        if value is not None and not isinstance(value, str):
            yield invalid(f"{field}.{key}", value, "must be a string")


def _rule(o: KubeObject) -> Rule:
    group, rule = _RULES.get(objects.kind(o), ("", segment))
    return rule if group == objects.group(objects.api_version(o)) else segment


def _matching(text: str, pattern: str, problem: str, longest: int) -> str:
    if len(text) > longest:
        return f"must be no more than {longest} characters"
    return "" if re.fullmatch(pattern, text) else problem


def _quoted(value: Any) -> str:  # noqa: ANN401 - a value of YAML may be anything
    return json.dumps(value, ensure_ascii=not str(value).isprintable(), default=str)
