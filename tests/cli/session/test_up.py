import os
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import Tilt


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project without anything, in a folder without cluster."""
    (tmp_path / "Tiltfile").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))


@pytest.mark.parametrize("words", [("up", "--stream"), ("ci",)], ids=lambda words: words[0])
def test_a_taken_port_is_an_error_that_names_the_holder(tilt: Tilt, words: Sequence[str]):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        ended = tilt(*words, "--host", "127.0.0.1", "--port", str(port))
    assert (ended.status, ended.out) == (1, "")
    assert f"Error: Tilt cannot start because you already have another process on port {port}" in ended.error
    assert f"(process {os.getpid()})" in ended.error
    assert "Traceback" not in ended.error
