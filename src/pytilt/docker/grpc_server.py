"""A gRPC server for the one client at the other end of a connection: BuildKit asks its clients that way.

The protocol: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from urllib.parse import quote

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import H2Error, ProtocolError

from pytilt.docker.api import DuplexStream

PREFIX_BYTES = 5
"""Before a message: whether it is compressed, and its length."""

LONGEST_MESSAGE = 16 * 1024 * 1024
"""gRPC's own limit for what is received is 4 MB."""

OK, UNKNOWN, UNIMPLEMENTED = 0, 2, 12
"""Of gRPC's statuses: https://grpc.io/docs/guides/status-codes/"""


class GrpcError(Exception):
    """A call fails with these words."""


class RemoteCall:
    """One call: its headers, the messages of the client, and those for it."""

    def __init__(self, server: "GrpcServer", stream: int, headers: Mapping[str, list[str]]) -> None:
        self.headers = headers
        self._server = server
        self._stream = stream
        self._received = bytearray()
        self._arrived = asyncio.Event()
        self._ended = False

    async def receive(self) -> list[bytes]:
        """The next messages, all that have come; empty after the last one.

        Raises:
            GrpcError: these are none.
        """
        while not (messages := list(self._messages())) and not self._ended:
            self._arrived.clear()
            await self._arrived.wait()
        return messages

    async def send(self, *messages: bytes) -> None:
        """Send messages, as soon as the client takes them."""
        framed = [part for each in messages for part in (b"\0" + len(each).to_bytes(4, "big"), each)]
        await self._server.send(self._stream, b"".join(framed))

    def _messages(self) -> Iterator[bytes]:
        while len(self._received) >= PREFIX_BYTES:
            length = int.from_bytes(self._received[1:PREFIX_BYTES], "big")
            if self._received[0] or length > LONGEST_MESSAGE:
                raise GrpcError("a message is compressed or too long")
            if len(self._received) < PREFIX_BYTES + length:
                return
            yield bytes(self._received[PREFIX_BYTES : PREFIX_BYTES + length])
            del self._received[: PREFIX_BYTES + length]

    def feed(self, data: bytes) -> None:
        """Take a part of the client's messages."""
        self._received += data
        self._arrived.set()

    def end(self) -> None:
        """The client has said all."""
        self._ended = True
        self._arrived.set()


Method = Callable[[RemoteCall], Awaitable[None]]
"""Answers a call; raises GrpcError where it cannot."""


class GrpcServer:
    """Serves until the connection ends.

    Args:
        connection: to the client.
        methods: by their paths, as `/grpc.health.v1.Health/Check`.
    """

    def __init__(self, connection: DuplexStream, methods: Mapping[str, Method]) -> None:
        self._connection = connection
        self._methods = methods
        self._http = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self._calls: dict[int, RemoteCall] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._more_room = asyncio.Event()
        self._writing = asyncio.Lock()

    async def serve(self) -> None:
        """Answer calls; returns when the client has closed the connection.

        Raises:
            EngineUnreachableError: the connection broke.
        """
        self._http.initiate_connection()
        await self._flush()
        async with asyncio.TaskGroup() as group:
            while data := await self._connection.receive():
                try:
                    happened = self._http.receive_data(data)
                except ProtocolError:
                    await self._flush()  # says why
                    break
                for event in happened:
                    self._handle(event, group)
                await self._flush()
            for task in self._tasks.values():
                task.cancel()

    async def send(self, stream: int, data: bytes) -> None:
        """Send data of a call, as far as the client makes room for it."""
        view = memoryview(data)
        while view:
            room = min(self._http.local_flow_control_window(stream), self._http.max_outbound_frame_size)
            if room <= 0:
                self._more_room.clear()
                await self._more_room.wait()
                continue
            self._http.send_data(stream, bytes(view[:room]))
            view = view[room:]
            await self._flush()

    def _handle(self, event: events.Event, group: asyncio.TaskGroup) -> None:
        match event:
            case events.RequestReceived():
                self._begin(event, group)
            case events.DataReceived():
                self._http.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
                if call := self._calls.get(event.stream_id or 0):
                    call.feed(event.data or b"")
            case events.StreamEnded():
                if call := self._calls.get(event.stream_id or 0):
                    call.end()
            case events.StreamReset():
                if task := self._tasks.get(event.stream_id or 0):
                    task.cancel()
            case events.WindowUpdated() | events.RemoteSettingsChanged():
                self._more_room.set()

    def _begin(self, event: events.RequestReceived, group: asyncio.TaskGroup) -> None:
        headers: dict[str, list[str]] = {}
        for name, value in event.headers or ():
            headers.setdefault(_text(name), []).append(_text(value))
        stream = event.stream_id or 0
        call = self._calls[stream] = RemoteCall(self, stream, headers)
        path = headers.get(":path", [""])[0]
        self._tasks[stream] = group.create_task(self._answer(stream, call, path), name=f"call of {path}")

    async def _answer(self, stream: int, call: RemoteCall, path: str) -> None:
        status, message = OK, ""
        try:
            method = self._methods.get(path)
            self._http.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
            await self._flush()
            if method is None:
                status, message = UNIMPLEMENTED, f"unknown method {path}"
            else:
                await method(call)
        except GrpcError as error:
            status, message = UNKNOWN, str(error)
        except H2Error:  # the client has given the call up
            return
        finally:
            del self._calls[stream], self._tasks[stream]
        trailers = [("grpc-status", str(status)), *([("grpc-message", quote(message, safe=" "))] if message else [])]
        try:
            self._http.send_headers(stream, trailers, end_stream=True)
        except H2Error:
            return
        await self._flush()

    async def _flush(self) -> None:
        async with self._writing:
            if data := self._http.data_to_send():
                await self._connection.send(data)


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
