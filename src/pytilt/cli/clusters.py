"""Which cluster a command works with, and the seams to it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from pytilt.cluster.seam import (
    ByteStream,
    Change,
    Cluster,
    ClusterInfo,
    ContainerRef,
    Containers,
    ExecStream,
    ObjectRef,
)
from pytilt.errors import ClusterUnreachableError
from pytilt.host.processes import Runner
from pytilt.kubernetes.connecting import read_connection
from pytilt.kubernetes.connection import Connection
from pytilt.kubernetes.kubeconfig import current_context
from pytilt.kubernetes.products import is_development
from pytilt.model.base import Value
from pytilt.model.resources import KubeObject
from pytilt.settings import Settings

NO_CONTEXT = ClusterUnreachableError(
    "there is no current Kubernetes context", hint="choose one: `kubectl config use-context NAME`, or `--context NAME`"
)


class Target(Value):
    """The cluster that was chosen, once for the whole command."""

    context: str | None = None
    namespace: str = "default"
    development: bool = False
    """Is it known to be for development, so that deploying there needs no permission?"""
    connection: Connection | None = None


def choose(settings: Settings, *, context: str | None, namespace: str | None) -> Target:
    """Choose the cluster: the named context, else the current one, else none.

    Raises:
        UserError: the kubeconfig cannot be read, or has no such context.
    """
    name = current_context(settings, context or "")
    if name is None:
        return Target(namespace=namespace or "default")
    connection = read_connection(settings, context=name, namespace=namespace or "")
    return Target(
        context=name,
        namespace=connection.namespace,
        development=is_development(connection.product),
        connection=connection,
    )


class Access(Value):
    """The two seams to a cluster."""

    cluster: Cluster
    containers: Containers


@asynccontextmanager
async def connected(target: Target, settings: Settings, runner: Runner) -> AsyncIterator[Access]:
    """Open the way to the chosen cluster; nothing is asked of it yet."""
    if target.connection is None:
        absent = NoCluster()
        yield Access(cluster=absent, containers=absent)
        return
    from pytilt.kubernetes.api import KubernetesApi
    from pytilt.kubernetes.cluster import KubernetesCluster
    from pytilt.kubernetes.containers import KubernetesContainers

    async with KubernetesApi(target.connection, runner) as api:
        cluster = KubernetesCluster(api, engine_host=settings.docker_host)
        yield Access(cluster=cluster, containers=KubernetesContainers(api))


class NoCluster:
    """Both seams, where no cluster was chosen: whatever is asked, the answer says how to choose one."""

    async def info(self) -> ClusterInfo:
        """See `Cluster.info`."""
        raise NO_CONTEXT

    async def apply(self, wanted: KubeObject, *, timeout: float) -> KubeObject:  # noqa: ARG002, ASYNC109 - as in the seam
        """See `Cluster.apply`."""
        raise NO_CONTEXT

    async def delete(self, ref: ObjectRef, *, wait: bool = False) -> bool:  # noqa: ARG002 - as in the seam
        """See `Cluster.delete`."""
        raise NO_CONTEXT

    async def get(self, ref: ObjectRef) -> KubeObject | None:  # noqa: ARG002 - as in the seam
        """See `Cluster.get`."""
        raise NO_CONTEXT

    def watch(self, api_version: str, kind: str, *, namespace: str = "") -> AsyncIterator[Change]:  # noqa: ARG002 - as in the seam
        """See `Cluster.watch`."""
        raise NO_CONTEXT

    def logs(self, ref: ContainerRef, *, since: str = "") -> AsyncIterator[tuple[str, str]]:  # noqa: ARG002 - as in the seam
        """See `Containers.logs`."""
        raise NO_CONTEXT

    def exec(self, ref: ContainerRef, argv: Sequence[str]) -> AbstractAsyncContextManager[ExecStream]:  # noqa: ARG002 - as in the seam
        """See `Containers.exec`."""
        raise NO_CONTEXT

    def forward(self, namespace: str, pod: str, port: int) -> AbstractAsyncContextManager[ByteStream]:  # noqa: ARG002 - as in the seam
        """See `Containers.forward`."""
        raise NO_CONTEXT
