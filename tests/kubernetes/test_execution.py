import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol
from websockets.utils import accept_key

from pytilt.cluster.seam import ContainerRef
from pytilt.errors import NodeUnreachableError, SyncError
from pytilt.host.processes import HostRunner
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.execution import PROTOCOLS, exit_status, refused, run
from pytilt.kubernetes.failures import Failure
from tests.kubernetes.api_server import ApiServer, connection, status

REF = ContainerRef(namespace="default", pod="web", container="main")


def outcome(text: str = "Success", reason: str = "", code: str = "") -> bytes:
    causes = [{"reason": "ExitCode", "message": code}] if code else []
    return json.dumps({"status": text, "reason": reason, "message": "m", "details": {"causes": causes}}).encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (outcome(), 0),
        (outcome("Failure", "NonZeroExitCode", "137"), 137),
        (outcome("Failure", "InternalError"), "m"),
        (b"broken", "broken"),
    ],
)
def test_the_last_message_says_how_a_command_ended(data, expected):
    found = exit_status(data)
    assert (found.message if isinstance(found, Failure) else found) == expected


def test_a_command_that_the_image_does_not_have_is_named():
    error = refused(REF, ["bash"], Failure(message='exec: "bash": executable file not found in $PATH: unknown'))
    assert error.message == "container `main` of pod `web` has no command `bash`"


@pytest.mark.parametrize(
    "message",
    [
        'error sending request: Post "https://10.0.0.2/exec/a/b/c?command=very+long": dial tcp 10.0.0.2: i/o timeout',
        "error dialing backend: dial tcp 10.0.0.2: i/o timeout",
    ],
)
def test_a_node_that_does_not_answer_is_named_without_the_command(message):
    error = refused(REF, ["sh", "-c", "very long"], Failure(code=500, message=message))
    assert isinstance(error, NodeUnreachableError)
    assert error.message == "the node of pod `web` does not answer: dial tcp 10.0.0.2: i/o timeout"
    assert error.hint is None


Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def websocket_api(handler: Handler, protocols: Sequence[str]) -> AsyncIterator[KubernetesApi]:
    """The API of a server that speaks WebSocket only."""
    names = [Subprotocol(name) for name in protocols]
    async with serve(handler, "127.0.0.1", 0, subprotocols=names) as server, HostRunner() as runner:
        port = next(iter(server.sockets)).getsockname()[1]
        async with KubernetesApi(connection(port), runner) as api:
            yield api


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_every_version_of_the_channels_is_spoken(protocol):
    seen: list[bytes] = []
    closed = asyncio.Event()

    async def echo(socket: ServerConnection) -> None:
        await socket.send(b"\x01")  # servers announce every channel by an empty message
        seen.append(await socket.recv(decode=False))
        await socket.send(b"\x02oops")
        await socket.send(b"\x01" + seen[0][1:])
        seen.extend([message async for message in socket if isinstance(message, bytes)])
        closed.set()

    async with websocket_api(echo, [protocol]) as api:
        async with run(api, REF, ["cat", "-"]) as stream:
            await stream.send(b"hello")
            assert [await stream.receive(), await stream.receive()] == [(2, b"oops"), (1, b"hello")]
        await closed.wait()
    assert seen == [b"\x00hello", *([b"\xff\x00"] if protocol == PROTOCOLS[0] else [])]


async def test_a_command_ends_with_its_status():
    async def fail(socket: ServerConnection) -> None:
        await socket.send(b"\x01out")
        await socket.send(b"\x03" + outcome("Failure", "NonZeroExitCode", "3"))

    async with websocket_api(fail, PROTOCOLS) as api, run(api, REF, ["false"]) as stream:
        assert await stream.receive() == (1, b"out")
        with pytest.raises(EOFError):
            await stream.receive()
        assert stream.exit_status == 3
        with pytest.raises(EOFError):
            await stream.receive()
        with pytest.raises(SyncError, match="has ended"):
            await stream.send(b"more")


async def test_a_connection_that_breaks_leaves_the_status_unknown():
    async def vanish(socket: ServerConnection) -> None:
        socket.transport.abort()

    async with websocket_api(vanish, PROTOCOLS) as api, run(api, REF, ["cat"]) as stream:
        with pytest.raises(EOFError):
            await stream.receive()
        assert stream.exit_status is None


async def test_a_command_may_have_ended_before_its_connection_is_used():
    async def serve_all_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key"))
        writer.write(
            b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {accept_key(key.decode())}\r\n".encode()
            + f"Sec-WebSocket-Protocol: {PROTOCOLS[0]}\r\n\r\n".encode()
        )
        last = b"\x03" + outcome()
        writer.write(bytes((0x82, len(last))) + last + b"\x88\x00")
        writer.close()

    server = await asyncio.start_server(serve_all_at_once, "127.0.0.1", 0)
    async with server, HostRunner() as runner:
        port = server.sockets[0].getsockname()[1]
        async with KubernetesApi(connection(port), runner) as api, run(api, REF, ["true"]) as stream:
            with pytest.raises(EOFError):
                await stream.receive()
            assert stream.exit_status == 0


async def test_a_pod_that_is_gone_is_named(server: ApiServer, api: KubernetesApi):
    server.on("GET", "/api/v1/namespaces/default/pods/web/exec", status(404, "NotFound", 'pods "web" not found'))
    with pytest.raises(SyncError, match='cannot run `ls` in container `main` of pod `web`: pods "web" not found'):
        async with run(api, REF, ["ls"]):
            pass
