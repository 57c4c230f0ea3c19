"""Connections to ports of pods through tunnels that are kept, so that a connection seldom costs a handshake.

A tunnel is a connection that carries SPDY, as that of `kubectl port-forward`; each connection is a pair of its streams,
one for what goes wrong and one for the bytes. A tunnel carries one connection at a time, since the servers of
Kubernetes let one slow or abandoned stream stop the others. It serves the next one when nothing of the last is left in
it, and is closed otherwise.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self

from pytilt.cluster.seam import ByteStream
from pytilt.errors import ClusterUnreachableError, PytiltError
from pytilt.kubernetes import forwarding
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.spdy import SpdyConnection, SpdyStream
from pytilt.kubernetes.spdy_protocol import SpdyTimeouts
from pytilt.model.base import Value

IDLE_SECONDS = 60.0
"""So long a tunnel without a connection is kept."""

IDLE_TUNNELS = 16
"""As many are kept for one pod; a burst of connections needs more for a while."""

OPENING_TUNNELS = 8
"""As many handshakes go on at the same time; the first of many connections would else wait for the last."""

_ERROR_SECONDS = 1.0
"""How long to wait for what went wrong after the bytes have ended; the server reports it before, or right after."""


class TunnelTimeouts(Value):
    """How long the other side of a tunnel may take."""

    accept: float = 3.0
    """To accept a connection; after that the tunnel is dead, and replaced."""
    fresh: float = 2.0
    """So long a tunnel that has answered is believed to be open without a check."""
    recycle: float = 2.0
    """To show that nothing of the last connection is left in a tunnel."""
    connection: SpdyTimeouts = SpdyTimeouts()
    """While a connection is open."""


class TunnelledConnection:
    """A connection to a port of a pod; see `ByteStream`."""

    def __init__(
        self,
        tunnel: SpdyConnection,
        streams: tuple[SpdyStream, SpdyStream],
        changed: asyncio.Event,
        pod: str,
        port: int,
    ) -> None:
        self._tunnel = tunnel
        error, data = streams
        self._data = data
        self._error = error
        self._changed = changed
        self._asked = False
        self._message = b""
        self._pod = pod
        self._port = port

    @property
    def clean(self) -> bool:
        """Has the pod's side ended it, and was nothing wrong?"""
        ended = self._data.ended and self._error.ended
        return ended and not (self._message or self._data.broken or self._error.broken)

    async def send(self, data: bytes) -> None:
        """Write bytes; what the pod's side does not take any more is dropped."""
        if not self._data.ended:
            await self._data.send(data)

    async def finish(self) -> None:
        """Write no more: the program in the pod reads the end."""
        await self._data.finish()

    async def receive(self) -> bytes:
        """The next bytes, empty at the end.

        Raises:
            ClusterUnreachableError: nothing listens at the port, the pod is gone, or the connection broke.
        """
        if not self._asked:
            self._asked = True
            await asyncio.sleep(0)  # the client may have spoken already: its first words open the streams
            await self._tunnel.flush()
        while True:
            self._changed.clear()
            if data := self._data.take():
                return data
            self._message += self._error.take()
            if self._message or self._data.ended:
                break
            await self._changed.wait()
        await self._error_end()
        if self._message or self._data.broken:
            raise self._failure()
        return b""

    async def accepted(self) -> None:
        """Return when the server has accepted both streams.

        Raises:
            ClusterUnreachableError: the tunnel broke.
        """
        self._data.awaits_reply = self._error.awaits_reply = True
        while not (self._data.accepted and self._error.accepted):
            if self._data.broken:
                raise self._failure()
            if self._message or self._error.ended or self._data.ended:
                return  # it says why
            self._changed.clear()
            await self._changed.wait()

    def close(self) -> None:
        """Give both streams up, with what the tunnel sends next."""
        self._data.finish_soon()
        self._data.close()
        self._error.close()

    async def _error_end(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_ERROR_SECONDS):
                while not self._error.ended:
                    self._changed.clear()
                    await self._changed.wait()
        self._message += self._error.take()

    def _failure(self) -> ClusterUnreachableError:
        message = self._message.decode(errors="replace").strip()
        return forwarding.failure(message or self._data.broken, self._pod, self._port)


