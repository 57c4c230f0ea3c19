"""The connection of a tunnel for many connections to ports of pods, and connections over a WebSocket each.

A tunnel carries SPDY, over a connection that was taken over for it, or in the messages of a WebSocket: more proxies let
those through, and API servers take the SPDY out of them since Kubernetes 1.30. Where neither is known there is the
protocol of old: channel 0 carries the bytes, channel 1 what went wrong; the first message of each repeats the port.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pytilt.errors import ClusterUnreachableError, PortClosedError
from pytilt.kubernetes import failures
from pytilt.kubernetes.api import KubernetesApi, TakenOver
from pytilt.kubernetes.discovery import PODS
from pytilt.kubernetes.failures import Failure
from pytilt.kubernetes.message_wire import TUNNEL_PROTOCOL, MessageWire, tunnel_request
from pytilt.kubernetes.spdy_protocol import SpdyTimeouts, SpdyWire
from pytilt.kubernetes.websocket import WebSocket, connect

PROTOCOLS = ("v4.channel.k8s.io",)
"""The protocol without SPDY inside, which every server understands."""

DATA, ERROR = 0, 1
"""The channels of the first port."""


class KubernetesConnection:
    """A connection to a port of a pod; see `ByteStream`."""

    def __init__(self, socket: WebSocket, pod: str, port: int, timeouts: SpdyTimeouts) -> None:
        self._socket = socket
        self._timeouts = timeouts
        self._pod = pod
        self._port = port
        self._ended = False
        self._begun: set[int] = set()

    async def send(self, data: bytes) -> None:
        """Write bytes.

        Raises:
            ClusterUnreachableError: the connection is closed.
        """
        await self._socket.send(DATA, data)

    async def finish(self) -> None:
        """The protocol has no end of one direction, so the pod's side does not notice; what it sends still arrives."""

    async def receive(self) -> bytes:
        """The next bytes, empty at the end.

        Raises:
            ClusterUnreachableError: nothing listens at the port, the pod is gone, or the server answers no more.
        """
        while not self._ended:
            try:
                channel, data = await self._socket.receive(self._timeouts)
            except EOFError:
                self._ended = True
                break
            if channel not in self._begun:
                self._begun.add(channel)
                data = data[2:]
            if channel == ERROR and data:
                self._ended = True
                raise failure(data.decode(errors="replace").strip(), self._pod, self._port)
            if channel == DATA and data:
                return data
        return b""


def failure(message: str, pod: str, port: int) -> ClusterUnreachableError:
    """What the server's words mean for a connection to a port of a pod."""
    if "connection refused" in message:
        return PortClosedError(f"nothing listens at port {port} of pod `{pod}`")
    return ClusterUnreachableError(f"port {port} of pod `{pod}` cannot be reached: {message}")


@asynccontextmanager
async def open_connection(
    api: KubernetesApi, namespace: str, pod: str, port: int, timeouts: SpdyTimeouts
) -> AsyncIterator[KubernetesConnection]:
    """Open one connection; see `Containers.forward`.

    The first `receive` reports that nothing listens at the port.

    Raises:
        ClusterUnreachableError: the pod is gone, or no answer.
    """
    async with connect(api, _path(namespace, pod), [("ports", str(port))], PROTOCOLS) as socket:
        if not isinstance(socket, WebSocket):
            raise _refused(api, namespace, pod, socket)
        yield KubernetesConnection(socket, pod, port, timeouts)


@asynccontextmanager
async def open_tunnel(api: KubernetesApi, namespace: str, pod: str) -> AsyncIterator[SpdyWire | None]:
    """Open a connection that carries SPDY; None where the server, or a proxy before it, does not, in neither way.

    Raises:
        ClusterUnreachableError: the pod is gone, or no answer, or it is not allowed.
    """
    headers = {"X-Stream-Protocol-Version": "portforward.k8s.io"}
    async with api.upgrade(_path(namespace, pod), "SPDY/3.1", headers) as wire:
        if isinstance(wire, Failure) and wire.code in (403, 404):
            raise _refused(api, namespace, pod, wire)
        if isinstance(wire, TakenOver):
            yield wire
            return
    async with api.upgrade(_path(namespace, pod), "websocket", tunnel_request(), method="GET") as wire:
        tunnelled = isinstance(wire, TakenOver) and wire.headers.get("sec-websocket-protocol") == TUNNEL_PROTOCOL
        yield MessageWire(wire) if isinstance(wire, TakenOver) and tunnelled else None


def _path(namespace: str, pod: str) -> str:
    return f"{PODS.path(namespace, pod)}/portforward"


def _refused(api: KubernetesApi, namespace: str, pod: str, refusal: Failure) -> ClusterUnreachableError:
    if refusal.code == 404:
        return ClusterUnreachableError(f"there is no pod `{pod}` in namespace `{namespace}`")
    return failures.denied(api.connection, f"forward to pod `{pod}`", refusal)
