"""A stand-in for the containers of a cluster: commands, connections and logs that tests script."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from pytilt.cluster.seam import ByteStream, ContainerRef, ContainerRun, ExecStream
from pytilt.errors import ClusterUnreachableError, PytiltError


class FakeExec:
    """A command in a container, as the test that plays it sees it."""

    def __init__(self, ref: ContainerRef, argv: Sequence[str]) -> None:
        self.ref = ref
        self.argv = tuple(argv)
        self._input: asyncio.Queue[bytes] = asyncio.Queue()
        self._output: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue()
        self._exit_status: int | None = None

    async def read(self) -> bytes:
        """The next piece of standard input, as it was sent."""
        return await self._input.get()

    def write(self, data: bytes) -> None:
        """Write to standard output."""
        self._output.put_nowait((1, data))

    def write_error(self, data: bytes) -> None:
        """Write to standard error."""
        self._output.put_nowait((2, data))

    def finish(self, exit_status: int | None) -> None:
        """End; None: the connection broke, so that the status is unknown."""
        self._exit_status = exit_status
        self._output.put_nowait(None)

    async def send(self, data: bytes) -> None:
        """Write to its standard input; see `ExecStream.send`."""
        self._input.put_nowait(data)

    async def receive(self) -> tuple[int, bytes]:
        """The next piece of output; see `ExecStream.receive`."""
        piece = await self._output.get()
        if piece is None:
            self._output.put_nowait(None)
            raise EOFError
        return piece

    @property
    def exit_status(self) -> int | None:
        """The status with which it ended; known to the reader once all output was received."""
        return self._exit_status


class FakeConnection:
    """A connection to a port of a pod, as the test that plays the pod sees it."""

    def __init__(self, pod: str, port: int) -> None:
        self.pod = pod
        self.port = port
        self._input: asyncio.Queue[bytes] = asyncio.Queue()
        self._output: asyncio.Queue[bytes | PytiltError] = asyncio.Queue()

    async def read(self) -> bytes:
        """The next bytes that came in, empty at the end."""
        return await self._input.get()

    def write(self, data: bytes) -> None:
        """Answer with bytes; none: close."""
        self._output.put_nowait(data)

    def fail(self, error: PytiltError) -> None:
        """Have the connection break."""
        self._output.put_nowait(error)

    async def send(self, data: bytes) -> None:
        """Write bytes; see `ByteStream.send`."""
        self._input.put_nowait(data)

    async def finish(self) -> None:
        """Have the pod's side read the end; see `ByteStream.finish`."""
        self._input.put_nowait(b"")

    async def receive(self) -> bytes:
        """The next bytes; see `ByteStream.receive`."""
        piece = await self._output.get()
        if isinstance(piece, PytiltError):
            raise piece
        return piece


ExecAnswer = Callable[[FakeExec], Awaitable[int | None]]
"""Plays a command: reads, writes, and returns the exit status. Cancelled when the stream is closed before."""

ForwardAnswer = Callable[[FakeConnection], Awaitable[None]]
"""Plays a server: reads and writes. The connection ends when it returns, and breaks by a `PytiltError` of its."""


class FakeContainers:
    """`Containers` that tests script. A command without answer succeeds at once and prints nothing."""

    forwards_plainly = False

    def __init__(self) -> None:
        self.commands: list[tuple[ContainerRef, tuple[str, ...]]] = []
        """Every command that was run, in order."""
        self.connections: list[tuple[str, str, int]] = []
        """Namespace, pod and port of every connection that was opened, in order."""
        self.followed: list[tuple[ContainerRef, str]] = []
        """Every log that was asked for, with its `since`."""
        self._exec: ExecAnswer = _succeed
        self._forward: ForwardAnswer = _close
        self._failures: dict[str, PytiltError] = {}
        self._logs: dict[ContainerRef, _FakeLog] = {}

    # The seam

    async def logs(
        self, ref: ContainerRef, *, since: str = "", running: ContainerRun | None = None
    ) -> AsyncGenerator[tuple[str, str], None]:
        """Yield the lines that the test wrote, until it ends the log."""
        del running
        self.followed.append((ref, since))
        log = self._log(ref)
        sent = 0
        while True:
            while sent < len(log.lines):
                time, text = log.lines[sent]
                sent += 1
                if time >= since:
                    yield time, text
            if log.broken:
                error, log.broken = log.broken, None
                raise error
            if log.ended:
                return
            await log.wait()

    @asynccontextmanager
    async def exec(self, ref: ContainerRef, argv: Sequence[str]) -> AsyncIterator[ExecStream]:
        """Run the answer of the test."""
        self._fail(ref.pod)
        self.commands.append((ref, tuple(argv)))
        command = FakeExec(ref, argv)

        async def play() -> None:
            status: int | None = None
            try:
                status = await self._exec(command)
            finally:
                command.finish(status)

        async with _playing(play, f"exec in {ref.pod}"):
            yield command

    @asynccontextmanager
    async def forward(self, namespace: str, pod: str, port: int) -> AsyncIterator[ByteStream]:
        """Connect to the answer of the test."""
        self._fail(pod)
        self.connections.append((namespace, pod, port))
        connection = FakeConnection(pod, port)

        async def play() -> None:
            try:
                await self._forward(connection)
            except PytiltError as error:
                connection.fail(error)
            finally:
                connection.write(b"")

        async with _playing(play, f"connection to {pod}:{port}"):
            yield connection

    # What tests do to it

    def answer_exec(self, answer: ExecAnswer) -> None:
        """Have commands do something from now on."""
        self._exec = answer

    def answer_forward(self, answer: ForwardAnswer) -> None:
        """Have connections be answered from now on."""
        self._forward = answer

    def fail(self, pod: str, error: PytiltError | None) -> None:
        """Have exec and forward fail for a pod from now on; None: no longer."""
        self._failures.pop(pod, None)
        if error:
            self._failures[pod] = error

    def write_log(self, ref: ContainerRef, text: str, *, time: str = "") -> None:
        """Have a container write a line, at a time that increases by itself unless it is given."""
        log = self._log(ref)
        count = len(log.lines)
        time = time or f"2026-01-01T00:{count // 60 % 60:02}:{count % 60:02}.000000000Z"
        log.lines.append((time, text if text.endswith("\n") else text + "\n"))
        log.notify()

    def end_log(self, ref: ContainerRef) -> None:
        """Have a container end, and with it its log."""
        log = self._log(ref)
        log.ended = True
        log.notify()

    def begin_log(self, ref: ContainerRef) -> None:
        """Have a container be restarted: its log is a new one."""
        self._logs.pop(ref, None)

    def break_log(self, ref: ContainerRef, message: str = "the connection broke") -> None:
        """Have a log's stream break once."""
        log = self._log(ref)
        log.broken = ClusterUnreachableError(message)
        log.notify()

    def _log(self, ref: ContainerRef) -> "_FakeLog":
        return self._logs.setdefault(ref, _FakeLog())

    def _fail(self, pod: str) -> None:
        if error := self._failures.get(pod):
            raise error


class _FakeLog:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.ended = False
        self.broken: ClusterUnreachableError | None = None
        self._changed = asyncio.Event()

    def notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def wait(self) -> None:
        await self._changed.wait()


@asynccontextmanager
async def _playing(play: Callable[[], Awaitable[None]], name: str) -> AsyncIterator[None]:
    async def run() -> None:
        await play()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(run(), name=name)
        try:
            yield
        finally:
            task.cancel()


async def _succeed(_: FakeExec) -> int:
    return 0


async def _close(_: FakeConnection) -> None:
    return
