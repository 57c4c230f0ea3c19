"""Objects of the session under Tilt's names and with Tilt's fields: watches, images, forwards, the cluster. Pure.

As the session stores them, they are in the group of its own.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from pytilt.cluster.ownership import container_port, forward_pod
from pytilt.host.ignoring import EDITOR_PATTERNS
from pytilt.model.api.file_watches import MOST_EVENTS, STANDS_FOR
from pytilt.model.api.kubernetes_discoveries import KubernetesDiscovery
from pytilt.model.api.metadata import RESOURCE_ANNOTATION, SPAN_ANNOTATION
from pytilt.model.api.toggles import SWITCH_KEY, switch_name
from pytilt.model.api.words import GROUP_VERSION
from pytilt.model.clusters import DEFAULT_CLUSTER
from pytilt.model.files import Ignore
from pytilt.model.images import Image, Registry
from pytilt.model.live_updates import LiveContainer, LiveUpdateState
from pytilt.model.names import CONFIGS, TILTFILE
from pytilt.model.objects import ClusterState, FileWatch, ImageMap, PortForward, Resource, Runtime, Tiltfile
from pytilt.model.pods import Pod
from pytilt.model.stored import TILTFILE_OWNER, Object
from pytilt.model.updates import Outcome, Update
from pytilt.store.objects import Snapshot
from pytilt.views.api_objects import owner_references, uid
from pytilt.views.discoveries import found_pods
from pytilt.views.result_images import image_map_spec, image_maps, live_update_spec
from pytilt.views.result_values import compact, ignore_defs, sanitized

Json = dict[str, Any]

Made = Iterator[tuple[str, Json]]
"""Names, and the objects of these names."""

TARGET_ANNOTATION = "tilt.dev/target-id"

_IMAGE = "image:"
_ALWAYS_IGNORED = Ignore(base="/", patterns=EDITOR_PATTERNS)
"""Is in no FileWatch of Tilt's: it holds for all of them."""


def tiltfiles(state: Snapshot) -> Made:
    """The Tiltfile, and how far its evaluation is."""
    for each in state.all(Tiltfile):
        spec = {"path": each.path, "args": list(each.args), "restartOn": {"fileWatches": [CONFIGS]}}
        yield _object("Tiltfile", each, each.name, compact(spec), _evaluation(each), owners=[], annotations={})


def file_watches(state: Snapshot) -> Made:
    """The files that the session watches for itself: of resources, of images, and of the Tiltfile."""
    for watch in state.all(FileWatch):
        paths = list(dict.fromkeys(path for rule in watch.rules for path in rule.paths))
        if watch.name.startswith(STANDS_FOR) or not paths:
            continue
        users = _users(state, watch.name)
        ignores = dict.fromkeys(each for rule in watch.rules for each in rule.ignores if each != _ALWAYS_IGNORED)
        spec = {"watchedPaths": paths, "ignores": ignore_defs(ignores), "disableSource": _disable_source(users)}
        events = _events(state, watch, users, paths)
        disabled = bool(users) and not any(each.enabled for each in users)
        status = {
            "monitorStartTime": watch.created_at,
            "lastEventTime": events[-1]["time"] if events else "",
            "fileEvents": events,
            "disableStatus": {"disabled": disabled, "state": "Disabled" if disabled else "Enabled"},
        }
        target = _target(watch.name, users)
        yield _object(
            "FileWatch", watch, target, compact(spec), compact(status),
            owners=_owners(state),
            annotations={RESOURCE_ANNOTATION: users[0].name if users else TILTFILE, TARGET_ANNOTATION: target},
        )  # fmt: skip


def image_map_objects(state: Snapshot) -> Made:
    """The images that are built, and what they are called in the builder's store and in the cluster."""
    cluster = state.get(ClusterState, DEFAULT_CLUSTER)
    registry = cluster.info.registry if cluster is not None and cluster.info is not None else None
    for each in state.all(ImageMap):
        name, users = image_maps((each.spec.name,))[0], _users(state, f"{_IMAGE}{each.name}")
        made = each.status.reference or (each.status.built.reference if each.status.built else "")
        status = {
            "image": made,
            "imageFromLocal": _from_local(made, registry),
            "imageFromCluster": made,
            "buildStartTime": _build_start(users) if made else "",
        }
        annotations = {SPAN_ANNOTATION: f"imagemap:{name}"}
        if users:
            annotations[RESOURCE_ANNOTATION] = users[0].name
        spec = image_map_spec(each.spec)
        yield _object(
            "ImageMap", each, name, spec, compact(status), owners=_owners(state), annotations=annotations
        )  # fmt: skip


