"""An API server in a few lines: it answers as the test wrote down, and keeps what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pytilt.host.processes import HostRunner
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.connection import Connection, Credentials
from pytilt.model.base import Value


class Asked(Value):
    """A request."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Reply(Value):
    """What is answered."""

    status: int = 200
    body: Any = None
    """JSON, or bytes as they are."""
    headers: tuple[str, ...] = ()
    """Beside the length of the body."""
    pieces: tuple[Any, ...] | None = None
    """Instead of a body: lines of JSON, or bytes, one by one."""
    then: str = "end"
    """After the pieces: `end`, `cut` the connection within the answer, or `hold` it open."""


def status(code: int, reason: str = "", message: str = "no", **details: Any) -> Reply:
    body = {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}
    return Reply(status=code, body={**body, "details": details} if details else body)


class ApiServer:
    """Answers by method and path; of several answers each is given once, the last one for ever."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[Asked] = []
        self._replies: dict[tuple[str, str], list[Reply]] = {}
        self._watches: dict[str, list[Reply]] = {}

    def on(self, method: str, path: str, *replies: Reply) -> None:
        self._replies[method, path] = list(replies)

    def on_watch(self, path: str, *replies: Reply) -> None:
        self._watches[path] = list(replies)

    def of(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._answer(reader, writer):
                    pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        asked = await _read(reader)
        self.asked.append(asked)
        return await _write(writer, self._reply(asked))

    def _reply(self, asked: Asked) -> Reply:
        watching = asked.params.get("watch") == "true"
        replies = (self._watches.get(asked.path) if watching else self._replies.get((asked.method, asked.path))) or []
        if not replies:
            return status(404, "NotFound", "the server could not find the requested resource")
        return replies.pop(0) if len(replies) > 1 else replies[0]


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    return Asked(method=method, path=parts.path, params=dict(parse_qsl(parts.query)), headers=headers, body=body)


async def _write(writer: asyncio.StreamWriter, reply: Reply) -> bool:
    if reply.pieces is None:
        body = _bytes(reply.body)
        lines = [f"HTTP/1.1 {reply.status} X", f"Content-Length: {len(body)}", *reply.headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()
        return True
    writer.write(f"HTTP/1.1 {reply.status} X\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for piece in reply.pieces:
        data = piece if isinstance(piece, bytes) else _bytes(piece) + b"\n"
        writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await writer.drain()
    if reply.then == "hold":
        await asyncio.Event().wait()
    if reply.then == "end":
        writer.write(b"0\r\n\r\n")
        await writer.drain()
    return reply.then == "end"


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


@asynccontextmanager
async def api_server() -> AsyncIterator[ApiServer]:
    answering = ApiServer()
    async with asyncio.TaskGroup() as tasks:
        running: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(
            lambda r, w: running.add(tasks.create_task(answering.serve(r, w))), "127.0.0.1", 0
        )
        answering.port = server.sockets[0].getsockname()[1]
        try:
            yield answering
        finally:
            server.close()
            for task in running:
                task.cancel()


def connection(port: int, credentials: Credentials | None = None) -> Connection:
    return Connection(
        context="test",
        namespace="default",
        cluster="test",
        server=f"http://127.0.0.1:{port}",
        credentials=credentials or Credentials(user="me", token="t"),
    )


@asynccontextmanager
async def api_of(server: ApiServer, credentials: Credentials | None = None) -> AsyncIterator[KubernetesApi]:
    async with HostRunner() as runner, KubernetesApi(connection(server.port, credentials), runner) as api:
        yield api
