"""A container's environment: `$(VAR)`, `valueFrom`, `envFrom`, and the pod's own fields."""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING
from typing import Any

from pytilt.engines.podspec.placement import PodPlacement
from pytilt.engines.podspec.values import amount, expand
from pytilt.errors import WorkError
from pytilt.model.resources import KubeObject

Lookup = Callable[[str, str], KubeObject | None]
"""Finds an object of the pod's namespace by kind and name."""

FIELD_WITH_KEY = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


class MissingSourceError(WorkError):
    """Something that the pod names is not there yet; it is tried again once it is."""


def secret_data(secret: KubeObject) -> dict[str, bytes]:
    """The values of a Secret."""
    data = {name: b64decode(value or "") for name, value in (secret.get("data") or {}).items()}
    return data | {name: _plain(value) for name, value in (secret.get("stringData") or {}).items()}


def config_data(config: KubeObject) -> dict[str, bytes]:
    """The values of a ConfigMap."""
    data = {name: _plain(value) for name, value in (config.get("data") or {}).items()}
    return data | {name: b64decode(value or "") for name, value in (config.get("binaryData") or {}).items()}


def _plain(value: object) -> bytes:
    """The API reads null as nothing."""
    return b"" if value is None else str(value).encode()


def source_data(kind: str, name: str, lookup: Lookup, *, optional: bool) -> dict[str, bytes] | None:
    """The values of a ConfigMap or Secret, None if it may be missing and is.

    Raises:
        MissingSourceError: it must be there.
    """
    found = lookup(kind, name)
    if found is not None:
        return secret_data(found) if kind == "Secret" else config_data(found)
    if optional:
        return None
    raise MissingSourceError(f'{kind.lower()} "{name}" not found')


def environment(
    container: Mapping[str, Any], pod: KubeObject, place: PodPlacement, lookup: Lookup, services: Mapping[str, str]
) -> dict[str, str]:
    """All variables of a container, in order.

    Args:
        container: its spec.
        pod: the pod it belongs to.
        place: where the pod runs.
        lookup: finds ConfigMaps and Secrets.
        services: variables about Services (`WEB_SERVICE_HOST`).

    Raises:
        MissingSourceError: a ConfigMap, a Secret or a key of one is missing.
    """
    values = dict(services)
    for source in container.get("envFrom") or ():
        values.update(_from_whole(source, lookup))
    for entry in container.get("env") or ():
        name = entry["name"]
        if entry.get("valueFrom"):
            value = _value_from(entry["valueFrom"], container, pod, place, lookup)
            if value is not None:
                values[name] = value
        else:
            values[name] = expand(str(entry.get("value") or ""), values)
    return values


def _from_whole(source: Mapping[str, Any], lookup: Lookup) -> dict[str, str]:
    prefix = source.get("prefix") or ""
    for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
        if reference := source.get(field):
            data = source_data(kind, reference["name"], lookup, optional=bool(reference.get("optional"))) or {}
            return {prefix + name: value.decode(errors="replace") for name, value in data.items()}
    return {}


def _value_from(
    source: Mapping[str, Any], container: Mapping[str, Any], pod: KubeObject, place: PodPlacement, lookup: Lookup
) -> str | None:
    for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        if reference := source.get(field):
            optional = bool(reference.get("optional"))
            data = source_data(kind, reference["name"], lookup, optional=optional)
            if data is not None and reference["key"] in data:
                return data[reference["key"]].decode(errors="replace")
            if optional:
                return None
            raise MissingSourceError(f"couldn't find key {reference['key']} in {kind} {reference['name']}")
    if reference := source.get("fieldRef"):
        return field_value(reference["fieldPath"], pod, place)
    if reference := source.get("resourceFieldRef"):
        return resource_value(reference, container, pod, place)
    return ""


def field_value(path: str, pod: KubeObject, place: PodPlacement) -> str:
    """What a `fieldRef` stands for.

    Raises:
        MissingSourceError: there is no such field.
    """
    metadata, spec = pod["metadata"], pod.get("spec") or {}
    if match := FIELD_WITH_KEY.fullmatch(path):
        return str((metadata.get(match.group(1)) or {}).get(match.group(2), ""))
    if path in ("metadata.labels", "metadata.annotations"):
        pairs = metadata.get(path.removeprefix("metadata.")) or {}
        return "".join(f'{name}="{_escaped(str(value))}"\n' for name, value in sorted(pairs.items()))
    known = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata.get("namespace", ""),
        "metadata.uid": metadata.get("uid", ""),
        "spec.nodeName": place.node,
        "spec.serviceAccountName": spec.get("serviceAccountName") or "default",
        "status.hostIP": place.host_ip,
        "status.hostIPs": place.host_ip,
        "status.podIP": place.pod_ip,
        "status.podIPs": place.pod_ip,
    }
    if path not in known:
        raise MissingSourceError(f"unsupported fieldPath: {path}")
    return str(known[path])


def resource_value(
    reference: Mapping[str, Any], container: Mapping[str, Any], pod: KubeObject, place: PodPlacement
) -> str:
    """What a `resourceFieldRef` stands for, divided and rounded up."""
    if name := reference.get("containerName"):
        spec = pod["spec"]
        every = [*(spec.get("initContainers") or ()), *spec["containers"]]
        container = next((item for item in every if item["name"] == name), container)
    kind, _, resource = str(reference["resource"]).partition(".")
    resources = container.get("resources") or {}
    given = (resources.get(kind) or {}).get(resource)
    if given is None and kind == "requests":
        given = (resources.get("limits") or {}).get(resource)
    whole = {"memory": place.memory, "cpu": place.processors}.get(resource, 0)
    value = amount(given) if given is not None else amount(whole if kind == "limits" else 0)
    divisor = amount(reference.get("divisor") or 1) or amount(1)
    return str((value / divisor).to_integral_value(ROUND_CEILING))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
