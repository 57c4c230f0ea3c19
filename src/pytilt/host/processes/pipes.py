"""The pipes between this program and a process."""

import asyncio
import fcntl
import os
import sys
import termios
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytilt.host.processes.contract import Output

_PIECE = 1 << 16


class OutputPipe:
    """Passes on what a process writes, as it comes."""

    def __init__(self, output: "Output", loop: asyncio.AbstractEventLoop) -> None:
        self._output: Output | None = output
        self._loop = loop
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)

    @property
    def inode(self) -> int:
        """Names the pipe in the whole system."""
        return os.fstat(self._read_end).st_ino

    def follow(self) -> None:
        """Begin to read; the process has its own copy of the other end now."""
        os.close(self.write_end)
        self.write_end = -1
        self._loop.add_reader(self._read_end, self._read)

    def drain(self) -> None:
        """Pass on what has been written up to now."""
        if self._read_end < 0:
            return
        left = int.from_bytes(fcntl.ioctl(self._read_end, termios.FIONREAD, bytes(4)), sys.byteorder)
        while left > 0 and (count := self._read()):
            left -= count

    def discard(self) -> None:
        """Go on reading, so that nobody who still writes is held up, but drop the output."""
        self._output = None

    def close(self) -> None:
        """Stop reading."""
        for end in (self._read_end, self.write_end):
            if end >= 0:
                self._loop.remove_reader(end)
                os.close(end)
        self._read_end = self.write_end = -1

    def _read(self) -> int:
        try:
            piece = os.read(self._read_end, _PIECE)
        except BlockingIOError:
            return 0
        if not piece:
            self.close()
        elif self._output:
            self._output(piece)
        return len(piece)


class InputPipe:
    """Writes what comes up to a process's standard input, without waiting for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._left = bytearray()
        self._ends = False
        self._loop = loop
        self.read_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)

    def follow(self) -> None:
        """The process has its own copy of the other end now."""
        os.close(self.read_end)
        self.read_end = -1

    def write(self, data: bytes) -> None:
        """Write as much as the process takes at once, and the rest as soon as it does. Nothing, once it has ended."""
        if self._write_end < 0:
            return
        if not self._left:
            data = data[self._written(data) :]
            if data and self._write_end >= 0:
                self._loop.add_writer(self._write_end, self._write)
        self._left += data

    def finish(self) -> None:
        """Nothing more is written: the process reads the end of its input behind what was."""
        self._ends = True
        if not self._left:
            self.close()

    def close(self) -> None:
        """Stop writing; what the process has not taken yet is dropped."""
        for end in (self.read_end, self._write_end):
            if end >= 0:
                self._loop.remove_writer(end)
                os.close(end)
        self.read_end = self._write_end = -1
        self._left.clear()

    def _write(self) -> None:
        del self._left[: self._written(self._left)]
        if not self._left and self._write_end >= 0:
            self._loop.remove_writer(self._write_end)
            if self._ends:
                self.close()

    def _written(self, data: bytes | bytearray) -> int:
        try:
            return os.write(self._write_end, data)
        except BlockingIOError:
            return 0
        except BrokenPipeError:  # it does not care to read the rest
            self.close()
            return len(data)
