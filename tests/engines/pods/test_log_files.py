import asyncio
from pathlib import Path

import pytest

from pytilt.engines.pods.log_files import PART_BYTES, READ_BYTES, LogFile, file_lines


def at(number: int) -> str:
    return f"2026-11-30T19:04:16.{number:09}Z"


def record(number: int, text: str, stream: str = "stdout", tag: str = "F") -> str:
    """As Podman writes it, in a time zone."""
    return f"2026-11-30T20:04:16.{number:09}+01:00 {stream} {tag} {text}\n"


class Writing:
    """A log file that grows each time that its reader has found nothing new."""

    def __init__(self, path: Path, *pieces: str) -> None:
        self.path = path
        path.write_text("")
        self._pieces = list(pieces)

    async def ended(self) -> bool:
        if not self._pieces:
            return True
        with self.path.open("a") as file:
            file.write(self._pieces.pop(0))
        return False

    async def read(self, since: str = "", *, terminal: bool = False) -> list[tuple[str, str]]:
        file = LogFile.open(str(self.path))
        assert file is not None
        async with asyncio.timeout(10):
            lines = file_lines(file, since, terminal=terminal, ended=self.ended)
            return [line async for line in lines]


async def test_a_line_that_is_being_written_comes_when_it_is_whole(tmp_path: Path):
    one, two = record(1, "one"), record(2, "two")
    log = Writing(tmp_path / "log", one + two[:3], two[3:45], two[45:])
    assert await log.read() == [(at(1), "one\n"), (at(2), "two\n")]


async def test_long_lines_are_put_together_for_each_stream(tmp_path: Path):
    pieces = (record(1, "a" * 9, tag="P"), record(2, "error", "stderr"), record(3, "b"), record(4, "open", tag="P"))
    log = Writing(tmp_path / "log", *pieces)
    assert await log.read() == [(at(2), "error\n"), (at(1), "a" * 9 + "b\n"), (at(4), "open\n")]


async def test_a_line_without_an_end_comes_in_parts(tmp_path: Path):
    half = PART_BYTES // 2
    log = Writing(tmp_path / "log", *(record(1, letter * half, tag="P") for letter in "abc"), record(2, "."))
    assert await log.read() == [(at(1), "a" * half + "b" * half + "\n"), (at(1), "c" * half + ".\n")]


async def test_what_a_program_was_writing_when_it_ended_is_a_line(tmp_path: Path):
    log = Writing(tmp_path / "log", record(1, "end").rstrip("\n"))
    assert await log.read() == [(at(1), "end\n")]


async def test_lines_of_a_terminal_have_its_line_ends_no_more(tmp_path: Path):
    log = Writing(tmp_path / "log", record(1, "one\r"))
    assert await log.read(terminal=True) == [(at(1), "one\n")]


async def test_a_file_that_is_replaced_since_it_is_large_is_read_to_its_end(tmp_path: Path):
    log = Writing(tmp_path / "log", record(1, "one"), "")
    replaced = iter([False, True])

    async def ended() -> bool:
        if next(replaced, False):
            with log.path.open("a") as file:
                file.write(record(2, "two"))
            log.path.rename(tmp_path / "old")
            log.path.write_text(record(3, "three"))
            return False
        return await log.ended()

    file = LogFile.open(str(log.path))
    assert file is not None
    lines = [text async for _, text in file_lines(file, "", terminal=False, ended=ended)]
    assert lines == ["one\n", "two\n", "three\n"]


async def test_a_file_that_is_removed_is_read_to_its_end(tmp_path: Path):
    log = Writing(tmp_path / "log", record(1, "one") + record(2, "two"))
    file = LogFile.open(str(log.path))
    assert file is not None
    await log.ended()
    log.path.unlink()
    assert [text async for _, text in file_lines(file, "", terminal=False, ended=log.ended)] == ["one\n", "two\n"]


@pytest.mark.parametrize("since", [1, 2, 500, 20_000, 39_999])
async def test_of_a_large_file_only_what_is_wanted_comes(tmp_path: Path, since: int):
    text = "".join(record(number, f"line {number}") for number in range(1, 40_000))
    assert len(text) > 6 * READ_BYTES
    log = Writing(tmp_path / "log")
    log.path.write_text(text)
    found = await log.read(at(since))
    assert found[0] == (at(since), f"line {since}\n")
    assert len(found) == 40_000 - since


def test_what_is_no_file_is_not_opened(tmp_path: Path):
    assert LogFile.open(str(tmp_path)) is None
    assert LogFile.open(str(tmp_path / "missing")) is None
    assert LogFile.open("a\0b") is None
