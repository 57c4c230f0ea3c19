"""Each is started both ways: in the working directory of the tests, and in another one."""

import os
import subprocess  # noqa: TID251 - a program is run here that inherits more than tests do
import sys
from pathlib import Path

import pytest

from pytilt.host.processes import HostRunner, ProcessRequest, guardian

DIRECTORIES = pytest.mark.parametrize("directory", [str(Path.cwd()), "/"], ids=["here", "elsewhere"])
PATH = (("PATH", os.defpath),)

INHERITING = """
import asyncio, os, sys
from pytilt.host.processes import HostRunner, ProcessRequest

async def main():
    argv, env = ("sh", "-c", f"echo hidden >&{sys.argv[1]}"), (("PATH", os.defpath),)
    request = ProcessRequest(argv=argv, dir=os.getcwd(), env=env)
    async with HostRunner() as runner:
        print((await runner.run(request, lambda _: None)).exit_status)

asyncio.run(main())
"""


async def outcome(script: str, directory: str, env: tuple[tuple[str, str], ...] = PATH) -> tuple[int, str]:
    """The exit status and the output of a script."""
    pieces: list[bytes] = []
    async with HostRunner() as runner:
        request = ProcessRequest(argv=("sh", "-c", script), dir=directory, env=env)
        found = await runner.run(request, pieces.append)
    return found.exit_status, b"".join(pieces).decode()


@DIRECTORIES
async def test_a_process_runs_where_it_should_and_sees_its_own_environment(directory: str):
    script = 'echo "$(pwd) $A"; echo error >&2; exit 3'
    assert await outcome(script, directory, (*PATH, ("A", "ü b"))) == (3, f"{directory} ü b\nerror\n")


@DIRECTORIES
async def test_a_process_leads_a_session_and_ignores_no_signal(directory: str):
    script = 'test "$(cut -d " " -f 6 /proc/$$/stat)" = $$ && kill -PIPE $$'
    assert (await outcome(script, directory))[0] == -13


@DIRECTORIES
async def test_a_process_has_nothing_open_but_its_standard_streams(directory: str):
    status, text = await outcome("ls /proc/$$/fd", directory)
    assert (status, set(text.split()) - {"10"}) == (0, {"0", "1", "2"})  # a shell may keep a copy of its own


def test_what_the_session_has_inherited_is_not_passed_on():
    read_end, write_end = os.pipe()
    environ = {"PATH": os.defpath, "PYTHONPATH": str(Path(guardian.__file__).parents[3])}
    argv = [sys.executable, "-c", INHERITING, str(write_end)]
    ended = subprocess.run(argv, env=environ, pass_fds=[write_end], capture_output=True, text=True, check=True)
    os.close(write_end)
    assert (int(ended.stdout) != 0, os.read(read_end, 100)) == (True, b"")
    os.close(read_end)
