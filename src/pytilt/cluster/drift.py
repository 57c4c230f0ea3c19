"""What somebody has changed of an object since it was applied: only what the applied YAML says counts.

Fields that it does not name belong to others: defaults, what webhooks and controllers add, a `status`. Values are
compared with what the cluster answered to the apply, since it writes some of them in another way.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from pytilt.cluster import objects
from pytilt.model.base import Value
from pytilt.model.resources import KubeObject

_KEYS = ("name", "containerPort", "port", "mountPath", "devicePath", "topologyKey", "ip", "key", "uid")
"""By which the entries of a list are known, as the API's own merge keys are."""

_CONTROLLERS = (
    *("controller", "operator", "manager", "autoscaler", "scheduler", "kubelet", "inject", "webhook"),
    *("keda", "argo", "flux", "istio", "pilot"),
)
"""Words in the names of programs that change objects as their work; what they change is theirs."""

_ABSENT = "(not there)"
_SHOWN = 60
_COUNTED_METADATA = ("labels", "annotations")

Path = tuple[str | int, ...]
Leaf = tuple[Path, Any]


class Difference(Value):
    """A field that is not what was applied."""

    path: str
    """For people: `spec.template.spec.containers[web].image`."""
    before: str
    now: str
    manager: str = ""
    """The field manager that has changed it; empty where the cluster does not say."""

    @property
    def by_controller(self) -> bool:
        """Was it changed by a program whose work that is, such as a HorizontalPodAutoscaler?"""
        return _is_controller(self.manager)


def leaves(wanted: KubeObject, present: KubeObject) -> Mapping[str, str]:
    """What an object says now where the applied YAML says something.

    Args:
        wanted: as it was applied.
        present: as it is.

    Returns:
        For each field its value as JSON; of one that is not there, an empty text.
    """
    return {_shown(path): _text(value) for path, value in _leaves(_counted(wanted), present, ())}


def differences(wanted: KubeObject, applied: Mapping[str, str], present: KubeObject) -> tuple[Difference, ...]:
    """The fields that have other values than right after the apply.

    Args:
        wanted: as it was applied.
        applied: the `leaves` of the object right after it.
        present: the object as it is.
    """
    found = []
    for path, value in _leaves(_counted(wanted), present, ()):
        shown, now = _shown(path), _text(value)
        before = applied.get(shown, "")
        if now != before:
            manager = _manager(present, path)
            found.append(Difference(path=shown, before=_short(before), now=_short(now), manager=manager))
    return tuple(found)


def with_scale(wanted: KubeObject, present: KubeObject) -> KubeObject:
    """What is to be applied again, with the number of pods that an autoscaler has decided meanwhile.

    Args:
        wanted: as it was applied.
        present: the object as it is.
    """
    replicas = objects.mapping(present, "spec").get("replicas")
    if replicas is None or not _is_controller(_manager(present, ("spec", "replicas"))):
        return wanted
    return {**wanted, "spec": {**wanted["spec"], "replicas": replicas}}


def _is_controller(manager: str) -> bool:
    return any(word in manager.lower() for word in _CONTROLLERS)


def _counted(wanted: KubeObject) -> Mapping[str, Any]:
    """What of an object can drift."""
    kept = {name: value for name, value in wanted.items() if name not in ("apiVersion", "kind", "metadata", "status")}
    metadata = objects.metadata(wanted)
    counted = {name: metadata[name] for name in _COUNTED_METADATA if metadata.get(name)}
    return {**kept, "metadata": counted} if counted else kept


def _leaves(wanted: object, present: object, path: Path) -> Iterator[Leaf]:
    if isinstance(wanted, Mapping) and wanted:
        for name, value in wanted.items():
            yield from _leaves(value, present.get(name) if isinstance(present, Mapping) else None, (*path, str(name)))
    elif isinstance(wanted, list) and (key := _key(wanted)):
        entries = present if isinstance(present, list) else []
        known = {entry.get(key): entry for entry in entries if isinstance(entry, Mapping)}
        for entry in wanted:
            yield from _leaves(entry, known.get(entry[key]), (*path, f"{key}={entry[key]}"))
    elif isinstance(wanted, Mapping):
        yield path, {} if isinstance(present, Mapping) else present  # `emptyDir: {}`: what is in it is not ours
    elif wanted is not None:
        yield path, present


def _key(entries: Sequence[object]) -> str:
    """The field by which the entries of a list are known; empty where there is none."""
    maps = [entry for entry in entries if isinstance(entry, Mapping)]
    if len(maps) != len(entries):
        return ""
    for key in _KEYS:
        values = [entry.get(key) for entry in maps]
        if None not in values and len(set(map(str, values))) == len(values):
            return key
    return ""


def _text(value: object) -> str:
    return "" if value is None else msgspec.json.encode(value, order="deterministic").decode()


def _short(text: str) -> str:
    shown = text or _ABSENT
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…"


def _shown(path: Path) -> str:
    text = ""
    for part in map(str, path):
        key, equals, value = part.partition("=")
        if equals and key in _KEYS:
            text += f"[{value}]"
        elif "." in part or "/" in part:
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def _manager(present: KubeObject, path: Path) -> str:
    """Who has written a field last, of those that the object names, but this program."""
    entries = [each for each in objects.items(present, "metadata", "managedFields") if each.get("manager") != "tilt"]
    owning = [each for each in entries if _owns(objects.mapping(each, "fieldsV1"), path)]
    newest = max(owning, key=lambda each: str(each.get("time", "")), default=None)
    return str(newest.get("manager", "")) if newest else ""


def _owns(fields: Mapping[str, Any], path: Path) -> bool:
    """Does an entry of `managedFields` have a field, or the value that it is a part of?"""
    for part in path:
        if not fields:
            return True
        found = next((fields[name] for name in fields if _means(name, str(part))), None)
        if not isinstance(found, Mapping):
            return False
        fields = found
    return True


def _means(name: str, part: str) -> bool:
    if name.startswith("k:"):
        key, _, value = part.partition("=")
        return str(msgspec.json.decode(name[2:]).get(key)) == value
    return name == f"f:{part}"
