from io import FileIO
from pathlib import Path

import pytest

from pytilt.store.logs import new_file
from pytilt.store.segments import Limits, Segments

KIB = 1024


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def made(folder: Path, clock: Clock, limits: Limits) -> Segments:
    return Segments(folder / "log", limits, clock, new_file)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_segment_that_is_full_is_followed_by_another_and_all_are_read_as_one(tmp_path: Path, clock: Clock):
    segments = made(tmp_path, clock, Limits(bytes_kept=16 * 64 * KIB))
    for letter in b"abc":
        segments.append(bytes([letter]) * 64 * KIB)
    segments.append(b"tail")
    assert names(tmp_path) == ["log", "log.1", "log.2", "log.3"]
    assert segments.read(64 * KIB - 1, 128 * KIB + 1) == b"a" + b"b" * 64 * KIB + b"c"
    assert segments.read(192 * KIB - 1, 192 * KIB + 4) == b"ctail"
    segments.close()
    assert (tmp_path / "log.1").read_bytes() == b"a" * 64 * KIB
    assert (tmp_path / "log").read_bytes() == b"tail"


def test_the_oldest_segment_goes_when_there_is_too_much(tmp_path: Path, clock: Clock):
    segments = made(tmp_path, clock, Limits(bytes_kept=128 * KIB))
    for letter in b"abcd":
        segments.append(bytes([letter]) * 64 * KIB)
    assert names(tmp_path) == ["log", "log.3", "log.4"]
    assert segments.begin == 128 * KIB
    segments.close()


def test_a_segment_ends_after_a_while_and_goes_when_it_is_old(tmp_path: Path, clock: Clock):
    segments = made(tmp_path, clock, Limits(segment_seconds=10, kept_seconds=100))
    for now in (0, 11, 120):
        clock.now = now
        segments.append(b"x" * 64 * KIB)
    assert names(tmp_path) == ["log", "log.2"]
    segments.close()


def test_what_is_overwritten_is_so_on_disk_and_in_memory(tmp_path: Path, clock: Clock):
    segments = made(tmp_path, clock, Limits(bytes_kept=16 * 64 * KIB))
    segments.append(b"a" * 64 * KIB)
    segments.append(b"b" * 64 * KIB)
    segments.append(b"c" * 10)
    segments.overwrite(64 * KIB - 1, b"*" * (64 * KIB + 2))
    assert segments.read(64 * KIB - 2, 128 * KIB + 2) == b"a" + b"*" * (64 * KIB + 2) + b"c"
    segments.close()


def test_a_disk_that_takes_nothing_costs_the_oldest_bytes_only_when_memory_is_full(tmp_path: Path, clock: Clock):
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    segments = Segments(full, Limits(memory_bytes=256 * KIB), clock, lambda path: FileIO(path, "w"))
    for letter in b"abcdef":
        clock.now += 2
        segments.append(bytes([letter]) * 64 * KIB)
    assert segments.trouble == "no space left on device"
    assert segments.begin == 256 * KIB
    assert segments.read(256 * KIB, segments.end) == b"e" * 64 * KIB + b"f" * 64 * KIB
    segments.close()
