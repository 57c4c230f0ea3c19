"""The files of volumes that are made of objects: ConfigMap, Secret, projected, downwardAPI."""

import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping
from typing import Any

from pytilt.engines.podspec.environment import (
    Lookup,
    MissingSourceError,
    PodPlacement,
    field_value,
    resource_value,
    source_data,
)
from pytilt.model.base import Value
from pytilt.model.resources import KubeObject

Entry = tuple[tarfile.TarInfo, bytes]
"""A member of a tar archive and its content."""

OBJECT_VOLUMES = ("configMap", "secret", "projected", "downwardAPI")
DEFAULT_MODE = 0o644


class VolumeFile(Value):
    """A file of a volume."""

    path: str
    """Below the volume's root."""
    content: bytes
    mode: int = DEFAULT_MODE


def is_made_of_objects(volume: Mapping[str, Any]) -> bool:
    """Do the volume's files come from objects?"""
    return any(field in volume for field in OBJECT_VOLUMES)


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
        entries[name] = _file(name, file.content, file.mode | (0o440 if gid else 0), gid)
    entries[f"{root}/..data"] = _link(f"{root}/..data", folder)
    for top in dict.fromkeys(file.path.partition("/")[0] for file in files):
        entries[f"{root}/{top}"] = _link(f"{root}/{top}", f"..data/{top}")
    return entries


def directory(name: str, mode: int, gid: int = 0) -> Entry:
    """An archive entry that makes a directory, or gives one that exists its mode and group."""
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.gid = tarfile.DIRTYPE, mode, gid
    return info, b""


def plain_file(name: str, content: bytes, mode: int = DEFAULT_MODE) -> Entry:
    """An archive entry that makes a file."""
    return _file(name, content, mode, 0)


def _file(name: str, content: bytes, mode: int, gid: int) -> Entry:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.gid = len(content), mode, gid
    return info, content


def _link(name: str, target: str) -> Entry:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
    return info, b""


def packed(entries: Iterable[Entry]) -> bytes:
    """The entries as a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for info, content in entries:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def unpacked(archive: bytes) -> dict[str, bytes]:
    """The plain files of a tar archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        found = {}
        for info in opened:
            file = opened.extractfile(info) if info.isfile() else None
            if file is not None:
                found[info.name] = file.read()
        return found
