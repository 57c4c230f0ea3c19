import os
import random
from pathlib import Path

import pytest

from pytilt.host.files.blocks import SUM_SIZE, block_sums, read_blocks, read_sums, remembered_blocks

BLOCK = 64 * 1024


def test_sums_are_those_of_the_helper():
    content = bytes(index * 7 % 256 for index in range(100))
    sums = b"".join(block_sums(memoryview(content[:length]), 100) or block_sum_of_nothing() for length in range(100))
    assert block_sums(memoryview(sums), len(sums)).hex() == "ed94ac5a05b4c7c2"  # as in `synclet/xxh64_test.go`


def block_sum_of_nothing() -> bytes:
    return bytes.fromhex("ef46db3751d8e999")


@pytest.mark.parametrize("start", [0, 1, 4090, 5000])
@pytest.mark.parametrize("size", [100, 3 * BLOCK, 9 * 1024 * 1024 + 11], ids=["small", "blocks", "in two threads"])
def test_a_part_is_summed_up_from_wherever_it_begins(tmp_path: Path, start: int, size: int):
    content = (random.Random(1).randbytes(1000) * (size // 1000 + 1))[:size]
    (tmp_path / "big").write_bytes(content)
    wanted = block_sums(memoryview(content)[start:], BLOCK)
    assert read_sums(str(tmp_path / "big"), BLOCK, start, size) == wanted


def test_what_a_file_no_longer_has_counts_as_zeros(tmp_path: Path):
    (tmp_path / "big").write_bytes(b"x" * BLOCK)
    found = read_sums(str(tmp_path / "big"), BLOCK, 0, 2 * BLOCK)
    assert found == block_sums(memoryview(b"x" * BLOCK + bytes(BLOCK)), BLOCK)


def test_sums_are_remembered_until_the_file_changes(tmp_path: Path):
    path = tmp_path / "big"
    path.write_bytes(bytes(BLOCK))
    found = os.lstat(path)
    blocks = read_blocks(str(path), found)
    assert len(blocks.sums) == SUM_SIZE
    assert remembered_blocks(str(path), found) == blocks
    path.write_bytes(bytes(BLOCK + 1))
    assert remembered_blocks(str(path), os.lstat(path)) is None


@pytest.mark.parametrize("start", [0, 1, 4090, BLOCK])
def test_holes_count_as_zeros(tmp_path: Path, start: int):
    path = tmp_path / "sparse"
    size = 9 * 1024 * 1024 + 11
    with path.open("wb") as file:
        for place in [0, 5 * BLOCK + 4096, 6 * BLOCK - 1, 80 * BLOCK]:
            file.seek(place)
            file.write(b"data")
        file.truncate(size)
    wanted = block_sums(memoryview(path.read_bytes())[start:], BLOCK)
    assert read_sums(str(path), BLOCK, start, size) == wanted


def test_holes_are_not_read(tmp_path: Path):
    path = tmp_path / "sparse"
    size = 8 * 1024 * 1024 * 1024
    with path.open("wb") as file:
        file.seek(size // 2)
        file.write(b"data")
        file.truncate(size)
    before = read_by_this_process()
    read_sums(str(path), 1024 * 1024, 0, size)
    assert read_by_this_process() - before < 16 * 1024 * 1024


def read_by_this_process() -> int:
    (line,) = (line for line in Path("/proc/self/io").read_text("ascii").splitlines() if line.startswith("rchar"))
    return int(line.partition(":")[2])
