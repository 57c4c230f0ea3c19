"""The rows of the display: one value per resource with everything that a row shows."""

from collections.abc import Iterator
from pathlib import PurePath

from pytilt.model.api.buttons import UIButton
from pytilt.model.base import Value
from pytilt.model.cluster_events import ResourceEvents
from pytilt.model.live_updates import LiveUpdateState
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.model.objects import FileWatch, PortForward, Resource, Runtime, RuntimeState, Tiltfile
from pytilt.model.pods import Pod
from pytilt.model.resources import Deploy, Link, TriggerMode
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Outcome, Update
from pytilt.store.objects import Snapshot
from pytilt.views.buttons import SESSION, Buttons, buttons
from pytilt.views.dots import Dot, Tone, resource_dot, tiltfile_dot
from pytilt.views.endpoints import endpoints
from pytilt.views.statuses import Statuses, ordered, resource_statuses, tiltfile_statuses
from pytilt.views.updates import Bar, Cell, HistoryLine, bars, history_line, hold_text, update_cell, work

_RUNTIME_TONES = {
    RuntimeStatus.OK: Tone.PLAIN,
    RuntimeStatus.PENDING: Tone.BUSY,
    RuntimeStatus.ERROR: Tone.ERROR,
    RuntimeStatus.UNKNOWN: Tone.MUTED,
    RuntimeStatus.NONE: Tone.MUTED,
    RuntimeStatus.NOT_APPLICABLE: Tone.MUTED,
}


class Row(Value):
    """A resource as a row, and what the row shows when it is expanded."""

    name: ResourceName
    dot: Dot
    labels: tuple[str, ...] = ()
    status: Cell
    """What runs, or what it waits for: `Running`, `CrashLoopBackOff`, `waits for db`."""
    update: Cell
    """The running or the last update: `live 8 ms`, `rebuild 2.1 s`; without a duration while it runs."""
    started_at: str = ""
    """RFC 3339: when the running update began; empty when none runs."""
    since: str = ""
    """RFC 3339: when it was deployed or ran last; how long ago that is depends on the moment it is drawn."""
    restarts: int = 0
    endpoints: tuple[Link, ...] = ()
    """Those with an error lead nowhere, and are not to be offered."""
    mode: str = "auto"
    pod: str = ""
    """Name of the pod that counts."""
    pods: tuple[Pod, ...] = ()
    recent: tuple[Bar, ...] = ()
    history: tuple[HistoryLine, ...] = ()
    """Newest first."""
    timed: Update | None = None
    """The last update, if it is known how long its steps took."""
    waits: str = ""
    error: str = ""
    """Why it is broken, as many lines as there are; empty when it is not."""
    crashed: bool = False
    """Is it what runs that is broken, so that the end of its log explains it?"""
    warnings: tuple[str, ...] = ()
    live: tuple[str, ...] = ()
    """How its containers are updated in place, and why that cannot be done."""
    enabled: bool = True
    events: int = 0
    """How often the cluster has reported something of its objects, as far as that is kept."""
    dependencies: tuple[ResourceName, ...] = ()
    buttons: tuple[UIButton, ...] = ()
    """Of the row of the Tiltfile: those of the session."""

    @property
    def trouble(self) -> bool:
        """Does it ask for attention?"""
        return self.dot is Dot.ERROR

    @property
    def updating(self) -> bool:
        """Does an update run?"""
        return bool(self.started_at)


def rows(state: Snapshot) -> tuple[Row, ...]:
    """Every row in the order of the display, `(Tiltfile)` last as in the first displays."""
    tiltfile, root = state.get(Tiltfile, TILTFILE), _root(state)
    offered = buttons(state)
    found = tuple(resource_row(state, resource, root, offered) for resource in ordered(state))
    return (*found, tiltfile_row(state, tiltfile, root, offered)) if tiltfile else found