def live_updates(state: Snapshot) -> Made:
    """The rules by which containers are updated in place, as declared; and the containers."""
    for resource in state.all(Resource):
        images = [each for each in resource.spec.images if each.live_update is not None]
        for image in images:
            map_name = image_maps((image.name,))[0]
            name = sanitized(f"{resource.name}:{map_name}")
            found = _containers(state, resource, image, alone=len(images) == 1)
            containers = [
                {"podName": each.pod, "namespace": each.namespace, "containerName": each.name, "containerID": each.id}
                for each in found
            ]
            annotations = {RESOURCE_ANNOTATION: resource.name, SPAN_ANNOTATION: f"liveupdate:{name}"}
            spec = _live_update(resource, image, map_name)
            yield _object(
                "LiveUpdate", resource, name, spec, compact({"containers": containers}),
                owners=_owners(state), annotations=annotations,
            )  # fmt: skip


def port_forwards(state: Snapshot) -> Made:
    """The ports that lead into a pod, one object for all that lead into the same one; none while there is no pod."""
    groups: dict[tuple[str, str], list[PortForward]] = {}
    for each in state.all(PortForward):
        groups.setdefault((each.resource, each.discovery), []).append(each)
    for (resource, name), found in groups.items():
        pod = forward_pod(_pods(state, resource, name))
        if pod is None:
            continue
        whose = name or resource
        owner = state.get(KubernetesDiscovery, name) or state.get(Resource, resource)
        spec = {
            "podName": pod.name,
            "namespace": pod.namespace,
            "forwards": [_forward(each, pod) for each in found],
            "cluster": DEFAULT_CLUSTER,
        }
        reference = replace(TILTFILE_OWNER, kind=KubernetesDiscovery.kind, name=whose)
        owner_uid = uid(KubernetesDiscovery.kind, owner) if owner is not None else ""
        yield _object(
            "PortForward", found[0], sanitized(f"{whose}-{pod.name}"), spec,
            {"forwardStatuses": [_forward_status(each, pod) for each in found]},
            owners=owner_references(reference, owner_uid),
            annotations={RESOURCE_ANNOTATION: resource, SPAN_ANNOTATION: f"kubernetesapply:{whose}"},
        )  # fmt: skip


def clusters(state: Snapshot) -> Made:
    """The cluster that the session deploys to."""
    for each in state.all(ClusterState):
        info = each.info
        status: Json = {"error": each.error, "connectedAt": each.connected_at}
        if info is not None:
            registry = info.registry
            status |= {
                "arch": info.arch,
                "version": info.version,
                "registry": _registry(registry) if registry is not None else None,
                "connection": {
                    "kubernetes": {"context": info.context, "namespace": info.namespace, "product": info.product}
                },
            }
        yield _object(
            "Cluster", each, each.name, {"connection": {"kubernetes": {}}}, compact(status),
            owners=_owners(state), annotations={RESOURCE_ANNOTATION: TILTFILE},
        )  # fmt: skip


def _evaluation(tiltfile: Tiltfile) -> Json:
    status = tiltfile.status
    if status.current is not None:
        return {"running": compact({"reasons": _reasons(status.current), "startedAt": status.current.started_at})}
    if not status.history:
        return {"waiting": {"reason": "Unknown"}}
    last = status.history[0]
    ended = {
        "reasons": _reasons(last),
        "error": "" if last.outcome is Outcome.OK else last.error or f"evaluation ended as {last.outcome}",
        "startedAt": last.started_at,
        "finishedAt": last.finished_at,
        "warningCount": len(last.warnings),
    }
    return {"terminated": compact(ended)}


def _reasons(update: Update) -> list[str]:
    return [update.reason.shown] if update.reason else []


def _users(state: Snapshot, watch: str) -> list[Resource]:
    """The resources that a watch is for, in their order."""
    if not watch.startswith(_IMAGE):
        found = state.get(Resource, watch)
        return [found] if found is not None else []
    name = watch.removeprefix(_IMAGE)
    users = [each for each in state.all(Resource) if any(image.name == name for image in each.spec.images)]
    return sorted(users, key=lambda each: each.order)


def _target(watch: str, users: list[Resource]) -> str:
    """The name that Tilt gives a watch: the id of what it is for."""
    if watch.startswith(_IMAGE):
        return _IMAGE + image_maps((watch.removeprefix(_IMAGE),))[0]  # type: ignore[arg-type]  # the name of an image
    return sanitized(f"{users[0].spec.deploy.target_type}:{watch}") if users else watch


def _disable_source(users: list[Resource]) -> Json | None:
    keys = [{"name": switch_name(each.name), "key": SWITCH_KEY} for each in users]
    if len(keys) > 1:
        return {"everyConfigMap": keys}
    return {"configMap": keys[0]} if keys else None


