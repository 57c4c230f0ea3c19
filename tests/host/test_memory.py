import sys
from pathlib import Path

import pytest

from pytilt.host import memory

PIECES, PIECE_BYTES = 100_000, 1000


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc gives memory back when it is asked")
def test_what_nobody_uses_any_more_is_given_back():
    pieces = [bytes(PIECE_BYTES) for _ in range(PIECES)]
    last = bytes(PIECE_BYTES)  # above all others, so that nothing is given back by itself
    pieces.clear()
    before = resident_bytes()
    memory.release()
    assert before - resident_bytes() > PIECES * PIECE_BYTES / 2
    assert len(last) == PIECE_BYTES
