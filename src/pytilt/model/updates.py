"""Updates: runs of work for a resource, why they start, why they wait, what came of them."""

from enum import IntFlag, StrEnum
from functools import cache

from pytilt.model.api.words import CLI_TRIGGER_REASON
from pytilt.model.base import Value
from pytilt.model.names import ImageName, ResourceName, SpanId


class Reason(IntFlag):
    """Why an update runs; the numbers are those of Tilt's API."""

    NONE = 0
    CHANGED_FILES = 1
    CONFIG_CHANGED = 2
    INITIAL_BUILD = 8
    WEB_TRIGGER = 16
    CLI_TRIGGER = CLI_TRIGGER_REASON
    HUD_TRIGGER = 64
    UNKNOWN_TRIGGER = 128
    TILT_ARGS = 256
    DEPENDENCY_UPDATED = 512
    CONTAINER_REPLACED = 1024
    """Not in Tilt's API: a new container lacks what was synced into the one before it."""
    DRIFTED = 2048
    """Not in Tilt's API: somebody has deleted or changed in the cluster what was applied."""

    @property
    def triggered(self) -> bool:
        """Did somebody ask for it?"""
        return bool(self & TRIGGERS)

    @property
    def shown(self) -> str:
        """The text that Tilt shows: a trigger wins alone, then the initial build, else all names."""
        return _shown(self)


TRIGGERS = Reason.WEB_TRIGGER | Reason.CLI_TRIGGER | Reason.HUD_TRIGGER | Reason.UNKNOWN_TRIGGER
"""Somebody asked for it."""


@cache
def _shown(reason: Reason) -> str:
    for flag, text in _TEXTS.items():
        if flag & reason and (flag.triggered or flag is Reason.INITIAL_BUILD):
            return text
    return " | ".join(text for flag, text in _TEXTS.items() if flag & reason)


_TEXTS = {
    Reason.WEB_TRIGGER: "Web Trigger",
    Reason.CLI_TRIGGER: "CLI Trigger",
    Reason.HUD_TRIGGER: "HUD Trigger",
    Reason.UNKNOWN_TRIGGER: "Unknown Trigger",
    Reason.INITIAL_BUILD: "Initial Build",
    Reason.CHANGED_FILES: "Changed Files",
    Reason.CONFIG_CHANGED: "Config Changed",
    Reason.TILT_ARGS: "Tilt Args",
    Reason.DEPENDENCY_UPDATED: "Dependency Updated",
    Reason.CONTAINER_REPLACED: "Container Replaced",
    Reason.DRIFTED: "Changed In Cluster",
}


class Strategy(StrEnum):
    """How an update does its work."""

    FULL = "full"
    """Build what is stale, publish, apply."""
    LIVE = "live"
    """Update the running containers in place."""
    COMMAND = "command"
    """Run the resource's command on this machine."""
    EVALUATE = "evaluate"
    """Evaluate the Tiltfile."""


class Outcome(StrEnum):
    """What came of an update."""

    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    CANCELED = "canceled"
    FELL_BACK = "fell-back"
    """A live update did not reach its container; a full update follows."""
    INTERRUPTED = "interrupted"
    """The cluster did not answer any more; another update follows when it does."""

    @property
    def followed(self) -> bool:
        """Does another update follow by itself?"""
        return self in (Outcome.FELL_BACK, Outcome.INTERRUPTED)


class StepName(StrEnum):
    """What a step of an update does."""

    EVENT = "event"
    """From the kernel's first event of a save until it was known what changed."""
    WAIT = "wait"
    """It was due, and something else went first."""
    PLAN = "plan"
    """From then until it began."""
    PACK = "pack"
    SEND = "send"
    ACKNOWLEDGE = "acknowledge"
    """From the last byte sent until the container has the files."""
    RUN = "run"
    """A command in the container."""
    RESTART = "restart"
    READY = "ready"
    """After a live update, until the container is ready again."""
    DELETE = "delete"
    BUILD = "build"
    PUSH = "push"
    APPLY = "apply"
    POD = "pod"
    """After an apply, until the new pods are ready."""
    COMMAND = "command"
    """A command of this machine."""
    EVALUATE = "evaluate"