def _events(state: Snapshot, watch: FileWatch, users: list[Resource], paths: list[str]) -> list[Json]:
    """The changes that updates were started by; the session keeps no others with their time."""
    updates = [update for each in users for update in (*each.status.current, *each.status.history)]
    tiltfile = state.get(Tiltfile, TILTFILE) if watch.name == CONFIGS else None
    if tiltfile is not None:
        updates = [*tiltfile.status.history, *filter(None, (tiltfile.status.current,))]
    seen: dict[str, set[str]] = {}
    for update in updates:
        files = {file for file in update.changed_files if _covered(file, paths)}
        if files:
            seen.setdefault(update.saved_at or update.started_at, set()).update(files)
    events = [{"time": time, "seenFiles": sorted(files)} for time, files in sorted(seen.items())]
    return events[-MOST_EVENTS:]


def _covered(file: str, paths: Iterable[str]) -> bool:
    return any(file == path or file.startswith(f"{path.rstrip('/')}/") for path in paths)


def _build_start(users: list[Resource]) -> str:
    full = (update for each in users for update in each.status.history if update.strategy.value == "full")
    return next((update.started_at for update in full if update.outcome is Outcome.OK), "")


def _from_local(reference: str, registry: Registry | None) -> str:
    """A reference of the cluster's, as this machine names it."""
    seen = registry.host_from_cluster if registry is not None else ""
    if registry is not None and seen and reference.startswith(f"{seen}/"):
        return registry.host + reference.removeprefix(seen)
    return reference


def _live_update(resource: Resource, image: Image, map_name: str) -> Json:
    rules = live_update_spec(image.live_update, "")
    only = image.live_update_only
    of_pods = {
        "discoveryName": resource.name,
        "applyName": resource.name,
        "containerName": image.container_name,
        "image": image_map_spec(image)["selector"] if only else "",
        "imageMapName": "" if only else map_name,
    }
    selector: Json = {"kubernetes": compact(of_pods)}
    if not resource.spec.deploy.in_cluster:
        selector = {"dockerCompose": {"service": resource.name}}
    source = {"fileWatch": f"{_IMAGE}{map_name}", "imageMap": "" if only else map_name}
    if "execs" in rules:
        rules["execs"] = [{key: value for key, value in each.items() if value is not None} for each in rules["execs"]]
    return {**rules, "selector": selector, "sources": [compact(source)]}


def _containers(state: Snapshot, resource: Resource, image: Image, *, alone: bool) -> list[LiveContainer]:
    """The containers of an image that may be updated in place."""
    live = state.get(LiveUpdateState, resource.name)
    found = list(live.status.containers) if live is not None else []
    if alone:
        return found
    made, runtime = state.get(ImageMap, image.name), state.get(Runtime, resource.name)
    names = made.status.references if made is not None else frozenset()
    pods = runtime.status.pods if runtime is not None else ()
    ids = {container.id for pod in pods for container in pod.containers if container.image in names}
    return [each for each in found if each.id in ids]


def _pods(state: Snapshot, resource: str, discovery: str) -> tuple[Pod, ...]:
    if discovery:
        found = state.get(KubernetesDiscovery, discovery)
        return found_pods(found) if found is not None else ()
    runtime = state.get(Runtime, resource)
    return runtime.status.pods if runtime is not None else ()


def _forward(each: PortForward, pod: Pod) -> Json:
    spec = each.spec
    fields = {"host": spec.host, "name": spec.name, "path": spec.path}
    return {"localPort": spec.local_port, "containerPort": container_port(pod, spec), **compact(fields)}


def _forward_status(each: PortForward, pod: Pod) -> Json:
    """It has started once there are both, the listener and the pod."""
    status, ports = each.status, {"localPort": each.spec.local_port, "containerPort": container_port(pod, each.spec)}
    started = max(each.created_at, pod.created_at) if status.listening and not status.error else ""
    return {**ports, **compact({"startedAt": started, "error": status.error})}


def _registry(registry: Registry) -> Json:
    fields = {"hostFromContainerRuntime": registry.host_from_cluster, "singleName": registry.single_name}
    return {"host": registry.host, **compact(fields)}


def _owners(state: Snapshot) -> list[Json]:
    tiltfile = state.get(Tiltfile, TILTFILE)
    return owner_references(TILTFILE_OWNER, uid(Tiltfile.kind, tiltfile)) if tiltfile is not None else []


def _object(
    kind: str, thing: Object, name: str, spec: Json, status: Json, *, owners: list[Json], annotations: dict[str, str]
) -> tuple[str, Json]:
    metadata = {
        "name": name,
        "uid": uid(kind, replace(thing, name=name)),
        "creationTimestamp": thing.created_at,
        "resourceVersion": str(thing.version),
        **compact({"annotations": annotations, "ownerReferences": owners}),
    }
    return name, {"apiVersion": GROUP_VERSION, "kind": kind, "metadata": metadata, "spec": spec, "status": status}
