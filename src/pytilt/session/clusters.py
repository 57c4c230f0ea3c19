"""Which cluster a command works with, and the seams to it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pytilt.host.state import temporary_files
from pytilt.kubernetes.kubeconfig import current_context
from pytilt.model.base import Value
from pytilt.settings import Settings

if TYPE_CHECKING:
    from pytilt.cluster.seam import Cluster, Containers
    from pytilt.docker.engine import Engine
    from pytilt.host.processes import Runner
    from pytilt.kubernetes.connection import Connection
    from pytilt.kubernetes.plugins import Report

ENGINE = "engine"
"""The built-in context: the container engine of this machine, without any cluster."""


class ClusterTarget(Value):
    """The cluster that was chosen, once for the whole command."""

    context: str
    namespace: str
    development: bool = False
    """Is it known to be for development, so that deploying there needs no permission?"""
    connection: "Connection | None" = None
    """None for the built-in context."""
    why: str = ""
    """Why the built-in context, and how to choose another; for people."""


def choose(settings: Settings, *, context: str | None, namespace: str | None) -> ClusterTarget:
    """Choose the cluster: the named context, else the current one, else the built-in context `engine`.

    Raises:
        UserError: the kubeconfig cannot be read, or has no such context.
    """
    name = current_context(settings, context or "")
    if name in (None, ENGINE):
        return ClusterTarget(
            context=ENGINE,
            namespace=namespace or "default",
            development=True,
            why=(
                "Using the built-in context `engine`, the container engine of this machine"
                + ("" if name else ": there is no current Kubernetes context")
                + ". To choose a cluster: `--context NAME`, TILT_CONTEXT, or `kubectl config use-context NAME`"
            ),
        )
    from pytilt.kubernetes.connecting import read_connection
    from pytilt.kubernetes.products import is_development

    connection = read_connection(settings, context=name or "", namespace=namespace or "")
    return ClusterTarget(
        context=connection.context,
        namespace=connection.namespace,
        development=is_development(connection.product),
        connection=connection,
    )


class Access(Value):
    """The two seams to a cluster."""

    cluster: "Cluster"
    containers: "Containers"
    kubeconfig: str = ""
    """Path of a kubeconfig with the chosen context alone, for commands; empty where there is no Kubernetes."""


@asynccontextmanager
async def connected(
    target: ClusterTarget,
    root: str,
    settings: Settings,
    runner: "Runner",
    engine: "Engine",
    report: "Report",
    *,
    expected: bool = False,
) -> AsyncIterator[Access]:
    """Open the way to the chosen cluster.

    Args:
        target: what was chosen.
        root: the project's folder: on the built-in context it distinguishes projects.
        settings: the environment.
        runner: starts credential plugins.
        engine: this machine's container engine: the built-in context runs on it.
        report: takes what a credential plugin says that takes its time.
        expected: something will be deployed, so make the built-in context ready for that; else nothing is asked of
            any before somebody asks.
    """
    if target.connection is None:
        from pytilt.engines.objects.labels import project_id
        from pytilt.images.credentials import RegistryCredentials
        from pytilt.session.engine_access import engine_access

        credentials, project = RegistryCredentials(settings, runner), project_id(root)
        async with engine_access(engine, credentials, project, target.namespace, expected=expected) as access:
            yield Access(cluster=access, containers=access)
        return
    from pytilt.kubernetes.api import KubernetesApi
    from pytilt.kubernetes.cluster import KubernetesCluster
    from pytilt.kubernetes.containers import KubernetesContainers

    with frozen_kubeconfig(target.connection.kubeconfig) as kubeconfig:
        async with KubernetesApi(target.connection, runner, report) as api, KubernetesContainers(api) as containers:
            cluster = KubernetesCluster(api, engine_host=settings.docker_host)
            yield Access(cluster=cluster, containers=containers, kubeconfig=kubeconfig)


@contextmanager
def frozen_kubeconfig(text: str) -> Iterator[str]:
    """A file with the chosen context alone for as long as the block, which only this user can read.

    Commands get it as KUBECONFIG: somebody who switches contexts in another terminal changes nothing for them.

    Args:
        text: of the file; empty: there is no file, and the path is empty.
    """
    if not text:
        yield ""
        return
    import tempfile

    with temporary_files():
        directory = tempfile.TemporaryDirectory(prefix="tilt-")
    with directory:
        path = Path(directory.name, "kubeconfig")
        with temporary_files():
            path.touch(mode=0o600)
            path.write_text(text)
        yield str(path)
