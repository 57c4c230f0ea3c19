"""The session's end of the socket by which connections are handed over; the other end is the test's."""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Iterator

import pytest

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
        self.carrier.close()

    def take(self) -> tuple[tuple[int, ...], list[int]]:
        message, descriptors, _, _ = socket.recv_fds(self.socket, 64, 1)
        return struct.unpack(">IIIH" if len(message) > 4 else ">I", message), descriptors

    def answer(self, number: int, *, taken: bool) -> None:
        self.socket.send(struct.pack(">I?", number, taken))


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    carrier = Carrier(seconds=0.05)
    yield carrier
    assert carrier.descriptor < 0, "it was not closed"


@pytest.fixture
async def other(carrier: Carrier) -> AsyncIterator[OtherEnd]:
    other = OtherEnd(carrier)
    with other.socket:
        yield other


@pytest.fixture
def client() -> Iterator[int]:
    with socket.socket() as client:
        yield client.fileno()


async def test_a_connection_is_taken_over_or_not_as_the_helper_says(carrier, client, other):
    for number, taken in ((1, True), (2, False)):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(carrier.take_over(client, follower=3, port=8000, group=4))
            await asyncio.sleep(0)
            fields, descriptors = other.take()
            assert fields == (number, 3, 4, 8000)
            assert os.fstat(descriptors[0]).st_ino == os.fstat(client).st_ino
            os.close(descriptors[0])
            other.answer(number, taken=taken)
        assert task.result() is taken
    carrier.cut(4)
    assert other.take() == ((4,), [])
    carrier.close()


async def test_what_the_helper_has_not_answered_for_when_it_ends_is_not_taken(carrier, client, other):
    async with asyncio.TaskGroup() as group:
        task = group.create_task(carrier.take_over(client, follower=1, port=1, group=1))
        await asyncio.sleep(0)
        other.socket.close()
        carrier.close()
    assert not task.result()
    assert not await carrier.take_over(client, follower=1, port=1, group=1)
    carrier.cut(1)


async def test_a_helper_that_does_not_answer_is_killed_before_somebody_else_carries_the_connection(
    carrier, client, other
):
    assert not await carrier.take_over(client, follower=1, port=1, group=1)
    assert other.killed


async def test_a_connection_that_nobody_wants_any_more_is_broken_once_it_is_taken(carrier, client, other):
    async with asyncio.TaskGroup() as group:
        task = group.create_task(carrier.take_over(client, follower=1, port=1, group=9))
        await asyncio.sleep(0)
        fields, descriptors = other.take()
        os.close(descriptors[0])
        task.cancel()
    other.answer(fields[0], taken=True)
    assert await asyncio.to_thread(other.take) == ((9,), [])
    carrier.close()


async def test_an_answer_that_no_helper_gives_is_the_last(carrier, other):
    other.socket.send(b"nonsense")
    await eventually(lambda: not carrier.reads)
    carrier.close()
