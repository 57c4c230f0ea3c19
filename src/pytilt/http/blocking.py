"""One request on a blocking socket, for commands that ask one thing and end: no event loop, and little to import."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import h11

from pytilt.http import messages
from pytilt.http.messages import Head, Headers
from pytilt.http.wires import BrokenWireError

CHUNK_BYTES = 65536


class Answer:
    """The answer to a request.

    Args:
        opened: the connection.
        http: what has come of it.
        head: how it begins.
    """

    def __init__(self, opened: socket.socket, http: h11.Connection, head: Head) -> None:
        self.head = head
        self._socket = opened
        self._http = http

    def wait_forever(self) -> None:
        """Have no limit any more for the time until something comes."""
        self._socket.settimeout(None)

    def body(self) -> bytes:
        """All of it.

        Raises:
            OSError: it ends in the middle, or nothing comes for too long.
        """
        return b"".join(self.pieces())

    def lines(self) -> Iterator[bytes]:
        """The lines of the body as they come, without their ends, until it ends or the server does.

        Raises:
            OSError: nothing comes for too long.
        """
        rest = b""
        with suppress(BrokenWireError):
            for piece in self.pieces():
                *lines, rest = (rest + piece).split(b"\n")
                yield from lines
            if rest:
                yield rest

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes.

        Raises:
            OSError: it ends in the middle, or nothing comes for too long.
        """
        while isinstance(event := _event(self._socket, self._http), h11.Data):
            yield bytes(event.data)


@contextmanager
def ask(
    host: str, port: int, method: str, target: str, headers: Headers = (), content: bytes = b"", *, seconds: float
) -> Iterator[Answer]:
    """Send a request and wait for the beginning of its answer; leaving closes the connection.

    Args:
        host: name or address of the server.
        port: of the server.
        method: for example `GET`.
        target: path and query, quoted.
        headers: beside those that say whom it is for, from whom, and how the body comes.
        content: the body.
        seconds: how long anything may take to come.

    Raises:
        OSError: there is no answer in time, or HTTP does not allow such a request.
        ValueError: the host is none.
    """
    http, name = messages.client(), f"[{host}]" if ":" in host else host
    every = [*headers, ("Connection", "close"), *messages.framing(method, len(content))]
    request = messages.request(method, target, f"{name}:{port}", every)
    sent = [http.send(request), http.send(h11.Data(data=content)) if content else b"", http.send(h11.EndOfMessage())]
    with socket.create_connection((host, port), timeout=seconds) as opened:
        opened.sendall(b"".join(piece or b"" for piece in sent))
        while (head := messages.head(_event(opened, http))) is None:
            pass
        yield Answer(opened, http, head)


def _event(opened: socket.socket, http: h11.Connection) -> messages.Event:
    """The next event that is more than the wish for more bytes."""
    while (event := messages.next_event(http)) is h11.NEED_DATA:
        messages.receive(http, opened.recv(CHUNK_BYTES))
    return event
