from pathlib import Path

import pytest

from pytilt.docker.engine import Engine
from pytilt.errors import BuildError
from pytilt.host.processes import HostRunner
from pytilt.images.context import plan_context
from pytilt.images.docker.client_build import ClientBuilder
from pytilt.model.images import DockerBuild
from pytilt.settings import Settings
from tests.images.docker.scripted import scripted
from tests.images.logs import KeptLog

BUILDS = """
echo "$DOCKER_BUILDKIT $@" | tee words
while [ "$1" != --iidfile ]; do shift; done
echo sha256:abc > "$2"
for last; do :; done
find "$last" -type f | sort > received
"""


async def build(script: str, folder: Path, runner: HostRunner, log: KeptLog) -> str:
    """Build with a docker CLI that is a script; it works in the folder."""
    docker = folder / "docker"
    docker.write_text(f"#!/bin/sh\ncd {folder}\n{script}\n")
    docker.chmod(0o755)
    (folder / "src").mkdir()
    (folder / "src" / "main.py").write_text("print(1)")
    wanted = DockerBuild(context=str(folder / "src"), secrets=("id=token,src=t",), dockerfile="/src/Dockerfile")
    context = plan_context(wanted.context, None, "FROM busybox\n", ())
    async with scripted(folder, {}) as (_, settings), Engine(settings) as engine:
        environ = {**settings.environ, "PATH": f"{folder}:/usr/bin:/bin"}
        builder = ClientBuilder(engine, runner, Settings.from_environment(environ))
        return await builder.build(wanted, context, "", log)


async def test_the_cli_gets_the_context_and_returns_the_image(tmp_path: Path, runner: HostRunner) -> None:
    log = KeptLog()
    assert await build(BUILDS, tmp_path, runner, log) == "sha256:abc"
    assert log.text == (tmp_path / "words").read_text()
    words = log.text.split()
    assert words[:4] == ["1", "build", "--progress", "plain"]
    assert words[-2:] == ["id=token,src=t", str(Path(words[words.index("--file") + 1]).parent / "context")]
    assert (tmp_path / "received").read_text() == f"{words[-1]}/main.py\n"


async def test_a_cli_without_buildx_says_what_to_install(tmp_path: Path, runner: HostRunner) -> None:
    script = "echo 'ERROR: BuildKit is enabled but the buildx component is missing or broken.' >&2; exit 1"
    with pytest.raises(BuildError, match="buildx component is missing") as caught:
        await build(script, tmp_path, runner, KeptLog())
    assert "docker-buildx" in str(caught.value.hint)


async def test_a_build_that_fails_is_reported_with_its_output(tmp_path: Path, runner: HostRunner) -> None:
    script = "echo 'dockerfile parse error line 3: unknown instruction: X' >&2; exit 1"
    with pytest.raises(BuildError, match="unknown instruction: X") as caught:
        await build(script, tmp_path, runner, KeptLog())
    assert caught.value.where == "/src/Dockerfile:3"
