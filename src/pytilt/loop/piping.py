"""Bytes between a client of this machine and a connection to a pod, both ways, each way ended by itself."""

import asyncio
import contextlib
from collections.abc import Callable

from pytilt.cluster.seam import ByteStream

CHUNK_BYTES = 65536

HALF_CLOSED_SECONDS = 60.0
"""How long the pod's side may be silent once the client has said all; a client that is gone looks the same."""

LINGER_SECONDS = 5.0
"""How long a client may take to end once the pod's side has."""


async def pipe(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stream: ByteStream, answers: Callable[[], None]
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
