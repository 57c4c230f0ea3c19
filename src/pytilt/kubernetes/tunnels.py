"""Connections to ports of pods through one tunnel for each pod, so that a connection costs no handshake.

A tunnel is a connection that was taken over for SPDY, as `kubectl port-forward` does it; each connection is a pair of
its streams, one for what goes wrong and one for the bytes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self

from pytilt.cluster.seam import ByteStream
from pytilt.errors import ClusterUnreachableError, PytiltError
from pytilt.kubernetes import forwarding
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.spdy import SpdyConnection, SpdyStream

_TRIES = 2
"""A tunnel that was open for a while may turn out to be closed."""

IDLE_SECONDS = 60.0
"""So long a tunnel without connections is kept."""


class TunnelledConnection:
    """A connection to a port of a pod; see `ByteStream`."""

    def __init__(self, data: SpdyStream, error: SpdyStream, pod: str, port: int) -> None:
        self._data = data
        self._error = error
        self._pod = pod
        self._port = port

    async def send(self, data: bytes) -> None:
        """Write bytes."""
        await self._data.send(data)

    async def finish(self) -> None:
        """Write no more: the program in the pod reads the end."""
        await self._data.finish()

    async def receive(self) -> bytes:
        """The next bytes, empty at the end.

        Raises:
            ClusterUnreachableError: nothing listens at the port, or the pod is gone.
        """
        data = await self._data.receive()
        if not data and (message := await self._problem()):
            raise forwarding.failure(message, self._pod, self._port)
        return data

    async def _problem(self) -> str:
        """What went wrong, empty when nothing did; the server tells it before it ends the bytes, or right after."""
        try:
            async with asyncio.timeout(1.0):
                return (await self._error.receive()).decode(errors="replace").strip()
        except TimeoutError:
            return ""


class Tunnel:
    """An open tunnel to one pod, or the failure to open one."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[SpdyConnection | None] = asyncio.get_running_loop().create_future()
        """None: the server knows no tunnels."""
        self.wanted = asyncio.Event()

    @property
    def usable(self) -> bool:
        """Can a connection be opened through it, as far as is known?"""
        if not self.opened.done():
            return True
        if self.opened.cancelled() or self.opened.exception() is not None:
            return False
        connection = self.opened.result()
        return connection is not None and not connection.closed


class Tunnels:
    """The tunnels to all pods; used in `async with`.

    Args:
        api: the server.
    """

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._tunnels: dict[tuple[str, str], Tunnel] = {}
        self._supported = True
        self._requests = 0

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(kind, error, trace)

    @asynccontextmanager
    async def connect(self, namespace: str, pod: str, port: int) -> AsyncIterator[ByteStream]:
        """Open one connection; see `Containers.forward`."""
        streams = await self._streams(namespace, pod, port)
        if streams is None:
            async with forwarding.open_connection(self._api, namespace, pod, port) as connection:
                yield connection
            return
        data, error = streams
        try:
            yield TunnelledConnection(data, error, pod, port)
        finally:
            with suppress(ClusterUnreachableError):  # with the tunnel its streams are gone
                await data.close()
                await error.close()

    async def _streams(self, namespace: str, pod: str, port: int) -> tuple[SpdyStream, SpdyStream] | None:
        """The two streams of a new connection; None where the server knows no tunnels."""
        for attempt in range(_TRIES):
            tunnel = await self._tunnel(namespace, pod) if self._supported else None
            if tunnel is None:
                return None
            self._requests += 1
            headers = {"port": str(port), "requestid": str(self._requests)}
            try:
                error = await tunnel.open({"streamtype": "error", **headers})
                await error.finish()
                return await tunnel.open({"streamtype": "data", **headers}), error
            except ClusterUnreachableError:
                tunnel.closed = True
                if attempt + 1 == _TRIES:
                    raise
        raise AssertionError  # the last try returns or raises

    async def _tunnel(self, namespace: str, pod: str) -> SpdyConnection | None:
        key = (namespace, pod)
        tunnel = self._tunnels.get(key)
        if tunnel is None or not tunnel.usable:
            tunnel = self._tunnels[key] = Tunnel()
            task = self._group.create_task(self._hold(key, tunnel), name=f"tunnel {namespace}/{pod}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        tunnel.wanted.set()
        return await asyncio.shield(tunnel.opened)

    async def _hold(self, key: tuple[str, str], tunnel: Tunnel) -> None:
        """Open a tunnel and hold it until it breaks, or was of no use for a while."""
        try:
            async with forwarding.open_tunnel(self._api, *key) as wire:
                if wire is None:
                    self._supported = False
                    tunnel.opened.set_result(None)
                    return
                connection = SpdyConnection(wire)
                tunnel.opened.set_result(connection)
                async with asyncio.TaskGroup() as group:
                    reading = group.create_task(connection.run(), name=f"read {key[1]}")
                    await self._until_idle(tunnel, connection, reading)
                    connection.closed = True
                    reading.cancel()
        except (PytiltError, ExceptionGroup) as problem:
            if not tunnel.opened.done():
                tunnel.opened.set_exception(problem)
                tunnel.opened.exception()  # whoever asked for the tunnel hears of it
        finally:
            if not tunnel.opened.done():
                tunnel.opened.cancel()
            if self._tunnels.get(key) is tunnel:
                del self._tunnels[key]

    @staticmethod
    async def _until_idle(tunnel: Tunnel, connection: SpdyConnection, reading: asyncio.Task[None]) -> None:
        while not reading.done():
            tunnel.wanted.clear()
            await asyncio.wait([reading], timeout=IDLE_SECONDS)
            if not connection.streams and not tunnel.wanted.is_set():
                return
