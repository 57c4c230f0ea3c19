import asyncio
import os
import socket

import httpx
import pytest

from pytilt.errors import UserError
from pytilt.server.binding import bind, first_client
from tests.server.sessions import PLAIN, TOKEN, Served


async def test_a_taken_port_names_its_holder_and_says_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(UserError, match=f"already have another process on port {port}") as caught:
            await bind("127.0.0.1", port)
    assert f"(process {os.getpid()})" in caught.value.message
    assert "--port" in (caught.value.hint or "")


async def test_a_port_that_was_just_left_can_be_taken(tmp_path):
    served = Served(tmp_path)
    async with served.listening() as port, httpx.AsyncClient(verify=PLAIN) as client:
        await client.get(f"http://127.0.0.1:{port}/")
    with await bind("127.0.0.1", port) as listener:
        assert listener.getsockname()[1] == port
    served.logs.close()


async def test_a_reader_that_follows_does_not_keep_the_session(tmp_path):
    served = Served(tmp_path)
    reading = asyncio.Event()

    async def follow(port: int) -> None:
        async with (
            httpx.AsyncClient(headers={"x-tilt-token": TOKEN}, verify=PLAIN) as client,
            client.stream("GET", f"http://127.0.0.1:{port}/apis/tilt.dev/v1alpha1/uiresources?watch=1") as answer,
        ):
            async for _ in answer.aiter_lines():
                reading.set()

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        async with served.listening() as port:
            reader = group.create_task(_ignoring_the_end(follow(port)))
            await reading.wait()
        await reader
    served.logs.close()


async def _ignoring_the_end(reading) -> None:
    try:
        await reading
    except httpx.HTTPError:
        return


async def test_a_client_that_comes_before_the_server_is_answered_by_it():
    with await bind("127.0.0.1", 0) as listener:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(first_client(listener))
            await asyncio.sleep(0.01)
            assert not waiting.done()
            _, writer = await asyncio.open_connection(*listener.getsockname())
        accepted, _ = listener.accept()
        accepted.close()
        writer.close()
