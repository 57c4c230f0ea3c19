"""Containers that are directories of this machine, entered by its own shell: real `sh`, `head`, `tar` and `rm`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from pytilt.cluster.seam import ContainerRef, ExecStream
from pytilt.errors import SyncError
from pytilt.synclet import verbs
from pytilt.testing.containers import FakeContainers

REF = ContainerRef(namespace="default", pod="web-1", container="web")


class Shells(FakeContainers):
    """Containers of a machine that has none.

    Args:
        shell: the words that start a shell instead of `sh`, for example `("busybox", "sh")`.
        path: its PATH.
    """

    def __init__(self, *shell: str, path: str = "/usr/bin:/bin") -> None:
        super().__init__()
        self._shell = shell or ("/bin/sh",)
        self._path = path
        self.opened: list[ShellStream] = []

    @asynccontextmanager
    async def exec(self, ref: ContainerRef, argv: Sequence[str]) -> AsyncIterator[ExecStream]:
        assert ref == REF
        assert argv[0] == "sh"
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(  # noqa: TID251 - it stands in for a container
            *self._shell, *argv[1:], stdin=pipe, stdout=pipe, stderr=pipe, env={"PATH": self._path}
        )
        stream = ShellStream(process)
        self.opened.append(stream)
        failure: BaseException | None = None
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stream.pump())
            try:
                yield stream
            except BaseException as error:  # noqa: BLE001 - raised again below, but not as a group
                failure = error
            stream.kill()
        if failure:
            raise failure


class Machine(Shells):
    """A container that is this machine: with its shell, and the helper where an image would bring it."""

    def __init__(self, *shell: str, path: str = "/usr/bin:/bin", layer: Path | None = None) -> None:
        super().__init__(*shell, path=path)
        self.layer = layer

    @asynccontextmanager
    async def exec(self, ref: ContainerRef, argv: Sequence[str]) -> AsyncIterator[ExecStream]:
        if argv[0] == "sh":
            async with super().exec(ref, argv) as shell:
                yield shell
            return
        assert argv[0] == verbs.PATH
        if self.layer is None:
            raise SyncError(f"container `{ref.container}` of pod `{ref.pod}` has no command `{argv[0]}`")
        helpers = Shells(str(self.layer))
        async with helpers.exec(ref, ["sh", *argv[1:]]) as helper:
            self.opened += helpers.opened
            yield helper


class ShellStream:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.sent = 0
        self._output: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()

    async def pump(self) -> None:
        assert self.process.stdout
        assert self.process.stderr
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read(1, self.process.stdout))
            tasks.create_task(self._read(2, self.process.stderr))
        await self.process.wait()
        self._output.put_nowait((0, b""))

    async def _read(self, channel: int, source: asyncio.StreamReader) -> None:
        while data := await source.read(65536):
            self._output.put_nowait((channel, data))

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()

    async def send(self, data: bytes) -> None:
        assert self.process.stdin
        self.sent += len(data)
        self.process.stdin.write(data)
        await self.process.stdin.drain()

    async def receive(self) -> tuple[int, bytes]:
        item = await self._output.get()
        if item[0] == 0:
            raise EOFError
        return item

    @property
    def exit_status(self) -> int | None:
        return self.process.returncode
