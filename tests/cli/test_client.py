import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

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
    assert (ended.status, ended.out) == (3 if words[0] == "wait" else 1, "")
    assert ended.error.startswith(
        f"Error: No tilt apiserver found: tilt-{port} (127.0.0.1:{port} does not answer: connection refused)\n"
    )
    assert "hint: start a session with `tilt up`" in ended.error


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("words", ASKING, ids=lambda words: words[0])
def test_every_command_says_that_a_session_has_another_token(
    tilt: Tilt, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "token").write_text("another")
    monkeypatch.setenv("TILT_DEV_DIR", str(tmp_path))
    ended = tilt(*words)
    assert (ended.status, ended.out) == (1, "")
    assert "invalid session token\nhint: it does not know the token of" in ended.error


@pytest.mark.usefixtures("served")
def test_a_session_that_is_not_ours_is_reported_as_that(tilt: Tilt, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TILT_DEV_DIR", "/nowhere")
    ended = tilt("get", "uiresources")
    assert ended.status == 1
    assert ended.error.startswith(
        "Error from server (Forbidden): missing session token\nhint: it does not know the token of `/nowhere/token`: "
    )


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


ANSWER = b'{"metadata": {"name": "web"}, "items": []}\n'
WATCH = b'{"type": "ADDED", "object": {"metadata": {"name": "web"}}}\n{"type": "BOOKMARK", "object": {}}\n'
STATUS = b'{"fresh": true, "healthy": true, "context": "", "namespace": "", "clusterError": "", "resources": []}'


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What was asked of a session that has an answer to everything."""
    lines: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            lines.append(f"{self.command} {self.path.partition('?')[0]}")
            body = WATCH if "watch=" in self.path else ANSWER if self.path.startswith("/apis/") else b""
            body = STATUS if self.path.startswith("/api/status") else body
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - the names are the library's

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        monkeypatch.setenv("TILT_PORT", str(server.server_port))
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield lines
        server.shutdown()


@pytest.mark.parametrize(
    ("words", "request_line"),
    [
        ("get uiresources", "GET /apis/tilt.dev/v1alpha1/uiresources"),
        ("get uiresource web", "GET /apis/tilt.dev/v1alpha1/uiresources/web"),
        ("describe uiresource web", "GET /apis/tilt.dev/v1alpha1/uiresources/web"),
        ("trigger web", "POST /api/trigger"),
        ("logs web", "GET /api/logs"),
        ("enable web cart", "POST /api/enable"),
        ("disable web", "POST /api/enable"),
        ("args a", "POST /api/args"),
        ("status", "GET /api/status"),
        ("wait --for=create uiresource/web", "GET /apis/tilt.dev/v1alpha1/uiresources"),
    ],
)
def test_a_verb_asks_once(tilt: Tilt, asked: list[str], words: str, request_line: str):
    assert (tilt(*words.split()).status, asked) == (0, [request_line])
