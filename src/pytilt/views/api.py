"""The objects as `tilt get`, `tilt wait` and their like see them.

In the group `tilt.dev` they have Tilt's kinds and fields; in `pytilt.dev` they are as the session stores them.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from pytilt.model.api.file_watches import ApiFileWatch
from pytilt.model.api.kinds import API_KINDS, ApiKind
from pytilt.model.api.kubernetes_applies import KubernetesApply
from pytilt.model.api.kubernetes_discoveries import KubernetesDiscovery
from pytilt.model.api.toggles import SWITCH_KEY, switch_name
from pytilt.model.api.words import GROUP, GROUP_VERSION, OWN_GROUP, READING, VERSION, WRITING, is_meant
from pytilt.model.kinds import STORED
from pytilt.model.live_updates import LiveUpdateState
from pytilt.model.names import CONFIGS, TILTFILE
from pytilt.model.objects import ClusterState, FileWatch, ImageMap, PortForward, Resource, Runtime, Session, Tiltfile
from pytilt.model.stored import TILTFILE_OWNER, Object, Owner
from pytilt.model.updates import Outcome, Update
from pytilt.store.objects import Snapshot
from pytilt.views.api_objects import owner_references, readable, shown, uid
from pytilt.views.build_objects import DERIVED, Made, kubernetes_applies
from pytilt.views.discoveries import discovery
from pytilt.views.endpoints import endpoints
from pytilt.views.holds import waits_for
from pytilt.views.sessions import session_spec, session_status
from pytilt.views.statuses import Statuses, conditions, ordered, resource_statuses, tiltfile_statuses
from pytilt.views.stored_objects import STORED_HERE, as_stored
from pytilt.views.tilt_objects import (
    clusters,
    file_watches,
    image_map_objects,
    live_updates,
    port_forwards,
    tiltfiles,
)

SESSION = "Tiltfile"
"""The name of the one Session, as in Tilt."""

SESSION_SOURCES = (Session, Tiltfile, Resource, Runtime)
DERIVED_SOURCES = (Session, Tiltfile, Resource, ImageMap, Runtime, KubernetesDiscovery)
FORWARD_SOURCES = (PortForward, Runtime, KubernetesDiscovery, Resource)

Json = dict[str, Any]
"""A JSON object of the API. It crosses no package border but the one to the wire."""


class Kind(msgspec.Struct, frozen=True):
    """A kind of the API."""

    name: str
    plural: str
    short: tuple[str, ...]
    sources: tuple[type[Object], ...]
    """The objects that it is made of; those of one name make one of this name."""
    names: Callable[[Snapshot], tuple[str, ...]]
    """The names of all that there are, in the order of the display."""
    one: Callable[[Snapshot, str], Json | None]
    """The object of a name, or None."""

    touches: Callable[[str], str] = lambda name: TILTFILE if name == CONFIGS else name
    """The name of what an object of this name is part of."""
    every: Callable[[Snapshot], Mapping[str, Json]] | None = None
    """Makes all objects at once, by name, where any change of what they are made of may touch any of them."""
    api: ApiKind | None = None
    """The kind in the table of those that Tiltfiles and clients make; None: the session makes it."""
    group: str = GROUP

    @property
    def group_version(self) -> str:
        """As `apiVersion` has it."""
        return f"{self.group}/{VERSION}"

    @property
    def verbs(self) -> tuple[str, ...]:
        """What can be done with its objects, in Kubernetes' words."""
        return (*READING, *(WRITING if self.api is not None else ()))

    def list(self, state: Snapshot) -> tuple[Json, ...]:
        """Every object of this kind."""
        if self.every is not None:
            return tuple(self.every(state).values())
        found = (self.one(state, name) for name in self.names(state))
        return tuple(each for each in found if each is not None)

    def touched(self, changed: Iterable[tuple[type[Object], str]]) -> set[str]:
        """The names of what may have become another because these objects changed."""
        return {self._name(kind, name) for kind, name in changed if kind in self.sources}

    def _name(self, kind: type[Object], name: str) -> str:
        forwards = kind is PortForward and PortForward is not self.sources[0]
        return self.touches(name.rpartition(":")[0] if forwards else name)


