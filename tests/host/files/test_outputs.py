import asyncio
import sys
from pathlib import Path

from pytilt.host.processes import HostRunner, ProcessRequest

PROGRAM = "from pytilt.host.files.outputs import own_outputs; print(own_outputs(), flush=True)"


async def run(folder: str, redirected: str) -> bytes:
    said: list[bytes] = []
    async with HostRunner() as runner:
        words = ("sh", "-c", f'exec "$0" -c "$1" {redirected}', sys.executable, PROGRAM)
        assert (await runner.run(ProcessRequest(argv=words, dir=folder), said.append)).exit_status == 0
    return b"".join(said)


def test_files_into_which_is_printed_are_known_and_nothing_else(tmp_path: Path):
    out, err = tmp_path / "out", tmp_path / "err"
    asyncio.run(run(str(tmp_path), "> out 2>&1"))
    assert out.read_text() == f"('{out}',)\n"
    asyncio.run(run(str(tmp_path), "> out 2> err"))
    assert out.read_text() == f"('{out}', '{err}')\n"
    assert asyncio.run(run(str(tmp_path), "2> /dev/null")) == b"()\n"
