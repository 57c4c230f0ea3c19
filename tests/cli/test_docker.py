import sys
from pathlib import Path

import pytest

from pytilt.cli.docker import engine_environ
from pytilt.docker.address import EngineAddress, TlsFiles
from pytilt.host.processes import HostRunner, ProcessRequest
from tests.cli.conftest import Tilt
from tests.images.docker.scripted import scripted

SHOWS_WHAT_IT_GETS = """\
#!/bin/sh
echo "$DOCKER_HOST $DOCKER_BUILDKIT $@"
exit 7
"""


async def test_docker_gets_all_words_and_the_engine_that_was_found(tmp_path: Path):
    (tmp_path / "docker").write_text(SHOWS_WHAT_IT_GETS)
    (tmp_path / "docker").chmod(0o755)
    words = ("image", "ls", "--all", "-q")
    out: list[bytes] = []
    error: list[bytes] = []
    async with scripted(tmp_path, {}) as (_, settings), HostRunner() as runner:
        environ = {**settings.environ, "PATH": f"{tmp_path}:{settings.environ['PATH']}"}
        request = ProcessRequest(
            argv=(sys.executable, "-m", "pytilt", "docker", *words), dir="/", env=tuple(environ.items())
        )
        outcome = await runner.run(request, out.append, error_output=error.append)
    assert outcome.exit_status == 7
    assert b"".join(out).decode() == f"unix://{tmp_path}/engine.sock 1 image ls --all -q\n"
    shown = f"DOCKER_BUILDKIT=1 DOCKER_HOST=unix://{tmp_path}/engine.sock docker image ls --all -q"
    assert b"".join(error).decode() == f"Running Docker command as:\n{shown}\n---\n"


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
