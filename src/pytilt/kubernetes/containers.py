"""The running containers of a Kubernetes cluster."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from types import TracebackType
from typing import Self

from pytilt.cluster.seam import ByteStream, ContainerRef, ContainerRun, ExecStream
from pytilt.kubernetes import execution, logs
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.tunnels import Tunnels


class KubernetesContainers:
    """Containers of a Kubernetes cluster as `Containers`; used in `async with`.

    Args:
        api: the connection to it.
    """

    forwards_plainly = False

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self._tunnels = Tunnels(api)

    async def __aenter__(self) -> Self:
        await self._tunnels.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tunnels.__aexit__(kind, error, trace)

    async def logs(
        self, ref: ContainerRef, *, since: str = "", running: ContainerRun | None = None
    ) -> AsyncGenerator[tuple[str, str], None]:
        """Follow a log, over broken connections; see `Containers.logs` and `logs`."""
        async with aclosing(logs.follow(self._api, ref, since, running)) as lines:
            async for line in lines:
                yield line

    def exec(self, ref: ContainerRef, argv: Sequence[str]) -> AbstractAsyncContextManager[ExecStream]:
        """Run a command; see `Containers.exec`."""
        return execution.run(self._api, ref, argv)

    def forward(self, namespace: str, pod: str, port: int) -> AbstractAsyncContextManager[ByteStream]:
        """Open a connection; see `Containers.forward`."""
        return self._tunnels.connect(namespace, pod, port)
