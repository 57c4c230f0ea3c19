"""A proxy in a few lines."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class TunnellingProxy:
    """A proxy that opens tunnels to this machine, whatever host is asked for."""

    def __init__(self, answer: str = "200 Connection established") -> None:
        self.port = 0
        self.asked: list[str] = []
        self._answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head)
        writer.write(f"HTTP/1.1 {self._answer}\r\n\r\n".encode())
        if self._answer.startswith("200"):
            port = int(head.split()[1].rpartition(":")[2])
            there, back = await asyncio.open_connection("127.0.0.1", port)
            with suppress(ConnectionError):
                async with asyncio.TaskGroup() as group:
                    group.create_task(pipe(reader, back))
                    group.create_task(pipe(there, writer))
        writer.close()


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(1000):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def proxy(
    answer: str = "200 Connection established", tls: ssl.SSLContext | None = None
) -> AsyncIterator[TunnellingProxy]:
    made = TunnellingProxy(answer)
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made