class UpdateStep(Value):
    """A part of an update, and how long it took. Steps may run side by side."""

    name: StepName
    """What it did."""
    subject: str = ""
    """What it was about: an image, a container, a command."""
    begin: float = 0.0
    """Seconds since the origin of the update."""
    seconds: float = 0.0
    """How long it took."""


class Update(Value):
    """One run of work for a resource."""

    id: int
    """Counts up within a session."""
    span: SpanId
    """Where its log is."""
    reason: Reason
    strategy: Strategy
    changed_files: tuple[str, ...] = ()
    """Absolute paths, sorted."""
    sequence: int = 0
    """Up to which change it takes files; 0: it takes none."""
    note: str = ""
    """Why this strategy, where that is not obvious: the reason of a fall-back."""
    started_at: str
    """RFC 3339."""
    finished_at: str = ""
    outcome: Outcome = Outcome.RUNNING
    error: str = ""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    """How long it took, by the monotonic clock; 0 while it runs."""
    saved_at: str = ""
    """RFC 3339: when the first of the saves was seen that it was started by; empty where it was started otherwise."""
    steps: tuple[UpdateStep, ...] = ()
    """In the order in which they began."""

    @property
    def origin(self) -> str:
        """The moment from which its steps count."""
        return self.saved_at or self.started_at

    @property
    def whole_seconds(self) -> float:
        """From the origin until the last of its steps had ended."""
        return max((step.begin + step.seconds for step in self.steps), default=self.seconds)


class HoldReason(StrEnum):
    """Why an update waits; the words of Tilt's API (`status.waiting.reason`)."""

    TILTFILE_RELOAD = "tiltfile-reload"
    WAITING_FOR_LOCAL = "waiting-for-local"
    IS_UNPARALLELIZABLE_LOCAL = "is-unparallelizable-local"
    WAITING_FOR_UNCATEGORIZED = "waiting-for-uncategorized"
    WAITING_FOR_DEP = "waiting-for-dep"
    WAITING_FOR_DEPLOY = "waiting-for-deploy"
    WAITING_FOR_CLUSTER = "waiting-for-cluster"
    CHANGES_OWN_DEPS = "changes-own-deps"
    """Not in Tilt's API: each run changes what it depends on, so that the next one waits for somebody."""
    WAITING_FOR_SLOT = "waiting-for-slot"
    """Not in Tilt's API: as many updates run as `max_parallel_updates` allows."""
    REPAIR_UNDONE = "repair-undone"
    """Not in Tilt's API: what was applied is deleted or changed again as often as it is repaired."""
    DEBOUNCE = "debounce"
    """Not in Tilt's API: its files have not been quiet for as long as the Tiltfile says."""
    WAITING_FOR_GIT = "waiting-for-git"
    """Not in Tilt's API: its files have changed while git holds its lock, and may do so again until git is done."""


class Hold(Value):
    """An update that is due and waits."""

    reason: HoldReason
    on: tuple[ResourceName, ...] = ()
    """The resources it waits for."""
    files: tuple[str, ...] = ()
    """The files because of which it waits."""


class Pause(Value):
    """The runs of a resource have changed their own dependencies too often."""

    files: tuple[str, ...]
    sequence: int
    """No change of these files up to this one starts a run."""

    def covers(self, path: str, sequence: int) -> bool:
        """Is this change none that starts a run?"""
        return path in self.files and sequence <= self.sequence


class Trigger(Value):
    """Somebody asked for an update."""

    reason: Reason
    sequence: int
    """When: greater than that of every change seen before."""


class SyncedContainer(Value):
    """A container that got files by live updates."""

    id: str
    sequence: int
    """Every change up to this one is in it."""
    tried: int = 0
    """Changes up to this one could not be brought; with the next one they are tried again."""


class DeployedImage(Value):
    """An image reference that is in what was deployed: in the objects of a resource, or below such an image."""

    name: ImageName
    reference: str
