import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pytilt.errors import UserError
from pytilt.store.scanner_pool import PatternTooCostlyError, ScannerPool, StalePieceError

ENDLESS = "(a+)+$", b"a" * 40 + b"b\n"


@pytest.fixture
async def pool() -> AsyncIterator[ScannerPool]:
    async with ScannerPool() as made:
        yield made


async def test_workers_find_lines_in_files_and_in_memory(pool: ScannerPool, tmp_path: Path):
    path = tmp_path / "log"
    path.write_bytes(b"x\na needle\n")
    state = path.stat()
    file = (str(path), state.st_dev, state.st_ino, 2, 11)
    assert pool.pids == ()
    scans = [pool.scan("needle", (file, b"c\nneedle\n" * each)) for each in range(20)]
    found = await asyncio.gather(*scans)
    assert [len(each.begins) for each in found] == [1, *range(2, 21)]
    assert [*found[1].begins] == [0, 11]
    assert 1 <= len(pool.pids) <= pool.ahead


async def test_what_is_wrong_with_a_request_is_said(pool: ScannerPool, tmp_path: Path):
    with pytest.raises(UserError, match="`\\(` is no regular expression: missing \\), unterminated subpattern"):
        await pool.scan("(", ())
    with pytest.raises(StalePieceError):
        await pool.scan("a", ((str(tmp_path / "gone"), 0, 0, 0, 9),))
    assert [*(await pool.scan("a", (b"b\na\n",))).begins] == [2]


async def test_a_pattern_that_would_take_years_ends_with_a_reason_and_what_waits_behind_it_goes_on(
    pool: ScannerPool,
):
    text, data = ENDLESS
    endless = pool.scan(text, (data,))
    others = [pool.scan("a", (b"a\n",)) for _ in range(pool.ahead * 2)]
    with pytest.raises(PatternTooCostlyError, match=r"\(a\+\)\+\$"):
        await endless
    assert [len(each.begins) for each in await asyncio.gather(*others)] == [1] * len(others)


async def test_a_pattern_that_would_take_all_memory_ends_with_a_reason(pool: ScannerPool):
    with pytest.raises(PatternTooCostlyError, match="takes too much memory"):
        await pool.scan("(a|ab)*$", (b"ab" * 10_000_000 + b"\n",))
    assert [*(await pool.scan("a", (b"a\n",))).begins] == [0]


async def test_a_worker_that_somebody_kills_is_replaced(pool: ScannerPool):
    await pool.scan("a", (b"a\n",))
    (before,) = pool.pids
    text, data = ENDLESS
    scan = pool.scan(text, (data,))
    os.kill(before, signal.SIGKILL)
    with pytest.raises(UserError, match="its process ended with status -9"):
        await scan
    assert [*(await pool.scan("a", (b"a\n",))).begins] == [0]
    assert before not in pool.pids


async def test_what_nobody_waits_for_any_more_is_left_out(pool: ScannerPool):
    scans = [pool.scan("a", (b"a\n",)) for _ in range(50)]
    for scan in scans[:-1]:
        scan.cancel()
    assert [*(await scans[-1]).begins] == [0]


async def test_workers_end_when_they_are_idle():
    async with ScannerPool(idle_seconds=0) as pool:
        await pool.scan("a", ())
        (pid,) = pool.pids
        gone = asyncio.Event()
        descriptor = os.pidfd_open(pid)
        asyncio.get_running_loop().add_reader(descriptor, gone.set)
        await gone.wait()
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
        assert pool.pids == ()
        assert [*(await pool.scan("a", (b"a\n",))).begins] == [0]


async def test_leaving_ends_workers_that_are_busy():
    text, data = ENDLESS
    async with ScannerPool() as pool:
        scans = [pool.scan(text, (data,)) for _ in range(9)]
        pids = pool.pids
    assert all(scan.cancelled() for scan in scans)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
