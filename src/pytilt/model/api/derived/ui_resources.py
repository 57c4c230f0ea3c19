"""`UIResource`: a row of the display."""

from typing import ClassVar

import msgspec

from pytilt.model.api.derived.shared import DerivedObject, NoSpec, ObjectReference
from pytilt.model.api.metadata import DisableSource
from pytilt.model.base import Value
from pytilt.model.pods import Condition
from pytilt.model.status import RuntimeStatus, UpdateStatus
from pytilt.model.updates import UpdateStep


class UIBuildRunning(Value):
    """The update that runs."""

    start_time: str = ""
    """RFC 3339."""
    span_id: str = msgspec.field(default="", name="spanID")
    """Its lines in the log."""


class UIBuildTerminated(Value):
    """An update that has ended."""

    error: str = ""
    """Why it failed; empty for one that went well."""
    warnings: tuple[str, ...] = ()
    """What was said beside."""
    start_time: str = ""
    """RFC 3339."""
    finish_time: str = ""
    """RFC 3339."""
    span_id: str = msgspec.field(default="", name="spanID")
    """Its lines in the log."""
    reason: str = ""
    """Why it began, for example `changed files`."""
    strategy: str = ""
    """`live` for one in place, `full` for one by new images."""
    note: str = ""
    """Why it was not in place, and what to change so that it would be."""
    changed_files: tuple[str, ...] = ()
    """The files whose change it brought."""
    saved_at: str = ""
    """When the first of them was saved, RFC 3339."""
    steps: tuple[UpdateStep, ...] = ()
    """What it did, in order."""


class UIResourceLink(Value):
    """An address where the resource can be reached."""

    url: str = ""
    """For a browser."""
    name: str = ""
    """What it is called; empty: its address."""


class UIResourceLinkError(Value):
    """An address where the resource cannot be reached."""

    url: str = ""
    """For a browser."""
    name: str = ""
    """What it is called."""
    error: str = ""
    """Why not."""


class UIResourceTargetSpec(Value):
    """Something that an update builds, deploys or runs."""

    id: str = ""
    """Type and name: `image:shop/web`."""
    type: str = ""
    """`image`, `k8s`, `local` or `docker-compose`."""
    has_live_update: bool = False
    """Is it updated in place?"""


class UIResourceLocal(Value):
    """What of a local resource runs."""

    pid: int = 0
    """Of the process of `serve_cmd`; 0: there is none."""


class UIResourceKubernetes(Value):
    """What of a resource runs in the cluster; of several pods the newest."""

    pod_name: str = ""
    """Of the pod."""
    pod_creation_time: str = ""
    """RFC 3339."""
    pod_status: str = ""
    """As `kubectl get pods` shows it: `CrashLoopBackOff`."""
    pod_status_message: str = ""
    """The cluster's words for what is wrong."""
    all_containers_ready: bool = False
    """Are they?"""
    pod_restarts: int = 0
    """Of all its containers."""
    span_id: str = msgspec.field(default="", name="spanID")
    """The pod's lines in the log."""
    display_names: tuple[str, ...] = ()
    """The objects that are applied: `web:deployment`."""


class UIResourceStateWaiting(Value):
    """Why an update waits."""

    reason: str = ""
    """For example `waiting-for-dep`."""
    on: tuple[ObjectReference, ...] = ()
    """The resources that it waits for."""


class UIResourceDisabled(Value):
    """Whether it is disabled."""

    enabled_count: int = 0
    """1 or 0."""
    disabled_count: int = 0
    """0 or 1."""
    state: str = ""
    """`Enabled`, `Disabled` or `Pending`."""
    sources: tuple[DisableSource, ...] = ()
    """The key of a ConfigMap that disables it."""


class UIResourceStatus(Value):
    """How it is doing."""

    last_deploy_time: str = ""
    """When the last update ended well, RFC 3339."""
    trigger_mode: int = 0
    """0: updates begin by themselves; 1: they do but for the first one; 2, 3: they are asked for."""
    build_history: tuple[UIBuildTerminated, ...] = ()
    """Newest first."""
    current_build: UIBuildRunning = UIBuildRunning()
    """The one that runs; empty where none does."""
    pending_build_since: str = ""
    """Since when an update is due, RFC 3339."""
    has_pending_changes: bool = False
    """Has something changed that no update brought yet?"""
    endpoint_links: tuple[UIResourceLink, ...] = ()
    """Where it can be reached."""
    endpoint_errors: tuple[UIResourceLinkError, ...] = ()
    """Where it cannot."""
    k8s_resource_info: UIResourceKubernetes | None = None
    """There for what runs in the cluster."""
    local_resource_info: UIResourceLocal | None = None
    """There for what runs on this machine."""
    runtime_status: RuntimeStatus = RuntimeStatus.UNKNOWN
    """How that which runs is doing."""
    update_status: UpdateStatus = UpdateStatus.NONE
    """How its updates are doing."""
    specs: tuple[UIResourceTargetSpec, ...] = ()
    """What an update builds, deploys or runs."""
    queued: bool = False
    """Has somebody asked for an update?"""
    order: int = 0
    """Its place in the display."""
    debounce_seconds: float = 0
    """How long its files have to be quiet before an update begins."""
    disable_status: UIResourceDisabled = UIResourceDisabled()
    """Whether it is disabled."""
    waiting: UIResourceStateWaiting | None = None
    """There while a due update has to wait."""
    conditions: tuple[Condition, ...] = ()
    """`UpToDate`: what is on disk is what runs. `Ready`: what runs is healthy. For `tilt wait`."""


class UIResource(DerivedObject):
    """A row of the display: a resource, or the Tiltfile."""

    kind: ClassVar[str] = "UIResource"

    spec: NoSpec = NoSpec()
    """Nothing: the Tiltfile declares resources."""
    status: UIResourceStatus = UIResourceStatus()
