"""Connections to ports of pods, each over a WebSocket of its own.

Channel 0 carries the bytes, channel 1 what went wrong; the first message of each tells the port again.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pytilt.errors import ClusterUnreachableError
from pytilt.kubernetes import failures
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.discovery import PODS
from pytilt.kubernetes.websocket import WebSocket, connect

PROTOCOLS = ("v4.channel.k8s.io",)
"""The protocol without SPDY inside, which every server understands."""

DATA, ERROR = 0, 1
"""The channels of the first port."""


class KubernetesConnection:
    """A connection to a port of a pod; see `ByteStream`."""

    def __init__(self, socket: WebSocket, pod: str, port: int) -> None:
        self._socket = socket
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

    async def receive(self) -> bytes:
        """The next bytes, empty at the end.

        Raises:
            ClusterUnreachableError: nothing listens at the port, or the pod is gone.
        """
        while not self._ended:
            try:
                channel, data = await self._socket.receive()
            except EOFError:
                self._ended = True
                break
            if channel not in self._begun:
                self._begun.add(channel)
                data = data[2:]
            if channel == ERROR and data:
                self._ended = True
                raise self._failed(data.decode(errors="replace").strip())
            if channel == DATA and data:
                return data
        return b""

    def _failed(self, message: str) -> ClusterUnreachableError:
        if "connection refused" in message:
            return ClusterUnreachableError(
                f"nothing listens at port {self._port} of pod `{self._pod}`",
                hint="wait until the program listens, and have it listen at that port, on 0.0.0.0 or localhost",
            )
        return ClusterUnreachableError(f"port {self._port} of pod `{self._pod}` cannot be reached: {message}")


@asynccontextmanager
async def open_connection(
    api: KubernetesApi, namespace: str, pod: str, port: int
) -> AsyncIterator[KubernetesConnection]:
    """Open one connection; see `Containers.forward`.

    That nothing listens at the port is told by the first `receive`.

    Raises:
        ClusterUnreachableError: the pod is gone, or no answer.
    """
    path = f"{PODS.path(namespace, pod)}/portforward"
    async with connect(api, path, [("ports", str(port))], PROTOCOLS) as socket:
        if not isinstance(socket, WebSocket):
            if socket.code == 404:
                raise ClusterUnreachableError(f"there is no pod `{pod}` in namespace `{namespace}`")
            raise failures.denied(api.connection, f"forward to pod `{pod}`", socket)
        yield KubernetesConnection(socket, pod, port)