def kinds() -> tuple[Kind, ...]:
    """Every kind that can be read."""
    return (
        Kind("UIResource", "uiresources", (), (Tiltfile, Resource, Runtime, FileWatch, PortForward), row_names, _row),
        Kind("Session", "sessions", (), SESSION_SOURCES, _names_of(Session), _session, _the_session),
        _derived("Tiltfile", "tiltfiles", (), tiltfiles, (Tiltfile,)),
        _derived("ImageMap", "imagemaps", ("im",), image_map_objects, (ImageMap, Resource, ClusterState, Tiltfile)),
        _derived("LiveUpdate", "liveupdates", ("lu",), live_updates, (LiveUpdateState, ImageMap, Resource, Runtime)),
        _derived("PortForward", "portforwards", ("pf",), port_forwards, FORWARD_SOURCES),
        _derived("Cluster", "clusters", (), clusters, (ClusterState, Tiltfile)),
        *(_made(kind) for kind in API_KINDS),
        *(_derived(*each, DERIVED_SOURCES) for each in DERIVED),
        *(_stored(*each) for each in STORED_HERE),
    )


def find_kind(word: str) -> Kind | None:
    """The kind that a word of the command line means: plural, singular or short name, in any case; Tilt's first."""
    found = (kind for kind in kinds() if is_meant(word, (kind.plural, kind.name.lower(), *kind.short), kind.group))
    return next(found, None)


def ui_resources(state: Snapshot) -> tuple[Json, ...]:
    """Every row: the Tiltfile first, then the resources in their order."""
    return tuple(row for name in row_names(state) if (row := _row(state, name)) is not None)


def _made(kind: ApiKind) -> Kind:
    """A kind that Tiltfiles and clients make. Of the watches of files, those of the session are shown beside."""

    def one(state: Snapshot, name: str) -> Json | None:
        found = state.get(kind.type, name)
        return None if found is None else readable(shown(found, _owner_uid(state, found.owner)))

    if kind.type is KubernetesDiscovery:
        return _discoveries(kind, one)
    if kind.type is KubernetesApply:
        return _with_own(kind, one, kubernetes_applies, (Resource,))
    if kind.type is ApiFileWatch:
        return _with_own(kind, one, file_watches, (FileWatch, Resource, Tiltfile))
    return Kind(kind.name, kind.plural, kind.short, (kind.type,), _names_of(kind.type), one, api=kind)


def _discoveries(kind: ApiKind, one: Callable[[Snapshot, str], Json | None]) -> Kind:
    """The pods that objects look for, and those of the resources."""

    def of_resource(state: Snapshot, name: str) -> Json | None:
        resource = state.get(Resource, name)
        found = discovery(resource, state.get(Runtime, name)) if resource is not None else None
        return None if found is None else shown(found, _owner_uid(state, found.owner))

    def names(state: Snapshot) -> tuple[str, ...]:
        deployed = (each.name for each in ordered(state) if each.spec.deploy.in_cluster)
        return tuple(dict.fromkeys((*_names_of(kind.type)(state), *deployed)))

    def either(state: Snapshot, name: str) -> Json | None:
        return one(state, name) or of_resource(state, name)

    return Kind(kind.name, kind.plural, kind.short, (kind.type, Resource, Runtime), names, either, api=kind)


def _with_own(
    kind: ApiKind,
    one: Callable[[Snapshot, str], Json | None],
    own: Callable[[Snapshot], Made],
    sources: tuple[type[Object], ...],
) -> Kind:
    """Objects that were made, and those that the session has of itself beside them."""

    def every(state: Snapshot) -> Made:
        yield from own(state)
        for name in _names_of(kind.type)(state):
            if (found := one(state, name)) is not None:
                yield name, found

    return replace(_derived(kind.name, kind.plural, kind.short, every, (kind.type, *sources)), api=kind)


