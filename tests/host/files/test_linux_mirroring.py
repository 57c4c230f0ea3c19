"""A reader that copies what is emitted ends with an exact copy, whatever happens to the tree meanwhile."""

import asyncio
import contextlib
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from pytilt.host.files.linux import InotifyWatcher
from pytilt.model.files import FileRule

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")

STEPS = 150


@pytest.mark.parametrize("seed", range(4))
async def test_no_change_is_missed_however_files_and_directories_come_and_go(tmp_path: Path, seed: int):
    tree, copy = tmp_path / "tree", tmp_path / "copy"
    shaker = Shaker(tree, random.Random(seed))
    for _ in range(20):
        shaker.step()
    shutil.copytree(tree, copy)
    async with InotifyWatcher() as watcher, asyncio.TaskGroup() as tasks:
        await watcher.update({"k": [FileRule(paths=(str(tree),))]})
        tasks.create_task(asyncio.to_thread(shaker.shake, STEPS))
        seen: set[str] = set()
        items = watcher.changes()
        async with asyncio.timeout(120):  # it takes a second, on a machine that is very busy thirty
            while str(tree / "end") not in seen or _content(tree) != _content(copy):
                seen = seen | (item := await anext(items)).paths["k"]
                await asyncio.to_thread(_mirror, tree, copy, item.paths["k"])
            (tree / "last").touch()
            while str(tree / "last") not in (await anext(items)).paths["k"]:
                pass  # what was emitted twice


class Shaker:
    """Changes a tree at random."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self._root = root
        self._chance = chance
        self._steps = 0
        self._deeds: list[Callable[[], None]] = [
            *[self._write] * 8, *[self._make] * 3, *[self._delete] * 2, *[self._move] * 4, *[self._move_out_and_in] * 1
        ]  # fmt: skip
        root.mkdir()

    def shake(self, steps: int) -> None:
        for _ in range(steps):
            self.step()
        (self._root / "end").touch()

    def step(self) -> None:
        self._steps += 1
        with contextlib.suppress(OSError):  # not everything can be moved everywhere
            self._chance.choice(self._deeds)()

    def _directory(self) -> Path:
        return self._chance.choice([Path(path) for path, _, _ in os.walk(self._root)])

    def _any(self) -> Path:
        return self._chance.choice([path for path in self._root.rglob("*") if path.name != "end"] or [self._root / "x"])

    def _name(self) -> str:
        return f"{self._chance.choice('df')}{self._chance.randrange(4)}"

    def _write(self) -> None:
        (self._directory() / self._name()).write_text(str(self._steps))

    def _make(self) -> None:
        path = self._directory() / self._name() / self._name()
        path.mkdir(parents=True, exist_ok=True)
        (path / "f").write_text(str(self._steps))

    def _delete(self) -> None:
        path = self._any()
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()

    def _move(self) -> None:
        self._any().rename(self._directory() / self._name())

    def _move_out_and_in(self) -> None:
        outside = self._root.parent / f"outside{self._steps}"
        self._any().rename(outside)
        outside.rename(self._directory() / self._name())


def _mirror(tree: Path, copy: Path, paths: Iterable[str]) -> None:
    for path in map(Path, sorted(paths)):
        target = copy / path.relative_to(tree)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError, FileExistsError):
            if path.is_dir():
                _remove(target) if target.is_file() else None
                target.mkdir(parents=True, exist_ok=True)
            elif path.exists():
                text = path.read_text()
                _remove(target) if target.is_dir() else None
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
            else:
                _remove(target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _content(root: Path) -> dict[str, str | None]:
    """The text of every file; None for directories."""
    found: dict[str, str | None] = {}
    for directory, names, files in os.walk(root):
        found |= {os.path.relpath(Path(directory, name), root): None for name in names}
        for name in files:
            with contextlib.suppress(OSError):
                found[os.path.relpath(Path(directory, name), root)] = Path(directory, name).read_text()
    return found
