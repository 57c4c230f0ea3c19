import random
import re
from array import array
from pathlib import Path

import pytest

from pytilt.store import scanner
from pytilt.store.scanner import CHUNK_BYTES, LINES, REFUSED, STALE, LinePattern, Piece, answer


def scanned(pattern: str, *pieces: Piece, backward: bool = False, enough: int = 10**9) -> tuple[list[int], int, int]:
    kind, begins, first, last = answer((pattern, pieces, backward, enough))
    assert kind == LINES
    return [*array("Q", begins)], first, last


def piece(path: Path, begin: int, end: int) -> Piece:
    state = path.stat()
    return str(path), state.st_dev, state.st_ino, begin, end


def expected(pattern: str, data: bytes) -> list[int]:
    found, begin = [], 0
    for line in data.splitlines(keepends=True):
        if re.search(pattern, line[:-1].decode(), re.MULTILINE):
            found.append(begin)
        begin += len(line)
    return found


PATTERNS = (
    "one",
    "(?i)ONE",
    "(?i)oNe tWo",
    "zebra",
    "(?i)zEbra",
    "t.o",
    "^one",
    "o$",
    "one|zeb",
    r"\s",
    "[^o]e",
    "",
    "^$",
)


@pytest.mark.parametrize("pattern", [*PATTERNS, "(?i)k", "ré", "(?i)RÉ", r"e\b", r"o\Z", "(?i)z|k"])
@pytest.mark.parametrize("words", ["one two Zebra", "one two dréi", "one \u212a ONE", "one İ k"])
def test_the_same_lines_are_found_as_by_looking_at_each(pattern: str, words: str):
    chance = random.Random(1)
    lines = [" ".join(chance.choices(words.split(), k=chance.randrange(4))) for _ in range(300)]
    # What comes later may be nothing like the sample.
    data = "".join(f"{line}\n" for line in [*["x" * 99] * 400, *lines]).encode()
    for sample in (data, data[-1000:]):
        sought = LinePattern(pattern)
        sought.tune(sample)
        assert sought.lines(data) == expected(pattern, data)


@pytest.mark.parametrize("backward", [False, True])
def test_pieces_of_files_and_memory_are_one_text(tmp_path: Path, backward: bool):
    first, second = b"a needle\nb\nc nee", b"dle\nd\nneedle\n"
    (tmp_path / "log").write_bytes(b"title\n" + first + b"needle that is not asked for\n")
    pieces = (piece(tmp_path / "log", 6, 6 + len(first)), second)
    assert scanned("needle", *pieces, backward=backward) == ([0, 11, 22], 0, len(first + second))


@pytest.mark.parametrize("backward", [False, True])
def test_lines_longer_than_a_chunk_stay_whole(backward: bool):
    lines = ["a needle", "x" * CHUNK_BYTES * 3 + "needle", "needle", "y" * CHUNK_BYTES, "needle" + "z" * CHUNK_BYTES]
    data = "".join(f"{line}\n" for line in lines).encode()
    assert scanned("needle", data, backward=backward)[0] == expected("needle", data)
    assert scanned("^needle$", data, backward=backward)[0] == expected("^needle$", data)


def test_a_scan_ends_after_the_chunk_with_which_there_is_enough():
    data = b"needle\n" * (CHUNK_BYTES // 7 * 3)
    found, first, last = scanned("needle", data, enough=5)
    assert (found, first) == ([*range(0, last, 7)], 0)
    assert last <= CHUNK_BYTES
    found, first, last = scanned("needle", data, backward=True, enough=5)
    assert (found, last) == ([*range(first, last, 7)], len(data))
    assert last - first <= CHUNK_BYTES


def test_a_file_that_is_another_or_shorter_is_not_read(tmp_path: Path):
    path = tmp_path / "log"
    path.write_bytes(b"needle\n")
    (tmp_path / "other").write_bytes(b"needle\n")
    meant = piece(path, 0, 7)
    assert answer(("needle", (piece(path, 0, 8),), False, 1))[0] == STALE
    (tmp_path / "other").rename(path)
    assert answer(("needle", (meant,), False, 1))[0] == STALE
    path.unlink()
    assert answer(("needle", (meant,), False, 1))[0] == STALE


@pytest.mark.parametrize("text", ["(", "[a", "*", "(?P<x>", "a{99999999999999999999}", "(" * 5000])
def test_what_is_no_expression_is_refused(text: str):
    assert answer((text, (), False, 1))[0].startswith(REFUSED)


def test_each_chunk_is_announced_with_its_size():
    sizes: list[int] = []
    answer(("x", (b"needle\n" * 100_000,), False, 1), sizes.append)
    assert (sum(sizes), max(sizes) <= scanner.CHUNK_BYTES) == (700_000, True)
