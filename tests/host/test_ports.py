import os
import socket

import pytest

from pytilt.host.ports import OWN_PORTS, PortHolder, free_port, holder_of, is_free


def test_a_free_port_is_free():
    assert is_free(free_port())


def test_a_free_port_is_none_that_a_connection_could_have():
    assert all(free_port("127.0.0.1") in OWN_PORTS for _ in range(5))


def test_no_port_of_an_unknown_host_is_found():
    with pytest.raises(OSError, match="attempting to bind"):
        free_port("no-such-host.invalid")


def test_a_port_on_which_somebody_listens_is_not_free():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_an_unknown_host_has_no_free_ports():
    assert not is_free(80, "no-such-host.invalid")


async def test_who_holds_a_port_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        holder = await holder_of(server.getsockname()[1])
    assert isinstance(holder, PortHolder)
    assert holder.pid == os.getpid()
    assert holder.name


async def test_nobody_holds_a_free_port():
    assert await holder_of(free_port()) is None
