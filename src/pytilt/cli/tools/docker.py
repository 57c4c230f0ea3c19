"""`tilt docker`."""

import asyncio
import os
import shlex
import shutil
import signal
import sys

from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.parsing import Argument
from pytilt.docker.address import EngineAddress
from pytilt.errors import UserError
from pytilt.settings import Settings


@subcommand(
    "docker",
    Argument("args", several=True),
    passes_on=True,
)
def command(args: tuple[str, ...]) -> None:
    """Run the `docker` command against the container engine that builds images here.

    All words that follow go to `docker`, also flags.

    \b
    Examples:
      tilt docker -- ps
      tilt docker -- image ls shop/web
    """
    from pytilt.docker.discovery import find_engine

    settings = Settings.from_environment()
    program = shutil.which("docker", path=settings.environ.get("PATH"))
    if program is None:
        raise UserError("there is no `docker` command", hint="install Docker's command line, or add it to PATH")
    added = engine_environ(asyncio.run(find_engine(settings)))
    shown = " ".join([*(f"{name}={value}" for name, value in added.items()), shlex.join(["docker", *args])])
    print(f"Running Docker command as:\n{shown}\n---", file=sys.stderr, flush=True)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what it becomes would, too
    try:
        os.execve(program, ["docker", *args], {**settings.environ, **added})
    except OSError as error:
        raise UserError(f"`{program}` cannot be started: {(error.strerror or str(error)).lower()}") from error


def engine_environ(address: EngineAddress) -> dict[str, str]:
    """The variables by which the `docker` command asks this engine."""
    environ = {"DOCKER_BUILDKIT": "1", "DOCKER_HOST": address.url}
    if address.tls is not None and address.tls.ca:
        environ |= {"DOCKER_CERT_PATH": os.path.dirname(address.tls.ca)}  # noqa: PTH120 - the string as it is
    if address.tls is not None and address.tls.verify:
        environ |= {"DOCKER_TLS_VERIFY": "1"}
    return environ
