"""Where the time of updates went: their steps as bars for a terminal, as JSON, and as a trace for Chrome's viewers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import PurePath
from typing import Any

from pytilt.model.base import Value
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.model.objects import Resource, Tiltfile
from pytilt.model.times import seconds_of
from pytilt.model.updates import Outcome, Update, UpdateStep
from pytilt.store.objects import Snapshot
from pytilt.views.updates import what_for, work

PARTS = " ▏▎▍▌▋▊▉█"
"""A cell of a bar, filled from the left by eighths."""

NARROWEST_BAR = 10
_TIME_WIDTH = 1 + 9 + 2
"""Of a time, with what is before and after it."""
LONGEST_LABEL = 36

Json = dict[str, Any]


class TimedUpdate(Value):
    """An update that has ended, and whose it is."""

    resource: ResourceName
    word: str
    """What it did: `live`, `rebuild`, …"""
    update: Update


def timed_updates(state: Snapshot, resource: str = "") -> tuple[TimedUpdate, ...]:
    """The updates whose steps are known, the oldest first.

    Args:
        state: the objects of the session.
        resource: only those of this one; empty: of all.
    """
    found: list[TimedUpdate] = []
    for each in state.all(Resource):
        builds = bool(each.spec.built_images)
        for update in each.status.history:
            word = work(update, each.spec.deploy, builds=builds)
            found.append(TimedUpdate(resource=ResourceName(each.name), word=word, update=update))
    for tiltfile in state.all(Tiltfile):
        evaluations = (TimedUpdate(resource=TILTFILE, word="evaluate", update=each) for each in tiltfile.status.history)
        found += evaluations
    chosen = (each for each in found if each.update.steps and resource in ("", each.resource))
    return tuple(sorted(chosen, key=lambda each: (each.update.started_at, each.update.id)))


def chart(timed: TimedUpdate, root: str, width: int) -> list[str]:
    """An update as lines: a title, and for every step its time and a bar that stands where the step was.

    Args:
        timed: the update.
        root: files below this directory are shown relative to it.
        width: no line has more characters.
    """
    update = timed.update
    whole = update.whole_seconds
    failed = "" if update.outcome is Outcome.OK else f", {update.outcome.value.replace('-', ' ')}"
    title = f"{timed.resource}  {timed.word} {exact(whole)}{failed}  {what_for(update, root)}"
    return [_cut(title, width), *(f"  {line}"[:width] for line in step_lines(update, max(0, width - 2)))]


def step_lines(update: Update, width: int, *, most: int = 0) -> list[str]:
    """The steps of an update, each with its time and a bar that stands where the step was.

    Args:
        update: its steps are known.
        width: no line has more characters.
        most: of more steps than this only the longest are shown; 0: all are.
    """
    whole = update.whole_seconds
    shown = set(range(len(update.steps)))
    if most and len(shown) > most:
        shown = set(sorted(shown, key=lambda number: -update.steps[number].seconds)[:most])
    steps = [step for number, step in enumerate(update.steps) if number in shown]
    labels = [_label(step) for step in steps]
    # In a narrow terminal the bars keep what they need, and the labels lose their ends.
    room = max(0, width - _TIME_WIDTH - NARROWEST_BAR)
    widest = min(max(map(len, labels), default=0), LONGEST_LABEL, max(room, 6))
    cells = max(0, width - widest - _TIME_WIDTH)
    return [
        f"{_cut(label, widest):{widest}} {exact(step.seconds):>9}  {_bar(step, whole, cells)}"[:width].rstrip()
        for step, label in zip(steps, labels, strict=True)
    ]


def exact(seconds: float) -> str:
    """A time with the digits that matter: `0.4 ms`, `9.1 ms`, `120 ms`, `2.1 s`, `75 s`."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 59.95 else f"{seconds:.0f} s"


