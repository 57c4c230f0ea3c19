"""Symbolic links that are followed, with real files and the watcher of this system."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pytilt.host.files import ABSENT, FileWatcher
from pytilt.host.files.following import FollowingWatcher
from pytilt.host.files.links import leads_to
from pytilt.model.files import FileRule, Ignore


@pytest.fixture
async def watcher() -> AsyncIterator[FollowingWatcher]:
    async with FileWatcher() as plain:
        yield FollowingWatcher(plain)


class Shop:
    """A project whose `src` has links into `lib` beside it, and who reads what changes there."""

    def __init__(self, root: Path, watcher: FollowingWatcher) -> None:
        self.root, self.watcher = root, watcher
        self.items = watcher.changes()
        for name in ("src/main.py", "lib/deep/a.py", "lib/node_modules/x.js", "lib/conf.v1", "lib/conf.v2"):
            self.save(name)

    def save(self, name: str, text: str = "one") -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def link(self, name: str, text: str) -> None:
        path = self.root / name
        path.unlink(missing_ok=True)
        path.symlink_to(text)

    async def watch(self, *patterns: str) -> None:
        src = str(self.root / "src")
        ignores = (Ignore(base=src, patterns=patterns),) if patterns else ()
        await self.watcher.update({"k": (FileRule(paths=(src,), ignores=ignores, follow=(src,)),)})

    async def until(self, *wanted: str) -> set[str]:
        """Read until all of these have changed; everything that has."""
        seen: set[str] = set()
        async with asyncio.timeout(10):
            while not set(wanted) <= seen:
                item = await anext(self.items)
                seen |= {path.removeprefix(f"{self.root}/") for path in item.paths["k"]}
        return seen


@pytest.fixture
def shop(tmp_path: Path, watcher: FollowingWatcher) -> Shop:
    return Shop(tmp_path, watcher)


async def test_what_changes_behind_a_link_has_changed_at_the_link(shop):
    shop.link("src/lib", "../lib")
    shop.link("src/conf", "../lib/conf.v1")
    await shop.watch()
    shop.save("lib/deep/a.py", "two")
    assert await shop.until("src/lib/deep/a.py") == {"src/lib/deep/a.py"}
    shop.save("lib/conf.v1", "two")
    assert await shop.until("src/conf", "src/lib/conf.v1") == {"src/conf", "src/lib/conf.v1"}
    before = shop.watcher.fingerprint(str(shop.root / "src/conf"))
    shop.save("lib/conf.v1", "three")
    assert shop.watcher.fingerprint(str(shop.root / "src/conf")) != before


async def test_a_link_that_leads_elsewhere_is_followed_there(shop):
    await shop.watch()
    shop.link("src/lib", "../lib")
    await shop.until("src/lib")
    shop.save("lib/deep/new.py")
    await shop.until("src/lib/deep/new.py")
    shop.save("other/b.py")
    shop.link("src/lib", "../other")
    await shop.until("src/lib")
    shop.save("lib/deep/a.py", "of nobody's concern")
    shop.save("other/b.py", "two")
    assert await shop.until("src/lib/b.py") == {"src/lib/b.py"}


async def test_a_link_that_leads_nowhere_waits_for_its_target(shop):
    shop.link("src/conf", "../lib/later")
    shop.link("src/dir", "../far/later")
    await shop.watch()
    shop.save("lib/later")
    await shop.until("src/conf")
    shop.save("far/later/a.py")
    await shop.until("src/dir")
    shutil.rmtree(shop.root / "far")
    await shop.until("src/dir")
    assert shop.watcher.fingerprint(str(shop.root / "src/dir")) != ABSENT  # the link itself


async def test_a_link_on_the_way_counts_too(shop):
    shop.link("lib/conf", "conf.v1")
    shop.link("current", "lib")
    shop.link("src/conf", "../current/conf")
    await shop.watch()
    shop.save("lib/conf.v1", "two")
    await shop.until("src/conf")
    shop.link("lib/conf", "conf.v2")
    await shop.until("src/conf")
    shop.save("lib/conf.v2", "three")
    await shop.until("src/conf")
    shop.save("next/conf")
    shop.link("current", "next")
    await shop.until("src/conf")
    shop.save("next/conf", "four")
    await shop.until("src/conf")


async def test_what_is_ignored_at_the_link_is_ignored_behind_it(shop):
    shop.link("src/lib", "../lib")
    await shop.watch("**/node_modules")
    shop.save("lib/node_modules/x.js", "two")
    shop.save("lib/deep/a.py", "two")
    assert await shop.until("src/lib/deep/a.py") == {"src/lib/deep/a.py"}


async def test_without_the_wish_a_link_is_a_file_of_its_own(shop):
    shop.link("src/lib", "../lib")
    await shop.watcher.update({"k": (FileRule(paths=(str(shop.root / "src"),)),)})
    shop.save("lib/deep/a.py", "two")
    shop.save("src/main.py", "two")
    assert await shop.until("src/main.py") == {"src/main.py"}


def test_links_that_have_no_end_are_not_followed(tmp_path):
    root = tmp_path / "src"
    (root / "a").mkdir(parents=True)
    (root / "b").mkdir()
    links = {"self": "self", "here": ".", "up": "..", "a/over": "../b", "b/over": "../a", "gone": "none", "slash": "/"}
    for name, text in links.items():
        (root / name).symlink_to(text)
    followed = [name for name in links if leads_to(str(root / name), str(root))]
    assert followed == ["a/over", "b/over"]
    assert leads_to(str(root / "a/over/over"), str(root)) is None  # that is `a` again
