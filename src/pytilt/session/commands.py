"""The commands that a project's resources run: their environment, and what runs those that deploy."""

import sys
from collections.abc import Mapping
from functools import partial

from pytilt.host.processes import Runner
from pytilt.loop.commands.deploy_commands import DeployCommandRunner
from pytilt.loop.commands.processes import command_process
from pytilt.session.clusters import Access
from pytilt.session.project import SessionProject


def command_environ(
    project: SessionProject, kubeconfig: str, *, host: str = "", port: int | None = None
) -> Mapping[str, str]:
    """The environment of local commands, with what Tilt adds to it.

    Args:
        project: whose commands they are.
        kubeconfig: path of the one with the chosen context; empty where there is no Kubernetes.
        host: where the session's server listens, if not where the settings say.
        port: its port.
    """
    settings = project.settings
    added = {
        "TILT_HOST": host or settings.host,
        "TILT_PORT": str(settings.port if port is None else port),
        "TILT_DISABLE_ANALYTICS": "1",
    }
    if kubeconfig:
        added["KUBECONFIG"] = kubeconfig
    if sys.stdout.isatty() and not settings.no_color and "FORCE_COLOR" not in settings.environ:
        added["FORCE_COLOR"] = "1"  # Node.js and others write no colours into a pipe without it
    return {**settings.environ, **added}


def deploy_commands(
    runner: Runner, access: Access, project: SessionProject, environ: Mapping[str, str] | None = None
) -> DeployCommandRunner:
    """Make what runs the commands that deploy resources.

    Args:
        runner: starts processes.
        access: the cluster that they deploy to.
        project: whose commands they are.
        environ: theirs; made by `command_environ` if it is not given.
    """
    request = partial(command_process, environ=environ or command_environ(project, access.kubeconfig))
    return DeployCommandRunner(runner, request, access.cluster, kubernetes=bool(access.kubeconfig))
