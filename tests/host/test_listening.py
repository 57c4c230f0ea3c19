import asyncio
import os
import resource
import socket

import pytest

from pytilt.host.listening import PortListener
from pytilt.host.ports import free_port, is_free
from tests.idle import eventually


async def test_it_accepts_on_all_addresses_of_a_host_until_it_is_closed():
    accepted: list[socket.socket] = []
    port = free_port("localhost")
    listener = await PortListener.open("localhost", port, accepted.append)
    with pytest.raises(OSError, match="in use"):
        await PortListener.open("localhost", port, accepted.append)
    clients = [socket.create_connection(("localhost", port)) for _ in listener.descriptors]
    await eventually(lambda: len(accepted) == len(clients))
    listener.close()
    listener.resume()
    assert is_free(port)
    for each in (*clients, *accepted):
        each.close()


async def test_what_comes_in_a_pause_waits_for_whoever_accepts():
    accepted: list[socket.socket] = []
    listener = await PortListener.open("127.0.0.1", 0, accepted.append)
    listener.pause()
    with socket.socket(fileno=os.dup(listener.descriptors[0])) as copy:
        clients = [socket.create_connection(copy.getsockname()) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert not accepted
        with copy.accept()[0] as other:
            listener.take(other)
            assert accepted == [other]
    listener.resume()
    await eventually(lambda: len(accepted) == 2)
    listener.close()
    for each in (*clients, *accepted):
        each.close()


async def test_where_there_is_no_room_for_another_connection_it_is_tried_again():
    accepted: list[socket.socket] = []
    listener = await PortListener.open("127.0.0.1", 0, accepted.append)
    with socket.socket(fileno=os.dup(listener.descriptors[0])) as copy:
        client = socket.create_connection(copy.getsockname())
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno(), hard))
        try:
            await asyncio.sleep(0.01)
            assert not accepted
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    listener.resume()
    await eventually(lambda: accepted)
    listener.close()
    for each in (client, *accepted):
        each.close()
