"""Commands in containers: their standard streams over one WebSocket."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from pytilt.cluster.seam import ContainerRef
from pytilt.errors import ClusterUnreachableError, NodeUnreachableError, SyncError
from pytilt.http.decoding import MalformedJsonError, decode
from pytilt.kubernetes import failures
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.discovery import PODS
from pytilt.kubernetes.failures import Failure
from pytilt.kubernetes.websocket import WebSocket, connect
from pytilt.model.regex import regex

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
"""What Kubernetes calls its channels; only the fifth version can close standard input (from Kubernetes 1.30 on)."""

STDIN, STDOUT, STDERR, STATUS, CLOSE = 0, 1, 2, 3, 255
"""The channels."""

_NO_COMMAND = ("executable file not found", "no such file or directory", "not found in $PATH")

_NO_NODE = regex(r'error (?:sending request|dialing backend): (?:[A-Z][a-z]+ "[^"]*": )?(?P<why>.*)', re.DOTALL)
"""What the API server says where it does not reach the kubelet; the address repeats the whole command."""


class KubernetesExec:
    """A running command; see `ExecStream`."""

    def __init__(self, socket: WebSocket, ref: ContainerRef, argv: Sequence[str]) -> None:
        self._socket = socket
        self._ref = ref
        self._argv = argv
        self._exit_status: int | None = None
        self._ended = False

    async def send(self, data: bytes) -> None:
        """Write to its standard input.

        Raises:
            SyncError: the command has ended.
            ClusterUnreachableError: the connection broke.
        """
        if self._ended:
            raise SyncError(f"`{' '.join(self._argv)}` in pod `{self._ref.pod}` has ended")
        await self._socket.send(STDIN, data)

    async def receive(self) -> tuple[int, bytes]:
        """The next piece of output.

        Raises:
            EOFError: the command ended, or the connection broke: then `exit_status` is None.
            SyncError: the command could not be started.
        """
        while not self._ended:
            try:
                channel, data = await self._socket.receive()
            except EOFError:
                self._ended = True
                raise
            if channel in (STDOUT, STDERR):
                return channel, data
            if channel == STATUS:
                self._ended = True
                self._exit_status = self._status(data)
        raise EOFError

    async def close_input(self) -> None:
        """End its standard input, where the server can do that."""
        if self._socket.protocol == PROTOCOLS[0] and not self._ended:
            await self._socket.send(CLOSE, bytes((STDIN,)))

    @property
    def exit_status(self) -> int | None:
        """The status with which it ended, None while it runs or when that is unknown."""
        return self._exit_status

    def _status(self, data: bytes) -> int:
        status = exit_status(data)
        if isinstance(status, int):
            return status
        raise refused(self._ref, self._argv, status)


def exit_status(data: bytes) -> int | Failure:
    """What the last message of a command says: its exit status, or why it could not be run."""
    try:
        success = decode(data, dict[str, object]).get("status") == "Success"
    except MalformedJsonError:
        return Failure(code=500, message=data.decode(errors="replace"))
    failure = failures.parse(500, data)
    causes = failure.details.causes if failure.details else ()
    code = next((cause.message for cause in causes if cause.reason == "ExitCode"), "")
    return 0 if success else int(code) if re.fullmatch("[0-9]{1,9}", code) else failure


def refused(ref: ContainerRef, argv: Sequence[str], failure: Failure) -> SyncError:
    """The error of a command that could not be run."""
    where = f"container `{ref.container}` of pod `{ref.pod}`"
    if any(text in failure.message for text in _NO_COMMAND):
        return SyncError(f"{where} has no command `{argv[0]}`", hint="use an image that has it")
    if unreached := _NO_NODE.search(failure.message):
        return NodeUnreachableError(f"the node of pod `{ref.pod}` does not answer: {unreached['why']}")
    return SyncError(f"cannot run `{argv[0]}` in {where}: {failure.message}")


@asynccontextmanager
async def run(api: KubernetesApi, ref: ContainerRef, argv: Sequence[str]) -> AsyncIterator[KubernetesExec]:
    """Run a command; see `Containers.exec`. Leaving the block ends its standard input.

    Raises:
        SyncError: the container does not run, or has no such command.
        ClusterUnreachableError: no answer, or it is not allowed.
    """
    params = [("container", ref.container), *(("command", word) for word in argv)]
    params += [("stdin", "true"), ("stdout", "true"), ("stderr", "true")]
    async with connect(api, f"{PODS.path(ref.namespace, ref.pod)}/exec", params, PROTOCOLS) as socket:
        if not isinstance(socket, WebSocket):
            if socket.code == 403:
                raise failures.denied(api.connection, f"run commands in pod `{ref.pod}`", socket)
            raise refused(ref, argv, socket)
        stream = KubernetesExec(socket, ref, argv)
        try:
            yield stream
        finally:
            with suppress(ClusterUnreachableError):
                await stream.close_input()
