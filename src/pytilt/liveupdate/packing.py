"""Packing local files for the helper: frames, and large files of which only what changed is read again and sent."""

import asyncio
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from pytilt.host.files.blocks import SUM_SIZE, Blocks, block_size, block_sums, read_sums, remembered_blocks
from pytilt.liveupdate.archive import KEPT_CONTENT_BYTES, PackedPath, is_quick, look, members
from pytilt.liveupdate.planning import SyncedFile
from pytilt.model.base import Value
from pytilt.synclet import frames
from pytilt.synclet.frames import Attributes

HELD_BYTES = 16 * 1024 * 1024
"""So much of small files is held in memory, and sent to any number of containers; those after that are read again."""

LARGE_BYTES = KEPT_CONTENT_BYTES
"""From this size on a file is named by its blocks first; with its path a smaller one fits into one frame."""


class LargeFile(Value):
    """A file of which every block is named."""

    local: str
    remote: str
    attributes: Attributes
    size: int
    block: int
    sums: bytes = b""

    @property
    def blocks(self) -> Blocks:
        """What it consists of."""
        return Blocks(self.size, self.block, self.sums)

    def announcement(self) -> bytes:
        """The frame that asks which blocks are missing."""
        return frames.blocks(self.remote, self.size, self.block, self.sums, self.attributes)


class UnreadFile(Value):
    """A small file that is read when it is sent, because so many are sent that memory is not to hold all of them."""

    local: str
    remote: str
    source: SyncedFile

    def frame(self) -> bytes | None:
        """Its frame as the file is now, empty where it is gone, which is a change of its own.

        Returns:
            None when it is no small file any more.

        Raises:
            OSError: it cannot be read.
        """
        try:
            is_small = _is_small_file(look(self.local, self.source))
            packed = _pack_one(self.local, self.remote, self.source)[0] if is_small else None
        except (FileNotFoundError, NotADirectoryError):
            return b""
        return packed if isinstance(packed, bytes) else None


class Frames(Value):
    """Packed files. They may be sent to any number of containers."""

    clearing: bytes = b""
    """Frames that clear the way for directories; come before all deletions."""
    content: tuple[bytes | LargeFile | UnreadFile, ...] = ()
    """Frames, and what is sent in between."""
    vanished: tuple[SyncedFile, ...] = ()
    """What was to be packed and is no longer there: it is to be deleted instead."""
    paths: tuple[PackedPath, ...] = ()
    """All that is packed."""


async def pack_frames(files: Sequence[SyncedFile]) -> Frames:
    """Pack files, directories with all that is in them, and symbolic links as such.

    Args:
        files: what to pack; a later one wins over an earlier one with the same remote path.

    Raises:
        OSError: a file is there and cannot be read.
    """
    if not files:
        return Frames()
    packed = _pack(files) if is_quick(files) else await asyncio.to_thread(_pack, files)
    content = [await _with_sums(each) if isinstance(each, LargeFile) else each for each in packed.content]
    return replace(packed, content=tuple(content))


def read_blocks(file: LargeFile, ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[bytes, bool]]:
    """Frames with the blocks that are missing somewhere, and whether each is still what it was when it was packed.

    Raises:
        OSError: it is no longer there.
    """
    with Path(file.local).open("rb", buffering=0) as source:
        for first, end in ranges:
            for index in range(first, end):
                length = min(file.block, file.size - index * file.block)
                content = os.pread(source.fileno(), length, index * file.block)
                start = index * SUM_SIZE
                same = block_sums(memoryview(content), file.block) == file.sums[start : start + SUM_SIZE]
                content = content.ljust(length, b"\0")
                for frame in frames.pieces(memoryview(content), file.block, [(0, 1)]):
                    yield frame, same


def _pack(files: Sequence[SyncedFile]) -> Frames:
    clearing: list[str] = []
    content: list[bytes | LargeFile | UnreadFile] = []
    vanished: list[SyncedFile] = []
    paths: list[PackedPath] = []
    seen: set[tuple[str, str]] = set()
    held = 0
    for file in files:
        try:
            for local, remote in members(file):
                if (local, remote) in seen:
                    continue
                seen.add((local, remote))
                try:
                    if held >= HELD_BYTES and _is_small_file(found := look(local, file)):
                        content.append(UnreadFile(local=local, remote=remote, source=file))
                        paths.append(PackedPath(source=file, local=local, remote=remote, found=found))
                        continue
                    packed, path = _pack_one(local, remote, file)
                except (FileNotFoundError, NotADirectoryError):
                    if local == file.local:
                        raise
                    continue  # deleted while the directory was read; its deletion is a change of its own
                if packed is not None:
                    content.append(packed)
                    paths.append(path)
                    held += len(packed) if isinstance(packed, bytes) else 0
                    if isinstance(packed, bytes) and packed.startswith(b"M") and remote != "/":
                        clearing.append(remote)
        except (FileNotFoundError, NotADirectoryError):
            vanished.append(file)
    return Frames(
        clearing=b"".join(map(frames.unlink, sorted(clearing, key=len))),
        content=tuple(content),
        vanished=tuple(vanished),
        paths=tuple(paths),
    )


def _is_small_file(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and found.st_size < LARGE_BYTES


def _pack_one(local: str, remote: str, file: SyncedFile) -> tuple[bytes | LargeFile | None, PackedPath]:
    """One path, without what is below it; None when it is nothing that can be packed."""
    found = look(local, file)
    path = PackedPath(source=file, local=local, remote=remote, found=found)
    mode = stat.S_IMODE(found.st_mode) if file.mode is None else file.mode
    attributes = Attributes(mode=mode, mtime=found.st_mtime_ns, owner=file.owner)
    if stat.S_ISREG(found.st_mode):
        if _is_small_file(found):
            # Read no more than that: it may grow meanwhile, which is a change of its own.
            descriptor = os.open(local, os.O_RDONLY | os.O_CLOEXEC)
            try:
                content = os.read(descriptor, LARGE_BYTES)
            finally:
                os.close(descriptor)
            return frames.file(remote, content, attributes), replace(path, content=content)
        known = remembered_blocks(local, found) or Blocks(found.st_size, block_size(found.st_size), b"")
        large = LargeFile(
            local=local, remote=remote, attributes=attributes, size=known.size, block=known.block, sums=known.sums
        )
        return large, path
    if stat.S_ISLNK(found.st_mode):
        target = str(Path(local).readlink())
        return frames.symlink(remote, target, attributes), replace(path, content=os.fsencode(target))
    return frames.mkdir(remote, attributes) if stat.S_ISDIR(found.st_mode) else None, path


async def _with_sums(file: LargeFile) -> LargeFile:
    return file if file.sums else await asyncio.to_thread(_summed, file)


def _summed(file: LargeFile) -> LargeFile:
    sums = read_sums(file.local, file.block, 0, file.size)
    return replace(file, sums=sums)
