"""Bytes between a client of this machine and a connection to a pod, both ways, each way ended by itself."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

from pytilt.cluster.seam import ByteStream

CHUNK_BYTES = 65536

REPLAYED_BYTES = 256 * 1024
"""So much of what a client says is kept until a pod answers."""

HALF_CLOSED_SECONDS = 60.0
"""How long the pod's side may be silent once the client has said all; a client that is gone looks the same."""

LINGER_SECONDS = 5.0
"""How long a client may take to end once the pod's side has."""


class ClientBytes(Protocol):
    """What a client says."""

    async def read(self, n: int) -> bytes:
        """The next bytes, at most so many; empty at the end."""
        ...


class ReplayedSource:
    """What a client says, so that it can be said again to another pod as long as none has answered.

    Args:
        reader: of the client.
    """

    def __init__(self, reader: ClientBytes) -> None:
        self._reader = reader
        self._said: list[bytes] = []
        self._again: list[bytes] = []
        self._keeps = True
        self._settled = False

    async def read(self, n: int) -> bytes:
        """The next bytes; empty at the end."""
        data = self._again.pop(0) if self._again else await self._reader.read(n)
        if self._keeps:
            self._said.append(data)
            self._keeps = sum(map(len, self._said)) <= REPLAYED_BYTES
        return data

    @property
    def settled(self) -> bool:
        """Has a pod answered?"""
        return self._settled

    def settle(self) -> None:
        """Keep nothing any more: a pod has answered."""
        self._keeps, self._settled = False, True
        self._said = []

    def rewind(self) -> bool:
        """Begin from the start again; False when too much was said to keep it, or it was settled."""
        self._again, self._said = [*self._said, *self._again], []
        return self._keeps


async def pipe(
    reader: ClientBytes, writer: asyncio.StreamWriter, stream: ByteStream, answers: Callable[[], None]
) -> None:
    """Carry bytes until both sides have ended, or one has and the other is silent for long.

    Neither side is read faster than the other one takes it.

    Args:
        reader: of the client.
        writer: to the client.
        stream: the connection to the pod.
        answers: called when the pod's side says something or ends properly.

    Raises:
        ExceptionGroup: of `OSError` when the client is gone, or of `UnreachableError` from the stream.
    """
    loop = asyncio.get_running_loop()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as group:
            finished = asyncio.Event()

            async def to_pod() -> None:
                while data := await reader.read(CHUNK_BYTES):
                    await stream.send(data)
                await stream.finish()
                finished.set()
                limit.reschedule(loop.time() + HALF_CLOSED_SECONDS)

            sending = group.create_task(to_pod(), name="to pod")
            while data := await stream.receive():
                answers()
                limit.reschedule(None)  # a slow client is no silent pod
                writer.write(data)
                await writer.drain()
                if finished.is_set():
                    limit.reschedule(loop.time() + HALF_CLOSED_SECONDS)
            answers()
            if writer.can_write_eof():
                writer.write_eof()
            if not sending.done():
                limit.reschedule(loop.time() + LINGER_SECONDS)
