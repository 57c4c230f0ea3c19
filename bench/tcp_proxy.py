"""A TCP proxy between a tool and its API server that is stopped, stalled and delayed in the place of the server."""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

BUFFER_BYTES = 65536


class Gate:
    """What happens to connections: they pass, are refused and cut, or hang without an answer.

    Args:
        host: of the server.
        port: of the server.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open = threading.Event()
        self._open.set()
        self._delay = 0.0
        self._connections: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.port = 0
        self.listen()

    def listen(self) -> None:
        """Accept connections; from the second time on at the port of the first."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def stop(self) -> None:
        """As if the server had been killed: connections are reset, new ones refused."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.cut()

    def cut(self) -> None:
        """Reset every connection."""
        for each in tuple(self._connections):
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._connections.clear()

    def stall(self) -> None:
        """As if packets were dropped: nothing passes, nothing is closed, new connections get no answer."""
        self._open.clear()

    def pass_on(self) -> None:
        """Let everything pass again, with what was held."""
        self._open.set()

    def delay(self, seconds: float) -> None:
        """Hold every piece for so long."""
        self._delay = seconds

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._open.wait()
        try:
            server = socket.create_connection(self._target, timeout=10)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        self._connections |= {client, server}
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(BUFFER_BYTES):
                self._open.wait()
                if self._delay:
                    time.sleep(self._delay)
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def before_the_cluster(kubeconfig: Path, folder: Path) -> Iterator[tuple[Gate, Path]]:
    """A gate before the first server of a kubeconfig, and a copy of the kubeconfig that leads through it."""
    text = kubeconfig.read_text()
    found = re.search(r"server: *(\S+)", text)
    assert found, f"{kubeconfig} names no server"
    address = urlsplit(found[1])
    gate = Gate(address.hostname or "", address.port or 443)
    copy = folder / "kubeconfig"
    copy.write_text(text.replace(found[1], f"https://127.0.0.1:{gate.port}"))
    try:
        yield gate, copy
    finally:
        gate.pass_on()
        gate.stop()