class Rows:
    """The rows of one state after the other; a row is only made anew when something it is made of has changed."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[tuple[int, ...], Row]] = {}

    def of(self, state: Snapshot) -> tuple[Row, ...]:
        """The rows of a state, as `rows` makes them."""
        return tuple(self.each(state))

    def each(self, state: Snapshot) -> Iterator[Row]:
        """The same rows one by one, so that who asks can let others go on between them."""
        tiltfile, root = state.get(Tiltfile, TILTFILE), _root(state)
        offered = buttons(state)
        every = ordered(state)
        for resource in every:
            yield self._row(state, resource, root, offered)
        for gone in self._kept.keys() - {resource.name for resource in every}:
            del self._kept[gone]
        if tiltfile:
            yield tiltfile_row(state, tiltfile, root, offered)

    def _row(self, state: Snapshot, resource: Resource, root: str, offered: Buttons) -> Row:
        versions = _versions(state, resource, offered)
        kept = self._kept.get(resource.name)
        if kept is None or kept[0] != versions:
            kept = self._kept[resource.name] = (versions, resource_row(state, resource, root, offered))
        return kept[1]


def live_lines(state: Snapshot, name: str) -> tuple[str, ...]:
    """A line for each kind of way into the containers, and for each reason why there is none."""
    found = state.get(LiveUpdateState, name)
    lines: dict[str, int] = {}
    for container in found.status.containers if found else ():
        reach = container.reach.text if container.reach else ""
        way = f"{container.name}: {container.way.text}{reach}" if container.way else ""
        line = way or (f"{container.name}: {container.error}" if container.error else "")
        lines[line] = lines.get(line, 0) + 1
    return tuple(f"{line} (in {count} pods)" if count > 1 else line for line, count in lines.items() if line)


def _root(state: Snapshot) -> str:
    """Files below this directory are shown relative to it."""
    tiltfile = state.get(Tiltfile, TILTFILE)
    return str(PurePath(tiltfile.path).parent) if tiltfile else ""


def _versions(state: Snapshot, resource: Resource, offered: Buttons) -> tuple[int, ...]:
    """The versions of everything that a row is made of."""
    runtime = state.get(Runtime, resource.name)
    live, events = state.get(LiveUpdateState, resource.name), state.get(ResourceEvents, resource.name)
    forwards = resource.spec.deploy.port_forwards
    ports = (state.get(PortForward, f"{resource.name}:{each.local_port}") for each in forwards)
    own = (each.version for each in offered.get(resource.name, ()))
    return (resource.version, *(each.version if each else 0 for each in (runtime, live, events, *ports)), *own)


def resource_row(state: Snapshot, resource: Resource, root: str, offered: Buttons) -> Row:
    """The row of a resource.

    Args:
        state: the objects of the session.
        resource: one of them.
        root: files below this directory are shown relative to it.
        offered: every button.
    """
    spec, status = resource.spec, resource.status
    runtime, events = state.get(Runtime, resource.name), state.get(ResourceEvents, resource.name)
    running = runtime.status if runtime else RuntimeState()
    statuses = resource_statuses(resource, runtime)
    dot = resource_dot(resource, statuses)
    if dot is Dot.OK and status.pending_manual:
        dot = Dot.IDLE
    status_cell = _status(resource, running, statuses)
    error = _error(status.last, running, status_cell.text) if dot is Dot.ERROR else ""
    links = endpoints(state, resource, running)
    broken = dict.fromkeys(link.error for link in links if link.error)
    if broken and dot in (Dot.OK, Dot.IDLE):
        dot, status_cell, error = Dot.ERROR, Cell(text="forward broken", tone=Tone.ERROR), "\n".join(broken)
    pod = next(iter(running.pods), None)
    builds = bool(spec.built_images)

    def word(update: Update) -> str:
        return work(update, spec.deploy, builds=builds)

    every = (*status.current, *status.history)
    return Row(
        name=ResourceName(resource.name),
        dot=dot,
        labels=spec.labels,
        status=status_cell,
        update=_update(resource, word(every[0]) if every else ""),
        started_at=status.current[0].started_at if status.current else "",
        since=status.deployed_at or (status.last.finished_at if status.last else ""),
        restarts=pod.restarts if pod else 0,
        endpoints=links,
        mode=_mode(spec.trigger_mode),
        pod=pod.name if pod else "",
        pods=running.pods,
        recent=bars(status.history),
        history=tuple(history_line(update, word(update), root) for update in every),
        timed=status.last if status.last and status.last.steps else None,
        waits=hold_text(status.hold) if status.hold else _unknown(statuses),
        error=error,
        crashed=dot is Dot.ERROR and running.status is RuntimeStatus.ERROR,
        warnings=status.last.warnings if status.last else (),
        live=live_lines(state, resource.name),
        enabled=resource.enabled,
        events=sum(event.count for event in events.events) if events else 0,
        dependencies=spec.resource_deps,
        buttons=offered.get(resource.name, ()),
    )


def tiltfile_row(state: Snapshot, tiltfile: Tiltfile, root: str, offered: Buttons) -> Row:
    """The row of the Tiltfile."""
    status = tiltfile.status
    watch = state.get(FileWatch, f"configs:{TILTFILE}")
    changed = watch is not None and (watch.status.held or watch.status.latest > status.consumed)
    statuses = tiltfile_statuses(tiltfile, pending=status.trigger is not None or changed)
    dot = tiltfile_dot(tiltfile, statuses)
    every = (*((status.current,) if status.current else ()), *status.history)
    last = status.history[0] if status.history else None
    declared = status.declaration.warnings if status.declaration else ()
    return Row(
        name=TILTFILE,
        dot=dot,
        status=Cell(text="broken", tone=Tone.ERROR) if dot is Dot.ERROR else Cell(text="", tone=Tone.MUTED),
        update=update_cell(every[0], "evaluate") if every else Cell(text="pending", tone=Tone.BUSY),
        started_at=status.current.started_at if status.current else "",
        since=last.finished_at if last else "",
        recent=bars(status.history),
        history=tuple(history_line(update, "evaluate", root) for update in every),
        timed=last if last and last.steps else None,
        error=last.error if last and dot is Dot.ERROR else "",
        warnings=declared,
        buttons=(*offered.get(TILTFILE, ()), *offered.get(SESSION, ())),
    )


def _status(resource: Resource, running: RuntimeState, statuses: Statuses) -> Cell:
    if not resource.enabled:
        return Cell(text="disabled", tone=Tone.MUTED)
    if resource.status.hold is not None:
        return Cell(text=hold_text(resource.status.hold), tone=Tone.BUSY)
    if resource.status.pending_manual:
        return Cell(text="changed, not updated", tone=Tone.WARN)
    tone = _RUNTIME_TONES[statuses.runtime]
    if running.stale and statuses.runtime is RuntimeStatus.UNKNOWN:
        return Cell(text="unknown", tone=Tone.WARN)
    if not resource.spec.deploy.in_cluster:
        return _process_status(resource.spec.deploy, running, tone)
    pod = next(iter(running.pods), None)
    if pod is not None:
        text = pod.status or pod.phase
        if text == "Running" and any(container.crashing for container in pod.containers):
            return Cell(text="crashing", tone=tone)
        unready = statuses.runtime is RuntimeStatus.PENDING and text == "Running"
        return Cell(text="not ready" if unready else text, tone=tone)
    if statuses.runtime is RuntimeStatus.OK:
        return Cell(text="deployed", tone=Tone.PLAIN)
    deployed = bool(resource.status.deployed_at)
    text = "broken" if statuses.runtime is RuntimeStatus.ERROR else "no pod yet" if deployed else ""
    return Cell(text=text, tone=tone)


def _unknown(statuses: Statuses) -> str:
    return statuses.reason.partition("\n")[0] if statuses.runtime is RuntimeStatus.UNKNOWN else ""


def _process_status(deploy: Deploy, running: RuntimeState, tone: Tone) -> Cell:
    if not deploy.has_runtime:
        return Cell(text="", tone=Tone.MUTED)
    if running.status is RuntimeStatus.OK:
        return Cell(text="serving", tone=tone)
    if running.status is RuntimeStatus.ERROR:
        return Cell(text=_exit_text(running.reason), tone=tone)
    return Cell(text="not ready" if running.pid else "", tone=tone)


def _exit_text(reason: str) -> str:
    """A short form of the reason a served process ended with."""
    words = reason.split()
    return f"exited with {words[-1]}" if words and words[-1].lstrip("-").isdigit() else "broken"


def _update(resource: Resource, word: str) -> Cell:
    status = resource.status
    if status.current:
        return update_cell(status.current[0], word)
    if status.due and status.last is None:
        return Cell(text="not built yet" if resource.spec.images else "not run yet", tone=Tone.MUTED)
    if status.last is not None:
        return update_cell(status.last, word)
    return Cell(text="not started", tone=Tone.MUTED)


def _mode(mode: TriggerMode) -> str:
    return "auto" if mode.auto else "manual"


def _error(last: Update | None, running: RuntimeState, status: str) -> str:
    """Why it is broken, without what the row says already."""
    if last is not None and last.outcome not in (Outcome.OK, Outcome.RUNNING):
        return last.error or f"the update {last.outcome.value}"
    said = [running.reason]
    for pod in running.pods[:1]:
        said += [pod.message, *(container.message for container in pod.containers)]
    lines: list[str] = []
    for text in filter(None, said):
        lines += [line for line in text.splitlines() if line.strip() and not any(line in each for each in lines)]
    explaining = [line for line in lines if line != status]
    return "\n".join(explaining or lines) or "it is broken, and nothing says why"
