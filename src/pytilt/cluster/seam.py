"""The seam to a cluster: everything above it runs alike on Kubernetes and on the built-in context `engine`."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

import msgspec

from pytilt.model.base import Value
from pytilt.model.clusters import ClusterInfo, ObjectRef
from pytilt.model.resources import KubeObject

__all__ = [
    "ByteStream",
    "Change",
    "ChangeType",
    "Cluster",
    "ClusterInfo",
    "ContainerRef",
    "ContainerRun",
    "Containers",
    "ExecStream",
    "Notify",
    "ObjectRef",
]


Notify = Callable[[str], None]
"""Called with one line, without its end."""


class ChangeType(StrEnum):
    """What happened to a watched object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    LISTED = "LISTED"
    """Not an object: everything that was there at the (re)start of the watch has been reported; what was known before
    and was not reported again is gone."""


class Change(Value):
    """One item of a watch. `object` is empty for `LISTED`; for `DELETED` it may have no more than what names it."""

    type: ChangeType
    object: KubeObject = msgspec.field(default_factory=dict)


class Cluster(Protocol):
    """The objects of a cluster. Foreign errors leave as `ApplyError` or `ClusterUnreachableError`."""

    async def info(self) -> ClusterInfo:
        """Connect if need be and return what is there; asked again, it asks the cluster again.

        Raises:
            ClusterUnreachableError: it does not answer, or does not accept the credentials.
        """
        ...

    async def prepare(self, objects: Sequence[KubeObject]) -> None:
        """Start what these objects will need, which will be applied once their images are built.

        They are as declared; only the images of their containers will be others. Returns at once, and refuses nothing.
        """
        ...

    async def apply(
        self,
        wanted: KubeObject,
        *,
        timeout: float,  # noqa: ASYNC109 - the cluster's own limit
        notify: Notify = lambda _: None,
    ) -> KubeObject:
        """Make one object as wanted (server-side apply), replacing it where a field cannot be changed.

        Args:
            wanted: the object; without namespace it goes to the default one.
            timeout: seconds until it gives up.
            notify: called with a line about what is waited for.

        Returns:
            The object as the cluster has it now, with `metadata.uid`.

        Raises:
            ApplyError: refused; the message names the object.
            ClusterUnreachableError: no answer.
        """
        ...

    async def delete(self, ref: ObjectRef, *, wait: bool = False) -> bool:
        """Delete one object, its dependents in the background.

        Args:
            ref: which object.
            wait: return only when it is gone.

        Returns:
            False when there was no such object.
        """
        ...

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        """The object, or None."""
        ...

    def watch(self, api_version: str, kind: str, *, namespace: str = "") -> AsyncIterator[Change]:
        """Yield all objects of a kind, then `LISTED`, then every change, without end and over reconnects.

        Args:
            api_version: for example `v1` or `apps/v1`.
            kind: for example `Pod`.
            namespace: only this one; empty: all that may be read.
        """
        ...


class ContainerRef(Value):
    """Which container of which pod."""

    namespace: str
    pod: str
    container: str


class ContainerRun(Value):
    """One run of a container: it ends, and the next begins, when the container is restarted."""

    id: str = ""
    """Without the runtime's prefix."""
    restarts: int = 0
    """How many runs came before."""


class ExecStream(Protocol):
    """A command that runs in a container, with its standard streams."""

    async def send(self, data: bytes) -> None:
        """Write to its standard input."""
        ...

    async def receive(self) -> tuple[int, bytes]:
        """The next piece of output: 1 and bytes of stdout, or 2 and bytes of stderr.

        Raises:
            EOFError: the command ended; `exit_status` is set.
        """
        ...

    @property
    def exit_status(self) -> int | None:
        """The status with which it ended, None while it runs or when that is unknown."""
        ...


class ByteStream(Protocol):
    """A connection to a port of a pod."""

    async def send(self, data: bytes) -> None:
        """Write bytes, as fast as the other side takes them.

        Raises:
            ClusterUnreachableError: the connection broke.
        """
        ...

    async def finish(self) -> None:
        """Write no more; the pod's side reads the end, and may go on writing.

        Raises:
            ClusterUnreachableError: the connection broke.
        """
        ...

    async def receive(self) -> bytes:
        """The next bytes, empty at the end.

        Raises:
            PortClosedError: nothing listens there.
            ClusterUnreachableError: the connection broke.
        """
        ...


class Containers(Protocol):
    """The running containers of a cluster."""

    forwards_plainly: bool
    """Does `forward` go to the address of the pod first, and to its localhost only where nothing listens there?"""

    def logs(
        self, ref: ContainerRef, *, since: str = "", running: ContainerRun | None = None
    ) -> AsyncIterator[tuple[str, str]]:
        """Follow the log of one container until it ends.

        Args:
            ref: which container; it may not have started yet, then the iterator waits for its first line.
            since: RFC 3339 with nanoseconds; only lines at or after it.
            running: the run of the container, if it is known to have started, so that nobody asks for it.

        Yields:
            The time of a line (RFC 3339 in UTC, with nanoseconds or in whole seconds) and its text, which ends with a
            newline.

        Raises:
            ClusterUnreachableError: the stream broke; go on with the time of the last line.
        """
        ...

    def exec(self, ref: ContainerRef, argv: Sequence[str]) -> AbstractAsyncContextManager[ExecStream]:
        """Run a command with stdin, stdout and stderr attached, without a terminal.

        Raises:
            SyncError: the container does not run, or has no such command.
            ClusterUnreachableError: no answer.
        """
        ...

    def forward(self, namespace: str, pod: str, port: int) -> AbstractAsyncContextManager[ByteStream]:
        """Open one connection to a port of a pod.

        Raises:
            PortClosedError: nothing listens there; some clusters report it by the first `receive` only.
            ClusterUnreachableError: the pod is gone.
        """
        ...
