"""A worker: a Python process that does what the event loop may not be kept from, and may be killed over it."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytilt
from pytilt.host.processes.exits import watch_exit

LENGTH_BYTES = 4
"""Every message begins with its length, the low byte first."""

READ_BYTES = 256 * 1024

_PROGRAM = "import sys; sys.path.append(sys.argv[1]); __import__(sys.argv[2], fromlist=['main']).main()"
"""Imports as little as possible: `site` and what is installed take longer than all the rest."""


class Worker:
    """A process that answers messages in order; it ends when this one does, however that ends.

    Args:
        module: its `main` reads messages from the socket that is its standard input, and writes one answer to each.
        answered: takes an answer.
        ended: called once when it ended by itself, with its exit status, negative for a signal; not after `close`.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, module: str, answered: Callable[[bytes], None], ended: Callable[[int], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._answered = answered
        self._ended = ended
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self._socket, there = socket.socketpair()
        with there:
            try:
                self._program = _start(module, there)
            except BaseException:
                self._socket.close()
                raise
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket, self._read)
        self._exit = watch_exit(self._program, self._loop)
        self._exit.add_done_callback(self._gone)

    @property
    def pid(self) -> int:
        """Its id."""
        return self._program.pid

    def send(self, message: bytes) -> None:
        """Send a message; one that ended does not get it."""
        if self._socket.fileno() < 0:
            return
        before = bool(self._outgoing)
        self._outgoing += len(message).to_bytes(LENGTH_BYTES, "little") + message
        if not before:
            self._write()

    def close(self) -> None:
        """Kill it."""
        self._exit.remove_done_callback(self._gone)
        self._disconnect()
        if not self._exit.done():
            self._program.kill()

    async def wait_closed(self) -> None:
        """Wait until it is gone."""
        await asyncio.shield(self._exit)

    def _disconnect(self) -> None:
        if self._socket.fileno() < 0:
            return
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()

    def _gone(self, exited: asyncio.Future[int]) -> None:
        self._read()  # what it answered before
        self._disconnect()
        self._ended(exited.result())

    def _read(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._socket)
            return
        self._incoming += data
        while len(self._incoming) >= LENGTH_BYTES:
            end = LENGTH_BYTES + int.from_bytes(self._incoming[:LENGTH_BYTES], "little")
            if len(self._incoming) < end:
                return
            message = bytes(memoryview(self._incoming)[LENGTH_BYTES:end])
            del self._incoming[:end]
            self._answered(message)

    def _write(self) -> None:
        try:
            count = self._socket.send(self._outgoing)
        except BlockingIOError:
            count = 0
        except OSError:  # it ended
            count = len(self._outgoing)
        del self._outgoing[:count]
        if self._outgoing:
            self._loop.add_writer(self._socket, self._write)
        else:
            self._loop.remove_writer(self._socket)


def _start(module: str, connection: socket.socket) -> subprocess.Popen[bytes]:
    root = str(Path(pytilt.__file__).parent.parent)
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, root, module],
        stdin=connection.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