def documents(updates: Iterable[TimedUpdate], root: str) -> list[Json]:
    """The updates as JSON, with times in seconds since `origin`."""
    return [
        {
            "resource": each.resource,
            "update": each.update.id,
            "reason": each.update.reason.shown,
            "strategy": each.update.strategy.value,
            "note": each.update.note,
            "outcome": each.update.outcome.value,
            "error": each.update.error,
            "changedFiles": [str(_relative(path, root)) for path in each.update.changed_files],
            "origin": each.update.origin,
            "startedAt": each.update.started_at,
            "finishedAt": each.update.finished_at,
            "seconds": each.update.whole_seconds,
            "steps": [
                {"name": step.name.value, "subject": step.subject, "begin": step.begin, "seconds": step.seconds}
                for step in each.update.steps
            ],
        }
        for each in updates
    ]


def trace(updates: Sequence[TimedUpdate], root: str) -> Json:
    """The updates in Chrome's trace format, for `chrome://tracing`, Perfetto and their like.

    A resource is a process there. Its updates are on the first thread, with their steps inside; steps that run at the
    same time as others have threads of their own.
    """
    names = dict.fromkeys(each.resource for each in updates)
    numbers = {name: number for number, name in enumerate(names, start=1)}
    named = [_metadata(numbers[name], name) for name in names]
    events = list(chain.from_iterable(_events(each, numbers, root) for each in updates))
    return {"traceEvents": [*named, *events], "displayTimeUnit": "ms"}


def _metadata(process: int, name: str) -> Json:
    return {"name": "process_name", "ph": "M", "pid": process, "tid": 0, "args": {"name": name}}


def _events(timed: TimedUpdate, numbers: Mapping[ResourceName, int], root: str) -> Iterator[Json]:
    update, process = timed.update, numbers[timed.resource]
    origin = seconds_of(update.origin) * 1e6
    yield {
        "name": f"{timed.word}: {what_for(update, root)}",
        "cat": "update",
        "ph": "X",
        "pid": process,
        "tid": 1,
        "ts": round(origin, 1),
        "dur": round(update.whole_seconds * 1e6, 1),
        "args": {"update": update.id, "outcome": update.outcome.value, "reason": update.reason.shown},
    }
    for step, thread in zip(update.steps, _threads(update.steps), strict=True):
        yield {
            "name": step.name.value,
            "cat": "step",
            "ph": "X",
            "pid": process,
            "tid": thread,
            "ts": round(origin + step.begin * 1e6, 1),
            "dur": round(step.seconds * 1e6, 1),
            "args": {"subject": step.subject} if step.subject else {},
        }


def _threads(steps: Sequence[UpdateStep]) -> list[int]:
    """For every step the first thread that is free when it begins."""
    ends: list[float] = []
    found = []
    for step in steps:
        # A microsecond is the last digit that is recorded.
        free = next((number for number, end in enumerate(ends) if step.begin >= end - 1.5e-6), len(ends))
        ends[free : free + 1] = [step.begin + step.seconds]
        found.append(free + 1)
    return found


def _label(step: UpdateStep) -> str:
    return f"{step.name.value} {' '.join(step.subject.split())}".rstrip()


def _bar(step: UpdateStep, whole: float, cells: int) -> str:
    """A bar from where a step begins to where it ends; one too short to be seen has the least part of a cell."""
    if cells <= 0 or whole <= 0:
        return ""
    begin = min(step.begin / whole * cells, cells - 1 / 8)
    end = max(min((step.begin + step.seconds) / whole * cells, cells), begin)
    first, last = int(begin), int(end)
    if first == last:
        return " " * first + PARTS[max(1, round((end - begin) * 8))]
    # A cell can only be filled from the left: one whose left part is empty is filled if the most of it is.
    head = "█" if begin - first < 0.5 else "▐" if begin - first < 0.95 else " "
    return (" " * first + head + "█" * (last - first - 1) + PARTS[round((end - last) * 8)]).rstrip()


def _relative(path: str, root: str) -> PurePath:
    pure = PurePath(path)
    return pure.relative_to(root) if root and pure.is_relative_to(root) else pure


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"
