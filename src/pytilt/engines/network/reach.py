"""Ways into running containers: commands with their streams, and connections to ports of pods."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress

from pytilt.cluster.seam import ByteStream
from pytilt.docker.seam import ContainerRuntime, Execution
from pytilt.errors import ClusterUnreachableError, PortClosedError, SyncError
from pytilt.http.wires import BrokenWireError, SocketWire, Wire, open_tcp, unverified
from pytilt.synclet.verbs import dial

CONNECT_SECONDS = 2.0
"""A pod on this machine accepts or refuses at once; only a lost packet takes longer."""


async def output_of(runtime: ContainerRuntime, container: str, argv: Sequence[str]) -> tuple[int, bytes]:
    """Run a command to its end; its status and all it wrote.

    Raises:
        SyncError: the container does not run, or has no such command.
        ClusterUnreachableError: no answer.
    """
    written = bytearray()
    async with runtime.exec(container, argv) as stream:
        try:
            while True:
                written += (await stream.receive())[1]
        except EOFError:
            status = stream.exit_status
            return (0 if status is None else status), bytes(written)


class WireStream:
    """A connection of this process's own; a `ByteStream`.

    Args:
        wire: carries it.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def send(self, data: bytes) -> None:
        """Write bytes."""
        with _mapped():
            await self._wire.send(data)

    async def finish(self) -> None:
        """Write no more."""
        with suppress(OSError):  # it is gone already, which is noticed where it is read
            self._wire.end_sending()

    async def receive(self) -> bytes:
        """The next bytes, empty at the end."""
        with _mapped():
            return await self._wire.receive()


class ExecutedStream:
    """A connection that a command in the pod's sandbox makes; a `ByteStream`."""

    def __init__(self, execution: Execution, first: bytes) -> None:
        self._execution = execution
        self._first = first

    async def send(self, data: bytes) -> None:
        """Write bytes."""
        await self._execution.send(data)

    async def finish(self) -> None:
        """Write no more."""
        self._execution.close_sending()

    async def receive(self) -> bytes:
        """The next bytes, empty at the end."""
        if self._first:
            first, self._first = self._first, b""
            return first
        while True:
            try:
                channel, data = await self._execution.receive()
            except EOFError:
                return b""
            if channel == 1:
                return data


class PodNetwork:
    """Connects to ports of pods: straight where this machine routes to the engine's networks, else through the pod.

    Args:
        runtime: the engine.
    """

    def __init__(self, runtime: ContainerRuntime) -> None:
        self._runtime = runtime
        self.routed = False
        """Do packets of this process reach the pods? Found out by `find_out`."""

    def find_out(self, gateway: str) -> None:
        """Decide by the network's gateway: where that is an address of this machine, its bridge is here too.

        In a virtual machine (Docker Desktop) or another network namespace (rootless engines) it is not.
        """
        with socket.socket() as door:
            try:
                door.bind((gateway, 0))
            except OSError:
                self.routed = False
            else:
                self.routed = True

    @asynccontextmanager
    async def connect(self, sandbox: str, address: str, port: int, *, tls: bool = False) -> AsyncIterator[ByteStream]:
        """Open one connection.

        Args:
            sandbox: id of the pod's sandbox.
            address: the pod's.
            port: of the pod.
            tls: speak TLS, without looking at certificates; only where packets are routed.

        Raises:
            PortClosedError: nothing listens there.
            ClusterUnreachableError: it cannot be reached.
        """
        if self.routed and address:
            context = unverified() if tls else None
            async with _straight(address, port, context) as stream:
                yield stream
        else:
            async with self.through_pod(sandbox, port) as stream:
                yield stream

    @asynccontextmanager
    async def connect_anyhow(self, sandbox: str, address: str, port: int) -> AsyncIterator[ByteStream]:
        """Open one connection, to a program that listens on the pod's localhost only too.

        Raises:
            PortClosedError: nothing listens there.
            ClusterUnreachableError: it cannot be reached.
        """
        async with AsyncExitStack() as stack:
            try:
                stream = await stack.enter_async_context(self.connect(sandbox, address, port))
            except ClusterUnreachableError:
                if not self.routed:
                    raise
                stream = await stack.enter_async_context(self.through_pod(sandbox, port))
            yield stream

    @asynccontextmanager
    async def through_pod(self, sandbox: str, port: int) -> AsyncIterator[ByteStream]:
        """Open one connection from inside of the pod, to where it calls itself localhost.

        Raises:
            PortClosedError: nothing listens there.
            ClusterUnreachableError: it cannot be reached.
        """
        try:
            async with self._runtime.exec(sandbox, dial(f"127.0.0.1:{port}")) as execution:
                channel, said = await _first_piece(execution)
                if channel != 1:
                    raise PortClosedError(f"nothing listens at port {port} of the pod")
                yield ExecutedStream(execution, said.removeprefix(b"\n"))
        except SyncError as error:
            raise ClusterUnreachableError(error.message) from error


async def _first_piece(execution: Execution) -> tuple[int, bytes]:
    """What `synclet dial` says first: an empty line once it is connected."""
    try:
        return await execution.receive()
    except EOFError:
        return 2, b""


@asynccontextmanager
async def _straight(address: str, port: int, context: ssl.SSLContext | None) -> AsyncIterator[WireStream]:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            wire: Wire = await (
                open_tcp(address, port, tls=context) if context else SocketWire.open_address(address, port)
            )
    except ConnectionRefusedError as error:
        raise PortClosedError(f"nothing listens at port {port} of the pod") from error
    except (OSError, TimeoutError) as error:
        text = str(error) or f"no answer within {CONNECT_SECONDS:g} s"
        raise ClusterUnreachableError(f"port {port} of the pod cannot be reached: {text}") from error
    try:
        yield WireStream(wire)
    finally:
        wire.close()


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except BrokenWireError as error:
        raise ClusterUnreachableError(f"the connection to the pod broke: {error}") from error
