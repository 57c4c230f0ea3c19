"""Commands that run in containers, and the stream in which the engine sends what they write."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from pytilt.docker.api import DuplexStream
from pytilt.errors import ClusterUnreachableError, DockerApiError, EngineUnreachableError, SyncError

NOT_STARTED = (b"OCI runtime exec failed: ", b"Error: runc: exec failed: ", b"Error: crun: exec")
"""How Docker and Podman begin what they write in place of the output of a command that they could not start."""


@contextmanager
def reached() -> Iterator[None]:
    """The engine is the cluster here: that it does not answer means that the cluster does not."""
    try:
        yield
    except EngineUnreachableError as error:
        raise ClusterUnreachableError(error.message, where=error.where, hint=error.hint) from error


class DockerExecution:
    """A command that runs in a container; an `Execution`.

    Args:
        exit_status: the status with which it ended, asked once its output has.
        stream: its input and output.
    """

    def __init__(self, exit_status: Callable[[], Awaitable[int | None]], stream: DuplexStream) -> None:
        self._exit_status = exit_status
        self._stream = stream
        self._pieces = Demultiplexer(stream)
        self._status: int | None = None

    async def send(self, data: bytes) -> None:
        """Write to its standard input."""
        with reached():
            await self._stream.send(data)

    async def receive(self) -> tuple[int, bytes]:
        """The next piece of its output.

        Raises:
            EOFError: it ended.
            SyncError: it could not be started.
            ClusterUnreachableError: the connection broke.
        """
        try:
            with reached():
                channel, data = await self._pieces.receive()
        except DockerApiError as error:
            raise SyncError(error.message) from error
        except EOFError:
            self._status = await self._exit_status()
            raise
        if data.startswith(NOT_STARTED):
            raise SyncError(data.decode(errors="replace").strip())
        return channel, data

    def close_sending(self) -> None:
        """Have its standard input end."""
        self._stream.close_sending()

    @property
    def exit_status(self) -> int | None:
        """The status with which it ended."""
        return self._status


class Demultiplexer:
    """Takes the engine's stream apart, in which every piece says to which of the standard streams it belongs.

    Args:
        stream: the connection.
    """

    def __init__(self, stream: DuplexStream) -> None:
        self._stream = stream
        self._buffer = bytearray()

    async def receive(self) -> tuple[int, bytes]:
        """The next piece: 1 or 2, and the bytes.

        Raises:
            EOFError: the stream ended.
            DockerApiError: instead of a piece there came a message: the command could not start.
            EngineUnreachableError: the connection broke.
        """
        header = await self._exactly(8)
        if header[0] > 2 or header[1:4] != b"\0\0\0":
            raise DockerApiError(await self._message(header), status=400)
        return header[0], await self._exactly(int.from_bytes(header[4:8], "big"))

    async def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            chunk = await self._stream.receive()
            if not chunk:
                raise EOFError
            self._buffer += chunk
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        return piece

    async def _message(self, begin: bytes) -> str:
        text = begin + bytes(self._buffer)
        while chunk := await self._stream.receive():
            text += chunk
        return text.decode(errors="replace").strip()


def pieces(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """Take the complete pieces out of a buffer of the engine's multiplexed stream."""
    while len(buffer) >= 8:
        size = int.from_bytes(buffer[4:8], "big")
        if len(buffer) < 8 + size:
            return
        yield buffer[0], bytes(buffer[8 : 8 + size])
        del buffer[: 8 + size]
