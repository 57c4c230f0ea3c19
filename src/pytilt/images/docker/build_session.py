"""BuildKit's session: the engine asks for the files of a build over another connection, gRPC over HTTP/2.

So the Dockerfile travels beside the context, not in it. The calls are those of BuildKit's `session/filesync`; files
come as packets of https://github.com/tonistiigi/fsutil: first what there is, then the content of what the engine asks
for.
"""

import asyncio
import os
import secrets
import stat
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from enum import IntEnum
from pathlib import Path

from pytilt.docker.api import DockerApi
from pytilt.docker.grpc_server import GrpcError, GrpcServer, RemoteCall
from pytilt.errors import BuildError, EngineUnreachableError
from pytilt.images.context import IGNORE_FILE, Context, ContextEntry, context_entries, readable
from pytilt.images.docker.protobuf import bytes_field, fields, number_field
from pytilt.model.texts import to_bytes

DOCKERFILE = "Dockerfile"
"""What the Dockerfile is called beside the context."""

CALLS = ("/moby.filesync.v1.FileSync/DiffCopy",)
"""What the engine may ask for, beside the health of the session."""

HEALTHY = number_field(1, 1)
"""`SERVING`: https://github.com/grpc/grpc/blob/master/doc/health-checking.md"""

DIRECTORY, LINK, SETUID, SETGID, STICKY = 1 << 31, 1 << 27, 1 << 23, 1 << 22, 1 << 20
"""Of Go's `os.FileMode`."""

NAMES_AT_ONCE = 500
CHUNK_BYTES = 256 * 1024

Sent = Callable[[int], None]
"""Called with how many bytes of content have gone."""


class Packet(IntEnum):
    """The kinds of fsutil's packets."""

    STAT = 0
    REQUEST = 1
    DATA = 2
    FINISHED = 3
    ERROR = 4


class BuildSession:
    """Offers a context and its Dockerfile to the engine.

    Args:
        context: whose Dockerfile is not among its files.
        sent: called with the progress.
    """

    def __init__(self, context: Context, sent: Sent) -> None:
        self.id = secrets.token_hex(16)
        self.failure: BuildError | None = None
        """Why the context could not be read."""
        self._context = context
        self._sent = sent

    @asynccontextmanager
    async def serving(self, api: DockerApi) -> AsyncIterator[None]:
        """Answer the engine's questions meanwhile.

        Raises:
            DockerApiError: the engine knows no sessions.
            EngineUnreachableError: it does not answer.
        """
        headers = [
            ("X-Docker-Expose-Session-Uuid", self.id),
            ("X-Docker-Expose-Session-Name", "pytilt"),
            # Files of an earlier build that look the same would be taken for the same.
            ("X-Docker-Expose-Session-Sharedkey", self.id),
            *(("X-Docker-Expose-Session-Grpc-Method", call) for call in CALLS),
        ]
        methods = {CALLS[0]: self._copy, "/grpc.health.v1.Health/Check": _check_health}
        try:
            async with (
                api.hijack("/session", protocol="h2c", headers=headers) as connection,
                asyncio.TaskGroup() as group,
            ):
                serving = group.create_task(_serve(GrpcServer(connection, methods)), name="build session")
                try:
                    yield
                finally:
                    serving.cancel()
        except ExceptionGroup as failures:  # of what was done meanwhile
            raise failures.exceptions[0] from None

    async def _copy(self, call: RemoteCall) -> None:
        wanted = call.headers.get("dir-name", [""])[0]
        only = {*call.headers.get("followpaths", ()), *call.headers.get("include-patterns", ())}
        try:
            if wanted == "context":
                await self._copy_context(call, ignore_file_only=only == {IGNORE_FILE})
            elif wanted == "dockerfile":
                await self._copy_dockerfile(call)
            else:
                raise GrpcError(f"there is no `{wanted}`")
        except BuildError as error:
            self.failure = self.failure or error
            raise GrpcError(error.message) from error

    async def _copy_dockerfile(self, call: RemoteCall) -> None:
        content = to_bytes(self._context.contents)
        await call.send(_stat(DOCKERFILE, 0o644, size=len(content)), _packet(Packet.STAT))

        def read(_: int) -> Iterator[bytes]:
            yield content

        await _contents(call, read, _nothing)

    async def _copy_context(self, call: RemoteCall, *, ignore_file_only: bool) -> None:
        files: dict[int, ContextEntry] = {}

        def described() -> Iterator[list[bytes]]:
            number, batch = 0, list[bytes]()
            for entry in context_entries(self._context):
                if ignore_file_only and entry.name != IGNORE_FILE:
                    continue
                if (found := _entry(entry)) is None:
                    continue
                if stat.S_ISREG(entry.info.st_mode):
                    files[number] = entry
                number += 1
                batch.append(found)
                if len(batch) == NAMES_AT_ONCE:
                    yield batch
                    batch = []
            yield [*batch, _packet(Packet.STAT)]

        def read(number: int) -> Iterator[bytes]:
            with readable(self._context), suppress(FileNotFoundError), Path(files[number].path).open("rb") as file:
                while data := file.read(CHUNK_BYTES):
                    yield data

        batches = described()
        while batch := await asyncio.to_thread(next, batches, None):
            await call.send(*batch)
        await _contents(call, read, self._sent)


