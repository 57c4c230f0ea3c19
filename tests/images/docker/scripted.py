"""An engine that answers as it is seen, for what a real one cannot be made to do."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from pytilt.settings import Settings

VERSION = b'{"Version":"27.0","ApiVersion":"1.46","Os":"linux","Arch":"amd64"}'


class Asked(NamedTuple):
    method: str
    target: str
    headers: Mapping[str, str]


class ScriptedEngine:
    """Answers each path with the next of its bodies, again with the last one; `status body` for other than 200."""

    def __init__(self, answers: Mapping[str, list[bytes]]) -> None:
        self._answers = {"/_ping": [b"OK"], "/version": [VERSION], **answers}
        self.asked: list[Asked] = []

    def targets(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.target.startswith(path)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        if headers.get("transfer-encoding") == "chunked":
            while size := int(await reader.readline(), 16):
                await reader.readexactly(size + 2)
            await reader.readline()
        self.asked.append(Asked(method, target, headers))
        status, body = self._answer(target)
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()
        writer.close()

    def _answer(self, target: str) -> tuple[int, bytes]:
        for path, bodies in self._answers.items():
            if target.partition("?")[0].startswith(path):
                body = bodies.pop(0) if len(bodies) > 1 else bodies[0]
                return (int(body[:3]), body[4:]) if body[:3].isdigit() else (200, body)
        return 404, b'{"message":"No such image"}'


@asynccontextmanager
async def scripted(folder: Path, answers: Mapping[str, list[bytes]]) -> AsyncIterator[tuple[ScriptedEngine, Settings]]:
    """Serve on a socket in a folder; the settings name it."""
    engine = ScriptedEngine(answers)
    environ = {"DOCKER_HOST": f"unix://{folder}/engine.sock", "HOME": str(folder), "PATH": "/usr/bin:/bin"}
    async with await asyncio.start_unix_server(engine.serve, str(folder / "engine.sock")):
        yield engine, Settings.from_environment(environ)