def _derived(
    name: str,
    plural: str,
    short: tuple[str, ...],
    made: Callable[[Snapshot], Made],
    sources: tuple[type[Object], ...],
) -> Kind:
    """A kind whose objects are made of others, under names of their own."""

    def every(state: Snapshot) -> Mapping[str, Json]:
        return dict(made(state))

    return Kind(
        name,
        plural,
        short,
        sources,
        lambda state: tuple(every(state)),
        lambda state, wanted: every(state).get(wanted),
        every=every,
    )


def _owner_uid(state: Snapshot, owner: Owner | None) -> str:
    kinds_of = {each.kind: each for each in STORED}
    found = state.get(kinds_of[owner.kind], owner.name) if owner is not None and owner.kind in kinds_of else None
    return "" if found is None or owner is None else uid(owner.kind, found)


def _the_session(_: str) -> str:
    return SESSION


def _session(state: Snapshot, name: str) -> Json | None:
    session = state.get(Session, name)
    if session is None:
        return None
    return _object("Session", session, spec=session_spec(session), status=session_status(state, session))


def _names_of(source: type[Object]) -> Callable[[Snapshot], tuple[str, ...]]:
    return lambda state: tuple(each.name for each in state.all(source))


def row_names(state: Snapshot) -> tuple[str, ...]:
    """The names of all rows, in their order."""
    return (*(each.name for each in state.all(Tiltfile)), *(each.name for each in ordered(state)))


def _row(state: Snapshot, name: str) -> Json | None:
    tiltfile = state.get(Tiltfile, name)
    if tiltfile is not None:
        return ui_tiltfile(state, tiltfile)
    resource = state.get(Resource, name)
    return None if resource is None else ui_resource(state, resource)


def ui_tiltfile(state: Snapshot, tiltfile: Tiltfile) -> Json:
    """The row of the Tiltfile."""
    status = tiltfile.status
    statuses = tiltfile_statuses(tiltfile, pending=status.trigger is not None or _configs_changed(state, tiltfile))
    body = {
        **_builds(status.history, (status.current,) if status.current else ()),
        "order": 1,
        **_state(statuses, enabled=True, since=tiltfile.created_at),
    }
    return _object("UIResource", tiltfile, metadata=_row_metadata(state, tiltfile), status=_filled(body))


def ui_resource(state: Snapshot, resource: Resource) -> Json:
    """The row of a resource, with the fields of Tilt's `UIResource`."""
    status, spec = resource.status, resource.spec
    runtime = state.get(Runtime, resource.name)
    statuses = resource_statuses(resource, runtime)
    links = endpoints(state, resource, runtime.status) if runtime else ()
    since = (runtime.status.since if runtime else "") or (status.last.finished_at if status.last else "")
    body: Json = {
        **_builds(status.history, status.current),
        "lastDeployTime": status.deployed_at or (status.last.finished_at if status.last else ""),
        "triggerMode": int(spec.trigger_mode),
        "pendingBuildSince": status.due_since,
        "hasPendingChanges": bool(status.due) or status.pending_manual,
        "endpointLinks": [{"url": link.url, "name": link.name} for link in links if not link.error],
        "endpointErrors": [{"url": link.url, "name": link.name, "error": link.error} for link in links if link.error],
        "queued": status.trigger is not None,
        "order": resource.order,
        "debounceSeconds": spec.debounce_seconds,
        "specs": _specs(resource),
        **_state(statuses, enabled=resource.enabled, since=since or resource.created_at, name=resource.name),
        **_runtime_info(resource, runtime),
    }
    if status.hold is not None:
        on = [_reference(name) for name in waits_for(state, status.hold)]
        body["waiting"] = {"reason": status.hold.reason.value, "on": on}
    metadata = {**_row_metadata(state, resource), "labels": {label: label for label in spec.labels}}
    return _object("UIResource", resource, metadata=metadata, status=_filled(body))


def _reference(name: str) -> Json:
    return {"group": "tilt.dev", "apiVersion": "v1alpha1", "kind": "UIResource", "name": name}


