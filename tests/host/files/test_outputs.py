import asyncio
import sys
from pathlib import Path

import pytest

from pytilt.host.processes import HostRunner, ProcessRequest

PROGRAM = "from pytilt.host.files.outputs import own_outputs; print(own_outputs(), flush=True)"


async def run(folder: str, redirected: str) -> bytes:
    return await shell(folder, f'exec "$0" -c "$1" {redirected}')


async def shell(folder: str, script: str) -> bytes:
    """Run a script of the shell that runs the program as `"$0" -c "$1"`."""
    said: list[bytes] = []
    async with HostRunner() as runner:
        words = ("sh", "-c", script, sys.executable, PROGRAM)
        assert (await runner.run(ProcessRequest(argv=words, dir=folder), said.append)).exit_status == 0
    return b"".join(said)


def test_files_into_which_is_printed_are_known_and_nothing_else(tmp_path: Path):
    out, err = tmp_path / "out", tmp_path / "err"
    asyncio.run(run(str(tmp_path), "> out 2>&1"))
    assert out.read_text() == f"('{out}',)\n"
    asyncio.run(run(str(tmp_path), "> out 2> err"))
    assert out.read_text() == f"('{out}', '{err}')\n"
    assert asyncio.run(run(str(tmp_path), "2> /dev/null")) == b"()\n"


@pytest.mark.skipif(sys.platform != "linux", reason="nobody says who reads a pipe")
def test_files_that_the_programs_behind_a_pipe_write_are_known_too(tmp_path: Path):
    log = tmp_path / "up.log"
    piped = '{ sleep 0.2; exec "$0" -c "$1"; } 2>&1'  # until the others have opened their files
    for behind in ("tee up.log", "cat | tee up.log", "cat > up.log"):
        asyncio.run(shell(str(tmp_path), f"{piped} | {behind}"))
        assert log.read_text() == f"('{log}',)\n"


@pytest.mark.skipif(sys.platform != "linux", reason="nobody says who reads a pipe")
def test_what_a_program_beside_the_pipe_writes_is_another_matter(tmp_path: Path):
    beside = 'sleep 2 > other & { sleep 0.2; exec "$0" -c "$1"; }'
    assert asyncio.run(shell(str(tmp_path), f"{beside} | cat")) == b"()\n"
