"""The lines of a container's log, whole even where the engine loses some of them."""

import time
from array import array
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from pytilt.docker.executions import pieces
from pytilt.docker.seam import ContainerRuntime, Json
from pytilt.engines.pods.log_files import PART_BYTES, LogFile, file_lines
from pytilt.errors import ClusterUnreachableError, DockerApiError
from pytilt.model.base import Value
from pytilt.model.times import engine_since, in_utc, podman_since

SETTLED_SECONDS = 10.0
"""What was received so long ago is complete if the container still runs: an engine loses lines after its end only."""

Lines = AsyncGenerator[tuple[str, str]]
"""Times and lines."""


class LogSource(Value):
    """The log of one container."""

    runtime: ContainerRuntime
    container: str
    """Its id."""
    terminal: bool = False
    """Its output is that of a terminal, which the engine does not frame."""

    async def engine_lines(self, since: str, *, follow: bool = True) -> Lines:
        """The lines as the engine sends them, from a time in its own form on; empty: from the beginning."""
        async with (
            self.runtime.logs(self.container, since=since, follow=follow) as chunks,
            aclosing(_lines(chunks, terminal=self.terminal)) as lines,
        ):
            async for line in lines:
                yield line


def docker_lines(source: LogSource, since: str) -> Lines:
    """Follow a log to its end.

    Args:
        source: the log.
        since: RFC 3339; empty: from the beginning.
    """
    return source.engine_lines(engine_since(since) if since else "")


async def podman_lines(source: LogSource, since: str, *, runs: Callable[[], bool]) -> Lines:
    """Follow a log to its end, also where Podman loses some of it.

    Where Podman keeps it in a file on this machine, that is read, since of much that is written Podman loses lines.

    Else its stream is followed. Podman stops that a quarter of a second after the container's end, wherever the stream
    is by then. So the log of a container that has ended is read without following, which reads all of the file; what
    came already is left out.

    Args:
        source: the log.
        since: RFC 3339; empty: from the beginning.
        runs: does the container run, as far as is known?
    """
    inspected = await source.runtime.inspect(source.container)
    file = _log_file(source.container, inspected) if inspected is not None else None
    if file is None:
        chosen = _followed_lines(source, since, runs=runs)
    else:

        async def ended() -> bool:
            return not runs() and await _is_over(source)

        chosen = file_lines(file, since, terminal=source.terminal, ended=ended)
    async with aclosing(chosen) as lines:
        async for line in lines:
            yield line


async def _followed_lines(source: LogSource, since: str, *, runs: Callable[[], bool]) -> Lines:
    """Follow the engine's stream; after the container's end read without following what was not sent."""
    received = ReceivedLines(since)
    async with aclosing(source.engine_lines(podman_since(since) if since else "")) as lines:
        while runs() and (line := await anext(lines, None)) is not None:
            if not runs():
                break  # it comes again, after those that were lost before it
            received.note(*line)
            yield line
    inspected = await source.runtime.inspect(source.container)
    if inspected is None:
        return  # it was removed, and its log with it
    if inspected["State"]["Running"]:
        raise ClusterUnreachableError("the engine ended the log of a container that runs")
    try:
        async with aclosing(
            source.engine_lines(since=podman_since(received.settled) if received.settled else "", follow=False)
        ) as lines:
            async for line in lines:
                if not received.take(*line):
                    yield line
    except DockerApiError as error:
        if error.status != 404:
            raise


def _log_file(container: str, inspected: Json) -> LogFile | None:
    """The file of a log, where it is on this machine: a Podman of another one names a path that is none here."""
    path = str(inspected.get("LogPath") or "")
    return LogFile.open(path) if container in path else None


async def _is_over(source: LogSource) -> bool:
    inspected = await source.runtime.inspect(source.container)
    return inspected is None or not inspected["State"]["Running"]


class ReceivedLines:
    """The end of what was received of a log, perhaps with gaps.

    Lines are kept as numbers, those of one time together: Podman's times are whole seconds.

    Args:
        since: RFC 3339, from where on the log was read; empty: from the beginning.
        clock: returns seconds.
    """

    def __init__(self, since: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.settled = since
        """Nothing is missing of what was written before."""
        self._clock = clock
        self._received: dict[str, tuple[float, array[int]]] = {}
        """The lines of each time, and when the first of them was received."""
        self._counted: dict[str, Counter[int]] = {}

    def note(self, at: str, text: str) -> None:
        """A line was received while the container ran."""
        found = self._received.get(at)
        if found is None:
            found = self._received[at] = self._clock(), array("q")
            self._settle()
        found[1].append(hash(text))

    def take(self, at: str, text: str) -> bool:
        """Was a line received? Each counts once."""
        if at not in self._counted:
            _, lines = self._received.pop(at, (0.0, ()))
            self._counted[at] = Counter(lines)
        counted, line = self._counted[at], hash(text)
        if not counted[line]:
            return False
        counted[line] -= 1
        return True

    def _settle(self) -> None:
        """Forget what is settled, but for the last time of it: the log is read again from there on."""
        before = self._clock() - SETTLED_SECONDS
        settled = [at for at, (received, _) in self._received.items() if received < before]
        for at in settled[:-1]:
            del self._received[at]
        if settled:
            self.settled = settled[-1]


async def _lines(chunks: AsyncIterator[bytes], *, terminal: bool) -> Lines:
    """Times and lines of a log; the engine cuts long lines into pieces, which are put together again."""
    open_lines: dict[int, tuple[str, list[bytes]]] = {}
    buffer = bytearray()
    async for chunk in chunks:
        buffer += chunk
        if terminal and b"\n" not in chunk:  # a line can have a hundred megabytes
            continue
        for channel, piece in _records(buffer, terminal=terminal):
            stamp, _, text = piece.partition(b" ")
            if channel not in open_lines:
                open_lines[channel] = in_utc(stamp.decode(errors="replace")) or "", []
            open_lines[channel][1].append(text)
            if text.endswith(b"\n"):
                begun, pieces = open_lines.pop(channel)
                yield begun, b"".join(pieces).decode(errors="replace")
            elif sum(map(len, open_lines[channel][1])) >= PART_BYTES:
                begun, pieces = open_lines[channel]
                yield begun, b"".join(pieces).decode(errors="replace") + "\n"
                open_lines[channel] = begun, []
    for begun, pieces in open_lines.values():
        yield begun, b"".join(pieces).decode(errors="replace") + "\n"


def _records(buffer: bytearray, *, terminal: bool) -> list[tuple[int, bytes]]:
    if not terminal:
        return list(pieces(buffer))
    *whole, rest = bytes(buffer).split(b"\n")
    buffer[:] = rest
    return [(1, line.rstrip(b"\r") + b"\n") for line in whole]