def _state(statuses: Statuses, *, enabled: bool, since: str, name: str = "") -> Json:
    return {
        "runtimeStatus": statuses.runtime.value,
        "updateStatus": statuses.update.value,
        "disableStatus": {
            "enabledCount": int(enabled),
            "disabledCount": int(not enabled),
            "state": "Enabled" if enabled else "Disabled",
            **({"sources": [{"configMap": {"name": switch_name(name), "key": SWITCH_KEY}}]} if name else {}),
        },
        "conditions": msgspec.to_builtins(conditions(statuses, disabled=not enabled, since=since)),
    }


def _builds(history: tuple[Update, ...], current: tuple[Update, ...]) -> Json:
    ended = [
        {
            "error": update.error if update.outcome is not Outcome.OK else "",
            "warnings": list(update.warnings),
            "startTime": update.started_at,
            "finishTime": update.finished_at,
            "spanID": update.span,
            "reason": update.reason.shown,
            "strategy": update.strategy.value,
            "note": update.note,
            "changedFiles": list(update.changed_files),
            "savedAt": update.saved_at,
            "steps": list(msgspec.to_builtins(update.steps)),
        }
        for update in history
    ]
    running = {"startTime": current[0].started_at, "spanID": current[0].span} if current else {}
    return {"buildHistory": [_filled(build) for build in ended], "currentBuild": running}


def _specs(resource: Resource) -> list[Json]:
    specs: list[Json] = [
        {"id": f"image:{image.name}", "type": "image", "hasLiveUpdate": image.live_update is not None}
        for image in resource.spec.images
    ]
    kind = resource.spec.deploy.target_type
    return [*map(_filled, specs), {"id": f"{kind}:{resource.name}", "type": kind}]


def _runtime_info(resource: Resource, runtime: Runtime | None) -> Json:
    if not resource.spec.deploy.in_cluster:
        return {"localResourceInfo": {"pid": runtime.status.pid if runtime else 0}}
    names = [f"{each['metadata']['name']}:{each['kind'].lower()}" for each in resource.spec.deploy.objects]
    info: Json = {"displayNames": names}
    pod = runtime.status.pods[0] if runtime and runtime.status.pods else None
    if pod is not None:
        info |= {
            "podName": pod.name,
            "podCreationTime": pod.created_at,
            "podStatus": pod.status or pod.phase,
            "podStatusMessage": pod.message,
            "allContainersReady": pod.containers_ready,
            "podRestarts": pod.restarts,
            "spanID": f"pod:{resource.name}:{pod.name}",
        }
    return {"k8sResourceInfo": _filled(info)}


def _configs_changed(state: Snapshot, tiltfile: Tiltfile) -> bool:
    watch = state.get(FileWatch, CONFIGS)
    return watch is not None and (watch.status.held or watch.status.latest > tiltfile.status.consumed)


def _stored(plural: str, source: type[Object]) -> Kind:
    """A kind of objects that are shown as the session stores them."""

    def one(state: Snapshot, name: str) -> Json | None:
        found = state.get(source, name)
        return None if found is None else as_stored(found)

    return Kind(source.kind, plural, (), (source,), _names_of(source), one, group=OWN_GROUP)


def _row_metadata(state: Snapshot, thing: Object) -> Json:
    """What Tilt's rows carry: whose log is theirs, and what has declared them."""
    owner = state.get(Tiltfile, TILTFILE)
    owners = owner_references(TILTFILE_OWNER, uid(Tiltfile.kind, owner)) if owner is not None else []
    return {"annotations": {"tilt.dev/resource": thing.name}, "ownerReferences": owners}


def _object(kind: str, thing: Object, *, metadata: Mapping[str, Any] | None = None, **parts: Json) -> Json:
    found = {
        "name": thing.name,
        "uid": uid(kind, thing),
        "creationTimestamp": thing.created_at,
        "resourceVersion": str(thing.version),
        **(metadata or {}),
    }
    return {"apiVersion": GROUP_VERSION, "kind": kind, "metadata": _filled(found), **parts}


def _filled(fields: Json) -> Json:
    """Without what is empty, as Go's JSON omits it; what is false or 0 counts as empty there."""
    return {name: value for name, value in fields.items() if value not in ("", None, [], {}, False) and value != 0}
