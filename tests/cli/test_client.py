import socket
import threading

import pytest

from pytilt.host.ports import free_port
from tests.cli.conftest import Tilt

ASKING = [
    ("get", "uiresources"),
    ("logs",),
    ("trigger", "web"),
    ("enable", "web"),
    ("disable", "web"),
    ("wait", "--for=condition=Ready", "uiresource/web"),
    ("args", "--clear"),
]


@pytest.mark.parametrize("words", ASKING, ids=lambda words: words[0])
def test_without_a_session_every_command_says_how_to_start_or_find_one(tilt: Tilt, words: tuple[str, ...]):
    port = free_port("127.0.0.1")
    ended = tilt(*words, "--host", "127.0.0.1", "--port", str(port))
    assert (ended.status, ended.out) == (1, "")
    assert ended.error.startswith(
        f"Error: No tilt apiserver found: tilt-{port} (127.0.0.1:{port} does not answer: connection refused)\n"
    )
    assert "hint: start a session with `tilt up`" in ended.error


@pytest.mark.usefixtures("served")
def test_a_session_that_is_not_ours_is_reported_as_that(tilt: Tilt, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TILT_DEV_DIR", "/nowhere")
    ended = tilt("get", "uiresources")
    assert (ended.status, ended.error) == (1, "Error from server (Forbidden): missing session token\n")


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b""], ids=["other", "nothing"])
def test_another_program_at_the_port_is_no_trace(tilt: Tilt, answer: bytes):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(answer)
                connection.recv(1000)

        thread = threading.Thread(target=serve)
        thread.start()
        ended = tilt("get", "uiresources", "--host", "127.0.0.1", "--port", str(server.getsockname()[1]))
        thread.join()
    assert ended.status == 1
    assert ended.error.startswith("Error: No tilt apiserver found")


def test_a_host_that_nobody_knows_is_no_trace(tilt: Tilt):
    ended = tilt("get", "uiresources", "--host", "no-such-host.invalid")
    assert ended.status == 1
    assert ended.error.startswith("Error: No tilt apiserver found: tilt-default")
