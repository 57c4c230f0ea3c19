"""The session's end of the socket by which port forwards are granted to the helper; the other end is the test's."""

import asyncio
import os
import select
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from pytilt.host.listening import PortListener
from pytilt.liveupdate.carrying import Carrier
from tests.idle import eventually


class OtherEnd:
    """What the helper does."""

    def __init__(self, carrier: Carrier) -> None:
        self.socket = socket.socket(fileno=os.dup(carrier.descriptor))
        self.socket.settimeout(5)
        self.killed = False
        self.carrier = carrier
        carrier.begin(self.kill)

    def kill(self) -> None:
        self.killed = True
        self.socket.close()

    def take(self) -> tuple[int, tuple[int, ...], list[socket.socket]]:
        message, descriptors, _, _ = socket.recv_fds(self.socket, 128, 4)
        fields = struct.unpack(">BIIHI" if len(message) > 5 else ">BI", message[:15])
        return fields[0], (*fields[1:], *message[15:]), [socket.socket(fileno=each) for each in descriptors]

    def said(self) -> bool:
        return bool(select.select([self.socket], [], [], 0)[0])

    def say(self, kind: bytes, number: int, *sockets: socket.socket) -> None:
        socket.send_fds(self.socket, [struct.pack(">cI", kind, number)], [each.fileno() for each in sockets])


class Port:
    """A listener, those whom it has accepted, and its clients."""

    def __init__(self) -> None:
        self.accepted: list[socket.socket] = []
        self.listening = socket.socket()
        self.listening.bind(("127.0.0.1", 0))
        self.listener = PortListener([self.listening], self.accepted.append)
        self.listener.resume()
        self.clients: list[socket.socket] = []

    def connect(self) -> socket.socket:
        self.clients.append(socket.create_connection(self.listening.getsockname(), timeout=5))
        return self.clients[-1]

    def close(self) -> None:
        self.listener.close()
        for each in (*self.clients, *self.accepted):
            each.close()


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    carrier = Carrier(patience=0.05, look=0.02)
    yield carrier
    assert carrier.descriptor < 0, "it was not closed"


@pytest.fixture
async def other(carrier: Carrier) -> AsyncIterator[OtherEnd]:
    other = OtherEnd(carrier)
    with other.socket:
        yield other
    carrier.close()


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    port = Port()
    yield port
    port.close()


async def test_while_a_grant_holds_only_the_helper_accepts(carrier, other, port):
    grant = carrier.grant(port.listener, follower=3, port=8000, address="a:1")
    assert grant is not None
    kind, fields, [copy] = other.take()
    assert (kind, fields) == (ord("g"), (1, 3, 8000, 3, *b"a:1"))
    with copy:
        assert copy.getsockname() == port.listening.getsockname()
    port.connect()
    await asyncio.sleep(0.01)
    assert not port.accepted
    grant.revoke()
    grant.revoke()
    await eventually(lambda: port.accepted)
    assert other.take() == (ord("r"), (1,), [])
    other.say(b"r", 1)
    await grant.stopped()
    assert not grant.over
    grant.cut()
    assert other.take() == (ord("c"), (1,), [])
    other.say(b"e", 1)
    await eventually(lambda: grant.over)
    await asyncio.sleep(0.06)
    assert not other.killed


async def test_each_connection_goes_on_when_what_was_saved_before_it_is_there(carrier, other, port):
    waiting: list[Callable[[], object]] = []
    grant = carrier.grant(port.listener, follower=1, port=1, settle=waiting.append)
    assert grant is not None
    other.take()[2][0].close()
    other.say(b"w", 1)
    other.say(b"w", 7)  # of no grant
    await eventually(lambda: waiting)
    await asyncio.sleep(0.01)
    assert not other.said()
    waiting.pop()()
    assert not waiting
    assert other.take() == (ord("w"), (1,), [])


async def test_a_connection_that_comes_back_is_taken_unread_and_ends_the_grant(carrier, other, port):
    grant = carrier.grant(port.listener, follower=1, port=1)
    _, _, [copy] = other.take()
    for late in (False, True):
        client = port.connect()
        client.sendall(b"hello")
        with copy.accept()[0] as accepted:
            if late:  # it was being carried when the grant ended
                other.say(b"r", 1)
                await grant.stopped()
            other.say(b"b", 1, accepted)
        await eventually(lambda: port.accepted)
        with port.accepted.pop() as received:
            assert received.recv(10) == b"hello"
        assert not grant.holds
    copy.close()
    other.say(b"e", 1)
    await eventually(lambda: grant.over)


async def test_it_is_known_how_many_connections_have_come_back_and_how_many_have_not(carrier, other, port):
    grant = carrier.grant(port.listener, follower=1, port=1)
    assert grant is not None
    other.take()[2][0].close()
    for accepted, returned, carried in ((1, 0, 1), (0, 1, 0), (2, 1, 2), (0, 2, 1)):
        for _ in range(accepted):
            other.say(b"w", 1)
        if returned > grant.returned:
            with socket.socket() as back:
                other.say(b"b", 1, back)
        await eventually(lambda: (grant.returned, grant.carried) == (returned, carried))  # noqa: B023 - awaited here
    while port.accepted:
        port.accepted.pop().close()


async def test_a_connection_that_comes_back_too_late_is_reset(carrier, other, port):
    grant = carrier.grant(port.listener, follower=1, port=1)
    _, _, [copy] = other.take()
    clients = [port.connect(), port.connect()]
    with copy, copy.accept()[0] as first, copy.accept()[0] as second:
        port.listener.close()
        other.say(b"b", 1, first)
        other.say(b"e", 1)
        other.say(b"b", 1, second)
        await eventually(lambda: grant.over)
        await asyncio.sleep(0.01)
    for each in clients:
        with pytest.raises(ConnectionResetError):
            each.recv(1)


@pytest.mark.parametrize("ends", ["closed", "nonsense"])
async def test_with_the_helper_all_its_grants_end(carrier, other, port, ends):
    grant = carrier.grant(port.listener, follower=1, port=1)
    port.connect()
    if ends == "closed":
        other.socket.close()
    else:
        other.socket.send(b"nonsense")
    await eventually(lambda: port.accepted)
    await grant.stopped()
    assert grant.over
    assert not carrier.reads
    assert other.killed
    grant.revoke()
    grant.cut()
    carrier.close()
    assert carrier.grant(port.listener, follower=1, port=1) is None


async def test_a_helper_that_does_not_answer_to_a_revocation_is_ended(carrier, other, port):
    grant = carrier.grant(port.listener, follower=1, port=1)
    grant.revoke()
    await grant.stopped()
    assert other.killed


async def test_a_helper_that_leaves_connections_waiting_is_asked_and_ended_if_it_says_nothing(carrier, other, port):
    grant = carrier.grant(port.listener, follower=1, port=1)
    port.connect()
    other.take()[2][0].close()
    for _ in range(3):
        assert await asyncio.to_thread(other.take) == (ord("p"), (0,), [])
        other.say(b"p", 0)
    assert grant.holds
    await eventually(lambda: other.killed)
    await eventually(lambda: port.accepted)
    assert not grant.holds