class Tunnel:
    """A tunnel to one pod, or the failure to open one.

    Args:
        timeouts: how long its other side may take.
    """

    def __init__(self, timeouts: TunnelTimeouts) -> None:
        self._timeouts = timeouts
        self.opened: asyncio.Future[SpdyConnection | None] = asyncio.get_running_loop().create_future()
        """None: the server knows no tunnels."""
        self.retired = asyncio.Event()
        """Set when it is to be closed."""
        self._expiry: asyncio.TimerHandle | None = None
        self._requests = 0
        self._answered_at = float("-inf")

    @property
    def usable(self) -> bool:
        """Can another connection be opened through it, as far as is known?"""
        return not self.retired.is_set() and self._connection.usable

    async def connect(self, pod: str, port: int) -> TunnelledConnection:
        """Open the streams of a connection, with its first bytes; the tunnel is retired where that does not succeed.

        Raises:
            ClusterUnreachableError: the tunnel is closed or dead.
        """
        self._keep()
        changed = asyncio.Event()
        headers = {"port": str(port), "requestid": str(self._requests)}
        self._requests += 1
        try:
            async with asyncio.timeout(self._timeouts.accept):
                error = self._connection.begin({"streamtype": "error", **headers}, changed)
                error.finish_soon()
                data = self._connection.begin({"streamtype": "data", **headers}, changed)
                connection = TunnelledConnection(self._connection, (error, data), changed, pod, port)
                if not self._fresh:
                    await self._connection.flush()
                    await connection.accepted()
        except TimeoutError as timeout:
            self.retired.set()
            raise ClusterUnreachableError(f"the tunnel to pod `{pod}` does not answer") from timeout
        except BaseException:
            self.retired.set()
            raise
        return connection

    async def recycle(self, last: TunnelledConnection) -> bool:
        """Can it carry another connection? Not where anything of the last one is left in the server's workers."""
        with suppress(TimeoutError, ClusterUnreachableError):
            async with asyncio.timeout(self._timeouts.recycle):
                last.close()
                await (await self._connection.probe()).complete.wait()
                self.answered()
                return self.usable
        return False

    def answered(self) -> None:
        """Note that the other side has answered just now."""
        self._answered_at = asyncio.get_running_loop().time()

    def expire(self) -> None:
        """Close it unless a connection is opened soon."""
        self._expiry = asyncio.get_running_loop().call_later(IDLE_SECONDS, self.retired.set)

    @property
    def _fresh(self) -> bool:
        return asyncio.get_running_loop().time() - self._answered_at < self._timeouts.fresh

    def _keep(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    @property
    def _connection(self) -> SpdyConnection:
        connection = self.opened.result()
        assert connection is not None
        return connection


class Tunnels:
    """The tunnels to all pods; used in `async with`.

    Args:
        api: the server.
        timeouts: how long it may take.
    """

    def __init__(self, api: KubernetesApi, timeouts: TunnelTimeouts | None = None) -> None:
        self._api = api
        self._timeouts = timeouts or TunnelTimeouts()
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._recycling: set[asyncio.Task[None]] = set()
        self._idle: dict[tuple[str, str], list[Tunnel]] = {}
        self._opening = asyncio.Semaphore(OPENING_TUNNELS)
        self._supported = True

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
        key = (namespace, pod)
        leased = await self._lease(key, port)
        if leased is None:
            timeouts = self._timeouts.connection
            async with forwarding.open_connection(self._api, namespace, pod, port, timeouts) as connection:
                yield connection
            return
        tunnel, stream = leased
        try:
            yield stream
        finally:
            if stream.clean:
                task = self._start(self._recycle(key, tunnel, stream), f"recycle tunnel {namespace}/{pod}")
                self._recycling.add(task)
                task.add_done_callback(self._recycling.discard)
            else:
                tunnel.retired.set()

    async def settled(self) -> None:
        """Return when it is decided of every tunnel whether it is kept."""
        while self._recycling:
            await asyncio.wait(self._recycling)

    async def _lease(self, key: tuple[str, str], port: int) -> tuple[Tunnel, TunnelledConnection] | None:
        """A connection, and the tunnel that it has for itself; None where the server knows no tunnels."""
        if kept := await self._kept(key, port):
            return kept
        async with self._opening:
            if kept := await self._kept(key, port):  # one may have become free meanwhile
                return kept
            if not self._supported:
                return None
            tunnel = Tunnel(self._timeouts)
            self._start(self._hold(key, tunnel), f"tunnel {key[0]}/{key[1]}")
            try:
                opened = await asyncio.shield(tunnel.opened)
            except BaseException:
                tunnel.retired.set()
                raise
        return None if opened is None else (tunnel, await tunnel.connect(key[1], port))

    async def _kept(self, key: tuple[str, str], port: int) -> tuple[Tunnel, TunnelledConnection] | None:
        """A connection through a tunnel that is kept, if there is one that works."""
        while idle := self._idle.get(key):
            tunnel = idle.pop()
            if tunnel.usable:
                try:
                    return tunnel, await tunnel.connect(key[1], port)
                except ClusterUnreachableError:
                    for suspect in self._idle.pop(key, ()):  # the others were kept as long
                        suspect.retired.set()
        return None

    async def _recycle(self, key: tuple[str, str], tunnel: Tunnel, last: TunnelledConnection) -> None:
        """Keep a tunnel for the next connection if nothing of the last one is left in it."""
        if await tunnel.recycle(last) and len(self._idle.get(key, ())) < IDLE_TUNNELS:
            tunnel.expire()
            self._idle.setdefault(key, []).append(tunnel)
        else:
            tunnel.retired.set()

    async def _hold(self, key: tuple[str, str], tunnel: Tunnel) -> None:
        """Open a tunnel, and close it once it is retired or broken."""
        try:
            async with forwarding.open_tunnel(self._api, *key) as wire:
                if wire is None:
                    self._supported = False
                    tunnel.opened.set_result(None)
                    return
                connection = SpdyConnection(wire, self._timeouts.connection)
                tunnel.answered()
                tunnel.opened.set_result(connection)
                async with asyncio.TaskGroup() as group:
                    reading = group.create_task(connection.run(), name=f"read {key[1]}")
                    retired = group.create_task(tunnel.retired.wait(), name=f"hold {key[1]}")
                    await asyncio.wait((reading, retired), return_when=asyncio.FIRST_COMPLETED)
                    reading.cancel()
                    retired.cancel()
        except PytiltError as problem:
            if not tunnel.opened.done():
                tunnel.opened.set_exception(problem)
                tunnel.opened.exception()  # whoever asked for the tunnel gets it
        finally:
            tunnel.opened.cancel()
            tunnel.retired.set()
            self._forget(key, tunnel)

    def _forget(self, key: tuple[str, str], tunnel: Tunnel) -> None:
        idle = self._idle.get(key, [])
        if tunnel in idle:
            idle.remove(tunnel)
        if not idle:
            self._idle.pop(key, None)

    def _start(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