async def _serve(server: GrpcServer) -> None:
    with suppress(EngineUnreachableError):  # the request of the build says what became of the engine
        await server.serve()


async def _check_health(call: RemoteCall) -> None:
    await call.send(HEALTHY)


async def _contents(call: RemoteCall, read: Callable[[int], Iterator[bytes]], sent: Sent) -> None:
    """Send the content of the files that the other side asks for, until it has all that it wants."""
    while messages := await call.receive():
        wanted: list[int] = []
        finished = False
        for kind, number, words in map(_read_packet, messages):
            if kind == Packet.REQUEST:
                wanted.append(number)
            elif kind == Packet.FINISHED:
                finished = True
            elif kind == Packet.ERROR:
                raise GrpcError(words.decode(errors="replace"))
        pieces = _data(wanted, read)
        while piece := await asyncio.to_thread(next, pieces, None):
            await call.send(*piece)
            sent(sum(map(len, piece)))
        if finished:
            await call.send(_packet(Packet.FINISHED))
            return


def _data(wanted: Sequence[int], read: Callable[[int], Iterator[bytes]]) -> Iterator[list[bytes]]:
    """The packets of some files, several small ones together; reads files, and so blocks."""
    batch, size = list[bytes](), 0
    for number in wanted:
        for data in read(number):
            batch.append(_packet(Packet.DATA, number, data))
            size += len(data)
            if size >= CHUNK_BYTES:
                yield batch
                batch, size = [], 0
        batch.append(_packet(Packet.DATA, number))  # its end
    if batch:
        yield batch


def _nothing(_: int) -> None: ...


def _read_packet(message: bytes) -> tuple[int, int, bytes]:
    """Kind, number of a file, words."""
    kind = number = 0
    words = b""
    try:
        for field, value, content in fields(message):
            match field:
                case 1:
                    kind = value
                case 3:
                    number = value
                case 4:
                    words = content
    except ValueError as error:
        raise GrpcError(str(error)) from error
    return kind, number, words


def _packet(kind: Packet, number: int = 0, data: bytes = b"") -> bytes:
    return number_field(1, kind) + number_field(3, number) + bytes_field(4, data)


def _entry(entry: ContextEntry) -> bytes | None:
    """What there is under a name; None where it is no file, directory or link, or gone."""
    mode, link = stat.S_IMODE(entry.info.st_mode), ""
    for bit, go in ((stat.S_ISUID, SETUID), (stat.S_ISGID, SETGID), (stat.S_ISVTX, STICKY)):
        if mode & bit:
            mode = mode & ~bit | go
    size = 0
    if stat.S_ISDIR(entry.info.st_mode):
        mode |= DIRECTORY
    elif stat.S_ISLNK(entry.info.st_mode):
        mode |= LINK
        try:
            link = os.readlink(entry.path)  # noqa: PTH115 - keeps a "./"
        except FileNotFoundError:
            return None
    elif stat.S_ISREG(entry.info.st_mode):
        size = entry.info.st_size
    else:
        return None
    # Whole seconds, as in a tar: so an image does not depend on how its context was sent.
    return _stat(entry.name, mode, size=size, changed=int(entry.info.st_mtime) * 10**9, link=link)


def _stat(name: str, mode: int, *, size: int, changed: int = 0, link: str = "") -> bytes:
    found = (
        bytes_field(1, to_bytes(name))
        + number_field(2, mode)
        + number_field(5, size)
        + number_field(6, max(0, changed))
        + bytes_field(7, to_bytes(link))
    )
    return bytes_field(2, found)
