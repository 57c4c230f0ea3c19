import asyncio
import os
import signal

import pytest

from pytilt.errors import CommandError
from pytilt.host.processes import ProcessRequest, piped
from tests.host.processes.test_runner import PATH, Screen


def sh(script: str) -> ProcessRequest:
    return ProcessRequest(argv=("sh", "-c", script), dir="/", env=PATH)


async def test_what_is_written_is_read_however_much_it_is():
    screen = Screen()
    async with piped(sh("head -c 3000000 | wc -c; exec cat"), screen) as process:
        for _ in range(3):
            process.write(b"x" * 1_000_000)
        await screen.shows(b"3000000")
        process.write(b"more")
        await screen.shows(b"more")


async def test_it_ends_when_its_input_does():
    screen = Screen()
    async with piped(sh("cat; echo bye"), screen) as process:
        process.finish()
        await process.wait()
        process.write(b"too late")
    await screen.shows(b"bye")


async def test_what_does_not_end_is_killed():
    screen = Screen()
    async with piped(sh("echo $$; exec sleep 60"), screen) as process:
        await screen.shows(b"\n")
    await process.wait()
    with pytest.raises(ProcessLookupError):
        os.kill(int(screen.data), 0)


async def test_to_write_to_what_has_ended_does_nothing():
    async with piped(sh("exit 1"), Screen()) as process:
        await process.wait()
        for _ in range(3):
            process.write(b"x" * 200_000)
            await asyncio.sleep(0)


async def test_what_is_left_to_write_when_it_ends_is_dropped():
    screen = Screen()
    async with piped(sh("echo $$; exec sleep 60"), screen) as process:
        await screen.shows(b"\n")
        process.write(b"x" * 1_000_000)
        os.kill(int(screen.data), signal.SIGKILL)
        await process.wait()
        process.write(b"x")


async def test_what_cannot_be_started_is_explained():
    with pytest.raises(CommandError, match="was not found"):
        async with piped(ProcessRequest(argv=("/no/such/program",), dir="/"), Screen()):
            pass
