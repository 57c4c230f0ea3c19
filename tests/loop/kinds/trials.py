"""The kinds of resources, on fakes of what is outside."""

from functools import partial

from pytilt.host.processes import Runner
from pytilt.loop.apply.applied_objects import AppliedObjects
from pytilt.loop.apply.synced_pods import SyncedPods
from pytilt.loop.commands.deploy_commands import DeployCommandRunner
from pytilt.loop.commands.probing import ReadinessProber
from pytilt.loop.commands.processes import CommandProcesses, command_process
from pytilt.loop.images.imaging import Imaging
from pytilt.loop.kinds.compose import ComposeKind
from pytilt.loop.kinds.custom_deploy import CustomDeployKind
from pytilt.loop.kinds.kubernetes import KubernetesKind
from pytilt.loop.kinds.local import LocalKind
from pytilt.loop.kinds.protocol import ResourceKinds
from pytilt.loop.pods.runtimes import Runtimes
from pytilt.model.resources import ComposeDeploy, CustomDeploy, KubernetesDeploy, LocalDeploy
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.cluster import FakeCluster
from pytilt.testing.host import FakeRunner
from pytilt.testing.images import FakeBuilder, FakePublisher

ENVIRON = {"PATH": "/usr/bin:/bin"}


def kinds(
    store: Store,
    logs: LogStore,
    cluster: FakeCluster,
    runner: Runner | None = None,
    *,
    applied_objects: AppliedObjects | None = None,
    synced: SyncedPods | None = None,
) -> ResourceKinds:
    """Every kind."""
    runner = runner or FakeRunner()
    imaging = Imaging(store, FakeBuilder(), FakePublisher())
    request = partial(command_process, environ=ENVIRON)
    processes = CommandProcesses(runner, request, ReadinessProber(runner, ENVIRON, "/"))
    commands = DeployCommandRunner(runner, request, cluster, kubernetes=True)
    return ResourceKinds(
        {
            KubernetesDeploy: KubernetesKind(store, cluster, imaging, Runtimes(store, logs, cluster, "localhost")),
            CustomDeploy: CustomDeployKind(store, imaging, commands, applied_objects or AppliedObjects(), synced),
            LocalDeploy: LocalKind(store, logs, processes),
            ComposeDeploy: ComposeKind(store),
        }
    )
