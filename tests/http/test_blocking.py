import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pytilt.http.blocking import ask


@contextmanager
def server(*said: bytes) -> Iterator[tuple[int, bytearray]]:
    """A server that answers one request with these pieces, then closes; its port, and what it was sent."""
    received = bytearray()

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            while b"\r\n\r\n" not in received:
                received.extend(connection.recv(1000))
            for piece in said:
                connection.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        yield listening.getsockname()[1], received
        thread.join()


def test_an_answer_has_a_status_a_reason_and_a_body():
    with (
        server(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nno", b"ne") as (port, received),
        ask("127.0.0.1", port, "PATCH", "/x?y=1", [("X-Tilt-Token", "t")], b"{}", seconds=5) as answer,
    ):
        assert (answer.head.status, answer.head.reason, answer.body()) == (404, "Not Found", b"none")
    assert received.startswith(f"PATCH /x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: tilt\r\n".encode())
    assert b"X-Tilt-Token: t\r\nConnection: close\r\nContent-Length: 2\r\n\r\n" in received


def test_lines_come_one_by_one_however_they_are_cut():
    chunked = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na\nb", b"b\r\n2\r\n\nc\r\n", b"0\r\n\r\n")
    with server(*chunked) as (port, _), ask("127.0.0.1", port, "GET", "/", seconds=5) as answer:
        answer.wait_forever()
        assert list(answer.lines()) == [b"a", b"bb", b"c"]


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_what_is_no_whole_answer_is_an_error_of_the_connection(said: bytes):
    with (
        server(said) as (port, _),
        pytest.raises(OSError, match=r"."),
        ask("127.0.0.1", port, "GET", "/", seconds=5) as answer,
    ):
        answer.body()


def test_lines_end_with_the_server():
    cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na\nb"
    with server(cut) as (port, _), ask("127.0.0.1", port, "GET", "/", seconds=5) as answer:
        assert list(answer.lines()) == [b"a"]


def test_who_does_not_answer_in_time_is_waited_for_no_longer():
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(TimeoutError),
        ask("127.0.0.1", silent.getsockname()[1], "GET", "/", seconds=0.05),
    ):
        pass


def test_what_http_forbids_is_not_sent():
    with pytest.raises(OSError, match="cannot be sent"), ask("127.0.0.1", 1, "GET", "/a b", seconds=1):
        pass
