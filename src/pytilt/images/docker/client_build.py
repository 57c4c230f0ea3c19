"""Building with the docker CLI, for what needs BuildKit's session: `ssh=` and `secret=`."""

import asyncio
import tarfile
import tempfile
from pathlib import Path

from pytilt.docker.discovery import client_environment
from pytilt.docker.engine import Engine
from pytilt.errors import BuildError, CommandError
from pytilt.host.output import decoded
from pytilt.host.processes import ProcessRequest, Runner
from pytilt.host.state import temporary_files
from pytilt.images.context import Context, context_chunks
from pytilt.images.docker.failures import client_failure
from pytilt.images.docker.options import LABELS
from pytilt.images.hiding import as_written
from pytilt.model.images import DockerBuild
from pytilt.model.logs import Log
from pytilt.settings import Settings

_KEPT_BYTES = 16_000
"""As much of the output's end is looked through when it fails."""

_FROM_FILE = 'archive=$1; shift; exec docker "$@" < "$archive"'
"""The context is a file that docker reads from its standard input, as it can be larger than memory."""


class ClientBuilder:
    """Runs `docker build`.

    Args:
        engine: what builds.
        runner: starts the CLI.
        settings: its environment.
    """

    def __init__(self, engine: Engine, runner: Runner, settings: Settings) -> None:
        self._engine = engine
        self._runner = runner
        self._settings = settings

    async def build(self, build: DockerBuild, context: Context, platform: str, log: Log) -> str:
        """Build, and return the image's id.

        Raises:
            BuildError: the CLI is missing, cannot use BuildKit, or the build failed.
        """
        with temporary_files():
            folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="tilt-build-")
        try:
            return await self._build_in(Path(folder.name), build, context, platform, log)
        finally:
            await asyncio.shield(asyncio.to_thread(folder.cleanup))

    async def _build_in(self, folder: Path, build: DockerBuild, context: Context, platform: str, log: Log) -> str:
        archive, id_file = folder / "context.tar", folder / "id"
        with temporary_files():
            await asyncio.to_thread(_write, archive, context)
        dockerfile, place = context.dockerfile, "-"
        if context.spare and not context.mounts:
            dockerfile, place = await asyncio.to_thread(_unpack, archive, folder, context)
        words = client_words(build, dockerfile, platform, id_file=str(id_file), context=place)
        address = (await self._engine.api()).address
        environ = {**client_environment(self._settings, address), "DOCKER_BUILDKIT": "1"}
        request = ProcessRequest(
            argv=("sh", "-c", _FROM_FILE, "docker", str(archive), *words),
            dir=str(Path.cwd()),  # what the paths of `ssh=` and `secret=` are relative to, as in Tilt
            env=tuple(sorted(environ.items())),
        )
        output = bytearray()

        def keep(data: bytes) -> None:
            output.extend(data)
            del output[:-_KEPT_BYTES]
            write(data)

        write = decoded(log)
        try:
            outcome = await self._runner.run(request, keep)
        except CommandError as error:
            raise _cannot_use_client(error.message) from error
        said = bytes(output).decode(errors="replace")
        if outcome.exit_status == 127 or "buildx component is missing" in said:
            raise _cannot_use_client(said.strip())
        if outcome.exit_status != 0:
            raise client_failure(as_written(said, context), dockerfile=build.dockerfile or "")
        return (await asyncio.to_thread(id_file.read_text)).strip()


def client_words(build: DockerBuild, dockerfile: str, platform: str, *, id_file: str, context: str) -> tuple[str, ...]:
    """The words after `docker`.

    Args:
        build: what the Tiltfile says.
        dockerfile: its place in the context.
        platform: empty: the engine's own.
        id_file: where docker writes the image's id.
        context: `-`: from the standard input; else a directory.
    """
    words = ["build", "--progress", "plain", "--file", dockerfile, "--iidfile", id_file]
    for flag, values in (
        ("--label", [f"{name}={value}" for name, value in LABELS.items()]),
        ("--build-arg", [f"{name}={value}" if value else name for name, value in build.build_args]),
        ("--ssh", build.ssh),
        ("--secret", build.secrets),
        ("--target", [build.target]),
        ("--network", [build.network]),
        ("--platform", [platform]),
        ("--cache-from", build.cache_from),
        ("--add-host", build.extra_hosts),
    ):
        words += [word for value in values if value for word in (flag, value)]
    return (*words, *(["--pull"] if build.pull else []), context)


def _cannot_use_client(said: str) -> BuildError:
    return BuildError(
        f"`ssh=` and `secret=` need the docker CLI with buildx: {said}",
        hint="install both, on Debian: `sudo apt-get install docker-cli docker-buildx`",
    )


def _write(archive: Path, context: Context) -> None:
    with archive.open("wb") as file:
        for chunk in context_chunks(context):
            file.write(chunk)


def _unpack(archive: Path, folder: Path, context: Context) -> tuple[str, str]:
    """Lay the Dockerfile beside the context, which nothing of ours may be in; returns where both are."""
    dockerfile, root = folder / "Dockerfile", folder / "context"
    with tarfile.open(archive, errors="surrogateescape") as tar:
        tar.extractall(root, filter="fully_trusted")
    (root / context.dockerfile).rename(dockerfile)
    (root / context.spare).rmdir()
    # What is ignored is not there any more; docker heeds this file instead of the project's own.
    (folder / "Dockerfile.dockerignore").touch()
    return str(dockerfile), str(root)
