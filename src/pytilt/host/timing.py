"""How long the steps of a piece of work take: noted where they happen, at the cost of two readings of the clock each.

Who starts the work opens a `Recording`; whatever runs inside it, in tasks of its own too, calls `step`. Without a
recording a step is noted nowhere.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from pytilt.model.updates import StepName, UpdateStep


class _TimedStep(NamedTuple):
    name: StepName
    subject: str
    begin: float
    end: float


class Recording:
    """The steps of one piece of work.

    Args:
        origin: when it began, by the monotonic clock; the steps count from there.
    """

    def __init__(self, origin: float | None = None) -> None:
        self.origin = time.monotonic() if origin is None else origin
        self._steps: list[_TimedStep] = []

    def add(self, name: StepName, begin: float, end: float, subject: str = "") -> None:
        """Note a step whose times are known, by the monotonic clock."""
        self._steps.append(_TimedStep(name, subject, begin, end))

    @property
    def steps(self) -> tuple[UpdateStep, ...]:
        """What was noted so far, in the order in which the steps began."""
        return tuple(
            UpdateStep(
                name=each.name,
                subject=each.subject,
                begin=round(max(0.0, each.begin - self.origin), 6),
                seconds=round(max(0.0, each.end - each.begin), 6),
            )
            for each in sorted(self._steps, key=lambda each: each.begin)
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have the steps inside of the block noted here."""
        token = _current.set((self, ""))
        try:
            yield
        finally:
            _current.reset(token)


_current: ContextVar[tuple[Recording, str] | None] = ContextVar("recording", default=None)


@contextmanager
def about(subject: str) -> Iterator[None]:
    """Say of the steps inside of the block what they are about, where they do not say so themselves."""
    current = _current.get()
    token = _current.set(current and (current[0], subject))
    try:
        yield
    finally:
        _current.reset(token)


class step:  # noqa: N801 - it reads as a verb: `with step(StepName.PACK):`
    """Note the block as a step, however it ends.

    Args:
        name: of the step.
        subject: what it is about, for example an image, a container or a command.
    """

    __slots__ = ("_begin", "_name", "_subject")

    def __init__(self, name: StepName, subject: str = "") -> None:
        self._name = name
        self._subject = subject
        self._begin = 0.0

    def __enter__(self) -> None:
        self._begin = time.monotonic()

    def __exit__(self, *_: object) -> None:
        note(self._name, self._begin, time.monotonic(), self._subject)


def note(name: StepName, begin: float, end: float, subject: str = "") -> None:
    """Note a step whose times are known, by the monotonic clock."""
    current = _current.get()
    if current is not None:
        recording, about_ = current
        recording.add(name, begin, end, subject or about_)


class Laps:
    """Steps that follow each other without a gap; for code that learns from messages when the next one begins.

    Args:
        name: of the first step, which begins now.
    """

    def __init__(self, name: StepName) -> None:
        self._name, self._subject, self._begin = name, "", time.monotonic()

    def next(self, name: StepName, subject: str = "") -> None:
        """The present step ends, and the next one begins."""
        self.end()
        self._name, self._subject = name, subject

    def end(self) -> None:
        """The present step ends."""
        now = time.monotonic()
        note(self._name, self._begin, now, self._subject)
        self._begin = now
