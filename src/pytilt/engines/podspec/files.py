"""The files of volumes that are made of objects: ConfigMap, Secret, projected, downwardAPI."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from pytilt.engines.podspec.archive import DEFAULT_MODE, Entry, directory, plain_file, symlink
from pytilt.engines.podspec.environment import Lookup, MissingSourceError, field_value, resource_value, source_data
from pytilt.engines.podspec.placement import PodPlacement
from pytilt.model.base import Value
from pytilt.model.resources import KubeObject


class VolumeFile(Value):
    """A file of a volume."""

    path: str
    """Below the volume's root."""
    content: bytes
    mode: int = DEFAULT_MODE


def volume_files(
    volume: Mapping[str, Any], pod: KubeObject, place: PodPlacement, lookup: Lookup
) -> tuple[VolumeFile, ...]:
    """The files that belong into a volume now.

    Raises:
        MissingSourceError: something it needs is missing.
    """
    if "projected" in volume:
        source = volume["projected"] or {}
        mode = _mode(source.get("defaultMode"), DEFAULT_MODE)
        found = [file for part in source.get("sources") or () for file in _part(part, mode, pod, place, lookup)]
    else:
        found = list(_part(volume, DEFAULT_MODE, pod, place, lookup))
    return tuple({file.path: file for file in found}.values())


def _part(
    part: Mapping[str, Any], mode: int, pod: KubeObject, place: PodPlacement, lookup: Lookup
) -> Iterable[VolumeFile]:
    if "configMap" in part:
        return _from_object("ConfigMap", part["configMap"], str(part["configMap"].get("name", "")), mode, lookup)
    if "secret" in part:
        source = part["secret"]
        return _from_object("Secret", source, str(source.get("secretName") or source.get("name", "")), mode, lookup)
    if "downwardAPI" in part:
        return _downward(part["downwardAPI"] or {}, mode, pod, place)
    if "serviceAccountToken" in part:
        return (VolumeFile(path=part["serviceAccountToken"]["path"], content=b"", mode=mode),)
    raise MissingSourceError(f"a projected volume cannot be made of {', '.join(part)}")


def _from_object(kind: str, source: Mapping[str, Any], name: str, mode: int, lookup: Lookup) -> Iterable[VolumeFile]:
    mode = _mode(source.get("defaultMode"), mode)
    optional = bool(source.get("optional"))
    data = source_data(kind, name, lookup, optional=optional)
    if data is None:
        return ()
    items = source.get("items")
    if items is None:
        return tuple(VolumeFile(path=key, content=value, mode=mode) for key, value in sorted(data.items()))
    missing = [item["key"] for item in items if item["key"] not in data]
    if missing and not optional:
        raise MissingSourceError(f'references non-existent {kind.lower()} key: {missing[0]} of "{name}"')
    return tuple(
        VolumeFile(path=item["path"], content=data[item["key"]], mode=_mode(item.get("mode"), mode))
        for item in items
        if item["key"] in data
    )


def _downward(source: Mapping[str, Any], mode: int, pod: KubeObject, place: PodPlacement) -> Iterable[VolumeFile]:
    mode = _mode(source.get("defaultMode"), mode)
    for item in source.get("items") or ():
        if "fieldRef" in item:
            text = field_value(item["fieldRef"]["fieldPath"], pod, place)
        else:
            text = resource_value(item["resourceFieldRef"], {}, pod, place)
        yield VolumeFile(path=item["path"], content=text.encode(), mode=_mode(item.get("mode"), mode))


def _mode(given: object, otherwise: int) -> int:
    return int(given) if isinstance(given, int) else otherwise


def files_digest(files: Iterable[VolumeFile]) -> str:
    """A hash that changes with any name, mode or byte."""
    seen = hashlib.sha256()
    for file in files:
        seen.update(f"{file.path}\0{file.mode}\0{len(file.content)}\0".encode() + file.content)
    return seen.hexdigest()[:16]


def archive_of(root: str, files: Iterable[VolumeFile], *, gid: int = 0) -> dict[str, Entry]:
    """The archive entries that put files below `root` as the kubelet does, so that a change arrives as a whole.

    The files lie in a folder of their own, `..data` leads to it, and each name leads through `..data`.
    """
    files = tuple(files)
    folder = f"..{files_digest(files)}"
    entries = {
        root: directory(root, 0o777 if not gid else 0o2775, gid),
        f"{root}/{folder}": directory(f"{root}/{folder}", 0o755, gid),
    }
    for file in files:
        parts = file.path.split("/")
        for depth in range(1, len(parts)):
            parent = f"{root}/{folder}/{'/'.join(parts[:depth])}"
            entries[parent] = directory(parent, 0o755, gid)
        name = f"{root}/{folder}/{file.path}"
        entries[name] = plain_file(name, file.content, file.mode | (0o440 if gid else 0), gid)
    entries[f"{root}/..data"] = symlink(f"{root}/..data", folder)
    for top in dict.fromkeys(file.path.partition("/")[0] for file in files):
        entries[f"{root}/{top}"] = symlink(f"{root}/{top}", f"..data/{top}")
    return entries
