"""What a BuildKit build says about its steps, from its progress messages. Pure: messages in, lines out."""

import codecs
import re

from pytilt.host.output import Tail
from pytilt.images.docker.trace import Trace, TransferStatus, Vertex
from pytilt.model.base import Value

OUTPUT_PREFIX = "  → "
"""Before what a step prints, as in Tilt."""

_INTERNAL = "[internal]"
_LOADING = ("[internal] load build context", "copy /context /")
"""How BuildKit calls its reading of the context: from a session, and from a tar stream."""

_STAGE = re.compile(r"\[.+?\]")
_WORTH_REPORTING_SECONDS = 0.010
_BETWEEN_PROGRESS_SECONDS = 2.0
"""Steps quicker than 10 ms do not print how long they took; transfers print every 2 s. Both as in Tilt."""


class StepLine(Value):
    """A line for the log."""

    text: str
    progress: str = ""
    """Lines with the same id replace each other where the display can do that."""


class _VertexProgress:
    """A step and what was said of it."""

    def __init__(self, vertex: Vertex) -> None:
        self.vertex = vertex
        self.begun = self.failed = False
        self.reported_seconds = 0.0
        self.reported = TransferStatus()
        self.statuses: dict[str, TransferStatus] = {}
        self.partial = ""
        self.output = Tail()
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    @property
    def name(self) -> str:
        return "[background] read source files" if self.vertex.name in _LOADING else self.vertex.name

    @property
    def progress(self) -> str:
        stage = _STAGE.match(self.vertex.name)
        return stage[0] if stage else self.name

    @property
    def hidden(self) -> bool:
        return self.vertex.name.startswith(_INTERNAL) and self.vertex.name not in _LOADING

    @property
    def seconds(self) -> float:
        return self.vertex.completed - self.vertex.started if self.vertex.started and self.vertex.completed else 0.0


class BuildSteps:
    """The steps of one build."""

    def __init__(self) -> None:
        self._steps: dict[str, _VertexProgress] = {}
        self._failed: _VertexProgress | None = None

    @property
    def failed_name(self) -> str:
        """The step that failed, for example `[2/3] RUN make`; empty when none did."""
        return self._failed.name if self._failed else ""

    @property
    def failed_output(self) -> str:
        """The part of the failing step's output that explains the failure."""
        return self._failed.output.excerpt() if self._failed else ""

    def feed(self, trace: Trace) -> list[StepLine]:
        """Take in a message and return what is new."""
        for vertex in trace.vertexes:
            self._learn(vertex)
        for status in trace.statuses:
            if status.vertex in self._steps:
                self._steps[status.vertex].statuses[status.id] = status
        printed: dict[str, list[StepLine]] = {}
        for output in trace.outputs:
            if output.vertex in self._steps:
                text = self._steps[output.vertex].decode(output.data)
                printed.setdefault(output.vertex, []).extend(_take(self._steps[output.vertex], text))
        lines: list[StepLine] = []
        for digest, step in self._steps.items():
            lines += self._report(step, printed.get(digest, []))
        return lines

    def _learn(self, vertex: Vertex) -> None:
        step = self._steps.setdefault(vertex.digest, _VertexProgress(vertex))
        # A step may be reported as complete several times; the longest time is the right one.
        longest = max(vertex, step.vertex, key=lambda one: one.completed - one.started if one.completed else 0.0)
        step.vertex = Vertex(
            digest=vertex.digest,
            name=vertex.name,
            cached=vertex.cached,
            started=longest.started or vertex.started,
            completed=longest.completed,
            error=vertex.error or step.vertex.error,
        )

    def _report(self, step: _VertexProgress, printed: list[StepLine]) -> list[StepLine]:
        lines: list[StepLine] = []
        if step.vertex.started and not step.begun and not step.hidden:
            step.begun = True
            lines.append(
                StepLine(text=f"{step.name}{' [cached]' if step.vertex.cached else ''}", progress=step.progress)
            )
        if step.vertex.completed and step.partial:
            printed = printed + _take(step, "\n")
        if not step.hidden or step.vertex.error:
            lines += printed
        if step.vertex.error and not step.failed:
            step.failed = True
            self._failed = self._failed or step
            lines += [StepLine(text=""), StepLine(text=f"ERROR IN: {step.name}")]
        if not step.hidden and not step.vertex.cached and not step.vertex.error:
            lines += _transfer_and_end(step)
        return lines


def size(count: int) -> str:
    """Bytes for people: `26B`, `1.50MB`."""
    if count < 1000:
        return f"{count}B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 1000 or unit == "TB":
            break
    return f"{value:.2f}{unit}"


def duration(seconds: float) -> str:
    """A time as Go writes it, to the millisecond: `267ms`, `1.5s`, `2m3s`."""
    if seconds < 1:
        return f"{int(seconds * 1000)}ms"
    minutes, rest = divmod(int(seconds * 1000) / 1000, 60)
    shown = f"{rest:.3f}".rstrip("0").rstrip(".")
    hours, minutes = divmod(int(minutes), 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes or hours else "") + f"{shown}s"


def _take(step: _VertexProgress, text: str) -> list[StepLine]:
    """The lines that text completes; of a line that was rewritten by carriage returns its last state."""
    *complete, step.partial = (step.partial + text).split("\n")
    shown = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in complete]
    for line in shown:
        step.output.feed(f"{line}\n")
    return [StepLine(text=OUTPUT_PREFIX + line) for line in shown]


def _transfer_and_end(step: _VertexProgress) -> list[StepLine]:
    ended = step.seconds > max(_WORTH_REPORTING_SECONDS, step.reported_seconds)
    now = TransferStatus(
        current=sum(status.current for status in step.statuses.values()),
        total=sum(status.total for status in step.statuses.values()),
        timestamp=max((status.timestamp for status in step.statuses.values()), default=0),
    )
    if not ended and not _worth_reporting(step.reported, now):
        return []
    text = step.name
    if now.total:
        text += f" {size(now.current)} / {size(now.total)}"
    elif now.current:
        text += f" {size(now.current)}"
    if ended:
        step.reported_seconds = step.seconds
        text += f" [done: {duration(step.seconds)}]"
    step.reported = now
    return [StepLine(text=text, progress=step.progress)]


def _worth_reporting(reported: TransferStatus, now: TransferStatus) -> bool:
    if now.total != reported.total:
        return True
    whole, part = (now.total, 0.01) if now.total else (now.current, 0.05)
    moved = whole > 0 and (now.current - reported.current) / whole >= part
    return moved and now.timestamp - reported.timestamp > _BETWEEN_PROGRESS_SECONDS
