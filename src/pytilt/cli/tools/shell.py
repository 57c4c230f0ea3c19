"""`tilt alpha shell`: a shell inside of a container of a resource."""

import os
import shlex
import shutil
import signal
import sys
from collections.abc import Mapping
from typing import Any

from pytilt.cli.client import SessionClient
from pytilt.errors import NotFoundError, UserError
from pytilt.settings import Settings

Json = dict[str, Any]

SHELL = "command -v bash >/dev/null 2>&1 && exec bash || exec sh"


def open_shell(name: str, container: str | None, host: str | None, port: int | None) -> None:
    """Become a shell inside of a container of a resource.

    Raises:
        UserError: there is none, or what starts it is not on this machine.
    """
    settings = Settings.from_environment()
    client = SessionClient(settings, host, port)
    pod = _pod(client, name)
    chosen = _container(pod, container)
    clusters = client.items("clusters")["items"]
    connection: Json = (clusters[0]["status"].get("connection") or {}).get("kubernetes", {}) if clusters else {}
    argv, environ = _command(settings, connection, pod, chosen)
    program = shutil.which(argv[0], path=settings.environ.get("PATH"))
    if program is None:
        raise UserError(f"there is no `{argv[0]}` command", hint=f"install it, or run elsewhere: `{shlex.join(argv)}`")
    print(f"Running: {shlex.join(argv)}", file=sys.stderr, flush=True)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what it becomes would, too
    try:
        os.execve(program, argv, {**settings.environ, **environ})
    except OSError as error:
        raise UserError(f"`{program}` cannot be started: {(error.strerror or str(error)).lower()}") from error


def _pod(client: SessionClient, name: str) -> Json:
    """The best pod of a resource."""
    try:
        row = client.get("uiresources", name)
    except NotFoundError as problem:
        raise UserError(
            f"resource {name} not found", hint="`tilt get uiresources` lists those that there are"
        ) from problem
    if row["status"].get("k8sResourceInfo") is None:
        raise UserError(f"resource {name} runs in no cluster, so it has no container to open a shell in")
    found = client.get("kubernetesdiscoveries", name)["status"].get("pods", [])
    pods = [each for each in found if not each.get("deleting")] or found
    if not pods:
        raise UserError(f"no pod found for resource {name}", hint=f"`tilt logs {name}` says why")
    pod: Json = pods[0]
    return pod


def _container(pod: Json, wanted: str | None) -> Json:
    found = [*pod.get("containers", []), *pod.get("initContainers", [])]
    names = [each["name"] for each in found]
    if wanted is not None:
        if wanted not in names:
            raise UserError(
                f"there is no container {wanted} in pod {pod['name']}", hint=f"there are: {', '.join(names)}"
            )
        chosen: Json = found[names.index(wanted)]
        return chosen
    if len(found) != 1:
        raise UserError(
            f"pod {pod['name']} has {len(found)} containers", hint=f"choose one with `-c`: {', '.join(names)}"
        )
    only: Json = found[0]
    return only


def _command(settings: Settings, connection: Json, pod: Json, container: Json) -> tuple[list[str], Mapping[str, str]]:
    """What opens the shell, and variables for it."""
    terminal = ["-it"] if sys.stdin.isatty() else ["-i"]
    if connection.get("product") == "engine":
        import asyncio

        from pytilt.cli.tools.docker import engine_environ
        from pytilt.docker.discovery import find_engine

        environ = engine_environ(asyncio.run(find_engine(settings)))
        identifier = container["id"].rpartition("/")[2]
        return ["docker", "exec", *terminal, identifier, "sh", "-c", SHELL], environ
    context = ["--context", connection["context"]] if connection.get("context") else []
    where = ["-n", pod["namespace"], pod["name"], "-c", container["name"]]
    return ["kubectl", *context, "exec", *terminal, *where, "--", "sh", "-c", SHELL], {}
