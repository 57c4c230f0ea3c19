import sys
from pathlib import Path

import pytest

from pytilt.cli.tools.docker import engine_environ
from pytilt.docker.address import EngineAddress, TlsFiles
from pytilt.host.processes import HostRunner, ProcessRequest
from tests.cli.conftest import Tilt
from tests.images.docker.scripted import scripted

SHOWS_WHAT_IT_GETS = """\
#!/bin/sh
echo "$DOCKER_HOST $DOCKER_BUILDKIT $@"
exit 7
"""


async def run_docker(folder: Path, program: str, *words: str) -> tuple[int, str, str]:
    """Run `tilt docker` where `docker` is this program; exit status, output and errors."""
    (folder / "docker").write_text(program)
    (folder / "docker").chmod(0o755)
    out: list[bytes] = []
    error: list[bytes] = []
    async with scripted(folder, {}) as (_, settings), HostRunner() as runner:
        environ = {**settings.environ, "PATH": f"{folder}:{settings.environ['PATH']}"}
        request = ProcessRequest(
            argv=(sys.executable, "-m", "pytilt", "docker", *words), dir="/", env=tuple(environ.items())
        )
        outcome = await runner.run(request, out.append, error_output=error.append)
    return outcome.exit_status, b"".join(out).decode(), b"".join(error).decode()


async def test_docker_gets_all_words_and_the_engine_that_was_found(tmp_path: Path):
    status, out, error = await run_docker(tmp_path, SHOWS_WHAT_IT_GETS, "image", "ls", "--all", "-q")
    assert status == 7
    assert out == f"unix://{tmp_path}/engine.sock 1 image ls --all -q\n"
    shown = f"DOCKER_BUILDKIT=1 DOCKER_HOST=unix://{tmp_path}/engine.sock docker image ls --all -q"
    assert error == f"Running Docker command as:\n{shown}\n---\n"


async def test_a_docker_that_cannot_be_started_is_an_error(tmp_path: Path):
    status, _, error = await run_docker(tmp_path, "no program")
    assert status == 1
    assert error.endswith(f"---\nError: `{tmp_path}/docker` cannot be started: exec format error\n")


def test_without_the_command_the_message_says_so(tilt: Tilt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    status, _, error = tilt("docker", "--", "ps")
    assert status == 1
    assert error.startswith("Error: there is no `docker` command\nhint: ")


def test_an_engine_with_tls_is_named_with_its_files():
    files = TlsFiles(ca="/certs/ca.pem", cert="/certs/cert.pem", key="/certs/key.pem")
    assert engine_environ(EngineAddress(url="tcp://build:2376", tls=files)) == {
        "DOCKER_BUILDKIT": "1",
        "DOCKER_HOST": "tcp://build:2376",
        "DOCKER_CERT_PATH": "/certs",
        "DOCKER_TLS_VERIFY": "1",
    }
