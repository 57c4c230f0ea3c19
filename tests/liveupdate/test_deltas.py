import os
import random
from pathlib import Path

import pytest

from pytilt.host.files.blocks import Blocks, read_blocks
from pytilt.liveupdate.deltas import find_delta
from pytilt.liveupdate.packing import LargeFile, pack_frames
from pytilt.liveupdate.planning import SyncedFile

BEFORE = random.Random(1).randbytes(700_000)


async def packed(path: Path, content: bytes) -> LargeFile:
    blocks(path, content)
    found = await pack_frames([SyncedFile(local=str(path), remote="/app/big")])
    (file,) = found.content
    assert isinstance(file, LargeFile)
    return file


def blocks(path: Path, content: bytes) -> Blocks:
    path.write_bytes(content)
    return read_blocks(str(path), os.lstat(path))


@pytest.mark.parametrize(
    ("after", "most"),
    [
        pytest.param(BEFORE[:350_000] + b"longer" + BEFORE[350_000:], 140_000, id="inserted"),
        pytest.param(BEFORE[:350_000] + BEFORE[350_100:], 140_000, id="removed"),
        pytest.param(b"head" + BEFORE, 70_000, id="prepended"),
        pytest.param(BEFORE[10:], 70_000, id="cut at the begin"),
        pytest.param(BEFORE + b"tail", 70_000, id="appended"),
        pytest.param(BEFORE[:-10], 70_000, id="cut at the end"),
        pytest.param(BEFORE + BEFORE, 760_000, id="twice"),
        pytest.param(BEFORE[:300_000], 70_000, id="half"),
        pytest.param(random.Random(2).randbytes(650_000), 650_000, id="another"),
    ],
)
async def test_a_file_is_made_of_the_version_before_it(tmp_path: Path, after: bytes, most: int):
    base = blocks(tmp_path / "big", BEFORE)
    file = await packed(tmp_path / "big", after)
    delta = find_delta(file, base)
    assert delta is not None
    made = b""
    for part in delta.parts:
        place = len(made)
        made += after[place : place + part.length] if part.start is None else BEFORE[part.start :][: part.length]
    assert made == after
    assert sum(part.length for part in delta.parts if part.start is None) <= most
    assert sum(map(len, delta.frames())) < most + 1000


async def test_a_version_of_the_same_size_or_one_that_changes_is_not_compared(tmp_path: Path):
    base = blocks(tmp_path / "big", BEFORE)
    assert find_delta(await packed(tmp_path / "big", BEFORE[:-1] + b"x"), base) is None
    file = await packed(tmp_path / "big", BEFORE + b"x")
    (tmp_path / "big").write_bytes(BEFORE + b"xy")
    assert find_delta(file, base) is None
