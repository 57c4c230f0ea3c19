"""A pod's volumes as the engine's volumes and mounts: pure translation."""

from collections.abc import Mapping
from typing import Any

from pytilt.engines.objects.fields import Json
from pytilt.engines.objects.labels import CLAIM, POD_UID, POD_VOLUME, EngineProject
from pytilt.engines.podspec.values import amount, expand
from pytilt.errors import ApplyError
from pytilt.model.base import Value
from pytilt.model.resources import KubeObject

OBJECT_VOLUMES = ("configMap", "secret", "projected", "downwardAPI")
"""Sources of volumes whose files come from objects."""
SANDBOX_FOLDER = "volumes"
"""Where the sandbox mounts all of the pod's volumes, so that files can be put into them."""
PAGE_BYTES = 4096
"""Where a kernel's pages are larger, so is the limit."""


class PodVolume(Value):
    """One volume of a pod."""

    name: str
    """In the pod's spec."""
    source: str
    """Name of the engine's volume, or an absolute path of this machine."""
    bind: bool = False
    labels: Mapping[str, str] = {}
    options: Mapping[str, str] = {}
    """Of the engine's `local` volume driver."""
    from_objects: bool = False
    empty: bool = False
    """Begins empty, and anybody may write to it."""
    read_only: bool = False

    @property
    def folder(self) -> str:
        """Where the sandbox has it, without a leading slash."""
        return f"{SANDBOX_FOLDER}/{self.name}"


def pod_volumes(pod: KubeObject, project: EngineProject) -> dict[str, PodVolume]:
    """The volumes of a pod by name.

    Raises:
        ApplyError: a volume that only a cluster has.
    """
    spec = pod["spec"]
    return {volume["name"]: _volume(volume, pod, project) for volume in spec.get("volumes") or ()}


def claims_of(pod: KubeObject) -> set[tuple[str, str]]:
    """Namespace and name of every claim that a pod mounts."""
    sources = [volume.get("persistentVolumeClaim") for volume in pod["spec"].get("volumes") or ()]
    return {(pod["metadata"]["namespace"], source["claimName"]) for source in sources if source}


def _volume(volume: Mapping[str, Any], pod: KubeObject, project: EngineProject) -> PodVolume:
    name, metadata = volume["name"], pod["metadata"]
    own = {
        "name": name,
        "source": project.pod_volume(metadata["uid"], name),
        "labels": project.labels(POD_VOLUME, **{POD_UID: metadata["uid"]}),
    }
    if "hostPath" in volume:
        return PodVolume(name=name, source=volume["hostPath"]["path"], bind=True)
    if "persistentVolumeClaim" in volume:
        claim = volume["persistentVolumeClaim"]
        source = project.claim(metadata["namespace"], claim["claimName"])
        read_only = bool(claim.get("readOnly"))
        return PodVolume(name=name, source=source, labels=project.labels(CLAIM), read_only=read_only)
    if any(field in volume for field in OBJECT_VOLUMES):
        return PodVolume(**own, from_objects=True)
    if "emptyDir" in volume:
        return PodVolume(**own, empty=True, options=_memory(volume["emptyDir"] or {}))
    if "ephemeral" in volume:
        return PodVolume(**own, empty=True)
    kinds = ", ".join(field for field in volume if field != "name") or "nothing"
    raise ApplyError(
        f"the volume `{name}` of `Pod/{metadata['name']}` needs a Kubernetes cluster: it is made of {kinds}",
        hint="use emptyDir, hostPath or a persistentVolumeClaim for the context `engine`",
    )


def _memory(source: Mapping[str, Any]) -> Mapping[str, str]:
    if source.get("medium") != "Memory":
        return {}
    options = {"type": "tmpfs", "device": "tmpfs", "o": "mode=1777"}
    if limit := source.get("sizeLimit"):
        options["o"] += f",size={int(amount(limit))}"
    return options


def podman_options(options: Mapping[str, str]) -> Mapping[str, str]:
    """The same for Podman, which takes a size for a quota of its own file system (4.3); a tmpfs counts pages, too."""
    words = [
        f"nr_blocks={-(-int(word.removeprefix('size=')) // PAGE_BYTES)}" if word.startswith("size=") else word
        for word in filter(None, options.get("o", "").split(","))
    ]
    return {**options, "o": ",".join(words)} if words else options


def sandbox_mounts(volumes: Mapping[str, PodVolume]) -> list[Json]:
    """The mounts of a sandbox: every volume of the pod that is the engine's."""
    return [_engine_mount(volume, f"/{volume.folder}") for volume in volumes.values() if not volume.bind]


def _engine_mount(volume: PodVolume, target: str) -> Json:
    options: Json = {"NoCopy": True, "Labels": dict(volume.labels)}
    if volume.options:
        options["DriverConfig"] = {"Name": "local", "Options": dict(volume.options)}
    return {"Type": "volume", "Source": volume.source, "Target": target, "VolumeOptions": options}


def container_mounts(
    container: Mapping[str, Any],
    volumes: Mapping[str, PodVolume],
    folders: Mapping[str, str],
    environment: Mapping[str, str],
) -> tuple[list[Json], list[str]]:
    """The mounts of a container: those of the engine's volumes, and binds as `source:target[:ro]`.

    Args:
        container: its spec.
        volumes: the pod's volumes.
        folders: where the engine keeps its volumes, by volume of the pod; needed for `subPath`.
        environment: for `subPathExpr`.

    Raises:
        ApplyError: a mount of a volume that the pod does not have.
    """
    mounts, binds = [], []
    for entry in container.get("volumeMounts") or ():
        volume = volumes.get(entry["name"])
        if volume is None:
            raise ApplyError(
                f"the container `{container['name']}` mounts the volume `{entry['name']}`, which is not there"
            )
        below = str(entry.get("subPath") or expand(str(entry.get("subPathExpr") or ""), environment)).strip("/")
        read_only = bool(entry.get("readOnly")) or volume.read_only or volume.from_objects
        target = entry["mountPath"]
        if volume.bind or below:
            source = "/".join(part for part in (volume.source if volume.bind else folders[volume.name], below) if part)
            binds.append(f"{source}:{target}:ro" if read_only else f"{source}:{target}")
        else:
            mounts.append(_engine_mount(volume, target) | {"ReadOnly": read_only})
    return mounts, binds


def sub_paths(pod: KubeObject, volumes: Mapping[str, PodVolume]) -> set[str]:
    """Folders that must be made in the engine's volumes, since containers mount them by `subPath`."""
    spec = pod["spec"]
    every = [*(spec.get("initContainers") or ()), *spec["containers"]]
    found = set()
    for container in every:
        for entry in container.get("volumeMounts") or ():
            volume = volumes.get(entry["name"])
            if volume and not volume.bind and not volume.from_objects and entry.get("subPath"):
                found.add(f"{volume.folder}/{entry['subPath'].strip('/')}")
    return found
