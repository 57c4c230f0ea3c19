"""The watcher of Linux with real files and a real kernel."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytilt.errors import UserError
from pytilt.host.files.inotify import Inotify, InotifyEvent, Mask
from pytilt.host.files.linux import InotifyWatcher, without_steps
from pytilt.host.ignoring import EDITOR_PATTERNS
from pytilt.model.files import Ignore
from tests.host.files.emitted import Reader, rule

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


async def test_a_save_is_one_item_that_names_the_file(watcher: InotifyWatcher, repo: Path):
    await watcher.update({"k": [rule(repo)]})
    (repo / "web/main.py").write_text("new")
    reader = Reader(watcher, repo)
    assert await reader.next() == {"k": {"web/main.py"}}
    (repo / "api/main.go").write_text("new")
    assert await reader.next() == {"k": {"api/main.go"}}


async def test_a_burst_is_a_few_items_with_every_file(watcher: InotifyWatcher, repo: Path):
    names = [f"{number}.py" for number in range(300)]
    for name in names:
        (repo / name).write_text("")
    await watcher.update({"k": [rule(repo)]})
    reader, items, seen = Reader(watcher, repo), 0, set[str]()

    async def write() -> None:
        for name in names:
            (repo / name).write_text("new")
            await asyncio.sleep(0.0005)

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        while not seen.issuperset(names):
            seen |= (await reader.next())["k"]
            items += 1
    assert items < 100
    (repo / "web/main.py").write_text("new")
    assert await reader.next() == {"k": {"web/main.py"}}


def test_only_the_last_step_of_writing_a_file_is_looked_at():
    steps = [
        InotifyEvent(1, Mask.CREATE, "a"),
        InotifyEvent(1, Mask.MODIFY, "a"),
        InotifyEvent(1, Mask.CLOSE_WRITE, "a"),
        InotifyEvent(1, Mask.MODIFY, "a"),
        InotifyEvent(1, Mask.MODIFY, "b"),
        InotifyEvent(2, Mask.MODIFY, "b"),
        InotifyEvent(2, Mask.MODIFY, "b"),
        InotifyEvent(2, Mask.DELETE, "b"),
    ]
    assert list(without_steps(steps)) == [steps[0], *steps[2:5], *steps[6:]]


async def test_every_key_gets_what_matters_to_it(watcher: InotifyWatcher, repo: Path):
    await watcher.update({"web": [rule(repo / "web")], "all": [rule(repo)], "api": [rule(repo / "api")]})
    (repo / "web/main.py").write_text("new")
    assert await Reader(watcher, repo).next() == {"web": {"web/main.py"}, "all": {"web/main.py"}}


async def test_changes_that_come_together_are_one_item(watcher: InotifyWatcher, repo: Path):
    await watcher.update({"k": [rule(repo)]})
    (repo / "web/main.py").write_text("new")
    (repo / "api/main.go").write_text("new")
    (repo / "Tiltfile").chmod(0o755)
    assert await Reader(watcher, repo).next() == {"k": {"web/main.py", "api/main.go", "Tiltfile"}}


def _save_by_rename(path: Path) -> None:
    temp = path.with_name(f"{path.name}~")
    temp.write_text("new")
    temp.rename(path)


def _save_like_vim(path: Path) -> None:
    path.with_name("4913").touch()
    path.with_name("4913").unlink()
    path.rename(path.with_name(f"{path.name}~"))
    path.write_text("new")
    path.with_name(f"{path.name}~").unlink()


@pytest.mark.parametrize("save", [_save_by_rename, _save_like_vim])
async def test_editors_that_replace_a_file_change_that_file_only(
    watcher: InotifyWatcher, repo: Path, save: Callable[[Path], None]
):
    await watcher.update({"k": [rule(repo, ignores=[Ignore(base=str(repo), patterns=EDITOR_PATTERNS)])]})
    save(repo / "web/main.py")
    assert await Reader(watcher, repo).next() == {"k": {"web/main.py"}}


async def test_a_file_that_is_held_open_is_emitted_all_the_same(watcher: InotifyWatcher, repo: Path):
    await watcher.update({"k": [rule(repo)]})
    with (repo / "web/main.py").open("a") as file:
        file.write("new")
        file.flush()
        assert await Reader(watcher, repo).next() == {"k": {"web/main.py"}}


async def test_links_are_complete_when_they_appear(watcher: InotifyWatcher, repo: Path):
    await watcher.update({"k": [rule(repo)]})
    (repo / "soft").symlink_to("web")
    (repo / "hard").hardlink_to(repo / "Tiltfile")
    assert await Reader(watcher, repo).collect("soft", "hard") <= {"soft", "hard", "Tiltfile"}


async def test_files_in_new_directories_are_emitted(watcher: InotifyWatcher, repo: Path):
    await watcher.update({"k": [rule(repo)]})
    reader = Reader(watcher, repo)
    deep = repo / "a/b/c"
    deep.mkdir(parents=True)
    (deep / "early").write_text("x")
    await reader.collect("a/b/c/early")
    (deep / "late").write_text("x")
    assert await reader.collect("a/b/c/late") == {"a/b/c/late"}


async def test_a_tree_that_is_moved_in_and_out_is_emitted_file_by_file(
    watcher: InotifyWatcher, repo: Path, tmp_path: Path
):
    await watcher.update({"k": [rule(repo)]})
    reader = Reader(watcher, repo)
    (repo / "web").rename(tmp_path / "elsewhere")
    assert await reader.next() == {"k": {"web", "web/main.py", "web/static", "web/static/app.css"}}
    (tmp_path / "elsewhere/main.py").write_text("not watched")
    (tmp_path / "elsewhere").rename(repo / "site")
    seen = await reader.collect("site", "site/main.py", "site/static/app.css", "site/static")
    assert not any("elsewhere" in path for path in seen)
    (repo / "site/static/app.css").write_text("new")
    assert await reader.next() == {"k": {"site/static/app.css"}}


async def test_a_deleted_tree_is_emitted_and_may_come_back(watcher: InotifyWatcher, repo: Path):
    await watcher.update({"k": [rule(repo / "web")]})
    reader = Reader(watcher, repo)
    (repo / "web/main.py").unlink()
    (repo / "web/static/app.css").unlink()
    (repo / "web/static").rmdir()
    (repo / "web").rmdir()
    await reader.collect("web", "web/main.py", "web/static", "web/static/app.css")
    (repo / "web").mkdir()
    (repo / "web/main.py").write_text("again")
    await reader.collect("web/main.py")
    (repo / "web/main.py").write_text("and again")
    assert await reader.next() == {"k": {"web/main.py"}}


async def test_paths_that_do_not_exist_yet_are_watched(watcher: InotifyWatcher, repo: Path):
    await watcher.update({"k": [rule(repo / "gen/deep/out.txt", repo / "gen/dir")]})
    reader = Reader(watcher, repo)
    (repo / "other").write_text("does not matter")
    (repo / "gen/deep").mkdir(parents=True)
    (repo / "gen/deep/other").write_text("does not matter")
    (repo / "gen/deep/out.txt").write_text("x")
    assert await reader.collect("gen/deep/out.txt") == {"gen/deep/out.txt"}
    (repo / "gen/dir").mkdir()
    (repo / "gen/dir/file").write_text("x")
    assert await reader.collect("gen/dir/file") <= {"gen/dir", "gen/dir/file"}


async def test_a_single_file_is_watched_through_replacement(watcher: InotifyWatcher, repo: Path):
    await watcher.update({"k": [rule(repo / "Tiltfile")]})
    reader = Reader(watcher, repo)
    for text in ("one", "two"):
        (repo / "temp").write_text(text)
        (repo / "temp").rename(repo / "Tiltfile")
        assert await reader.next() == {"k": {"Tiltfile"}}
    (repo / "Tiltfile").unlink()
    assert await reader.next() == {"k": {"Tiltfile"}}


async def test_a_watched_link_to_a_directory_is_followed_wherever_it_leads(watcher: InotifyWatcher, repo: Path):
    link = repo / "current"
    link.symlink_to("web")
    await watcher.update({"k": [rule(link)]})
    reader = Reader(watcher, repo)
    (repo / "web/main.py").write_text("new")
    assert await reader.next() == {"k": {"current/main.py"}}
    (repo / "temp").symlink_to("api")
    (repo / "temp").rename(link)
    await reader.collect("current")
    (repo / "api/main.go").write_text("new")
    await reader.collect("current/main.go")


async def test_ignored_directories_are_not_watched_at_all(watcher: InotifyWatcher, repo: Path):
    for number in range(50):
        (repo / f"node_modules/{number}/lib").mkdir(parents=True)
    await watcher.update({"k": [rule(repo, ignores=[Ignore(base=str(repo), patterns=("node_modules", "*.log"))])]})
    assert watcher.watched == 4
    (repo / "node_modules/1/lib/x.js").write_text("x")
    (repo / "build.log").write_text("x")
    (repo / "node_modules").rename(repo / "web/node_modules")
    assert "web/node_modules" in await Reader(watcher, repo).collect("web/node_modules")


async def test_directories_are_shared_and_given_up_when_nobody_needs_them(watcher: InotifyWatcher, repo: Path):
    await watcher.update({"a": [rule(repo)], "b": [rule(repo)], "c": [rule(repo / "web")]})
    assert watcher.watched == 4
    await watcher.update({"c": [rule(repo / "web")]})
    assert watcher.watched == 2
    (repo / "api/main.go").write_text("nobody cares")
    (repo / "web/main.py").write_text("new")
    assert await Reader(watcher, repo).next() == {"c": {"web/main.py"}}
    await watcher.update({})
    assert watcher.watched == 0


async def test_a_change_is_emitted_when_the_ignores_of_its_key_change_meanwhile(watcher: InotifyWatcher, repo: Path):
    await watcher.update({"k": [rule(repo)]})
    (repo / "web/main.py").write_text("new")
    await watcher.update({"k": [rule(repo, ignores=[Ignore(base=str(repo), patterns=("*.log",))])]})
    assert await Reader(watcher, repo).next() == {"k": {"web/main.py"}}


async def test_a_pattern_that_cannot_be_read_changes_nothing(watcher: InotifyWatcher, repo: Path):
    await watcher.update({"k": [rule(repo)]})
    with pytest.raises(UserError):
        await watcher.update({"k": [rule(repo, ignores=[Ignore(base=str(repo), patterns=("[",))])]})
    (repo / "web/main.py").write_text("new")
    assert await Reader(watcher, repo).next() == {"k": {"web/main.py"}}


async def test_lost_events_are_made_up_for(watcher: InotifyWatcher, repo: Path):
    await watcher.update({"k": [rule(repo)]})
    reader = Reader(watcher, repo)
    (repo / "web/main.py").write_text("new")
    (repo / "api/main.go").unlink()
    (repo / "new/dir").mkdir(parents=True)
    (repo / "new/dir/file").write_text("x")
    watcher._watches.read()  # the events are lost
    watcher._dispatch(InotifyEvent(-1, Mask.Q_OVERFLOW, ""))
    seen = await reader.collect("web/main.py", "api/main.go", "new/dir/file")
    assert watcher.watched == 6
    assert seen >= {"new", "new/dir"}
    (repo / "new/dir/file").write_text("again")
    await reader.collect("new/dir/file")


class FullInotify(Inotify):
    """The system has no watch left for what is below `static`, `new` or `.git`."""

    def add(self, path: str) -> int:
        if {"static", "new", ".git"} & set(Path(path).parts):
            raise UserError("there are more directories: `fs.inotify.max_user_watches` is 7", hint="raise it")
        return super().add(path)


async def test_what_the_system_has_no_watches_for_is_polled_with_a_warning(repo: Path):
    async with InotifyWatcher(make_inotify=FullInotify) as watcher:
        await watcher.update({"k": [rule(repo)]})
        items = watcher.changes()
        item = await anext(items)
        assert "max_user_watches` is 7\n1 directory is looked at every second instead" in item.warning
        assert "hint: raise it" in item.warning
        reader = Reader(watcher, repo)
        (repo / "web/static/app.css").write_text("changed")
        (repo / "web/main.py").write_text("changed")
        await reader.collect("web/static/app.css", "web/main.py")
        (repo / "new/below").mkdir(parents=True)
        (repo / "new/below/file").write_text("x")
        await reader.collect("new/below/file")
        (repo / "new/below/file").write_text("more")
        await reader.collect("new/below/file")
        (repo / "new").rename(repo / "moved")
        await reader.collect("new/below/file", "moved/below/file")
        (repo / "moved/below/file").write_text("again, and longer")
        await reader.collect("moved/below/file")


async def test_a_flush_knows_what_happened_in_polled_directories(repo: Path):
    async with InotifyWatcher(make_inotify=FullInotify) as watcher:
        await watcher.update({"k": [rule(repo / "web/static")]})
        (repo / "web/static/app.css").write_text("changed")
        seen: set[str] = set()

        async def read() -> None:
            async for item in watcher.changes():
                seen.update(item.paths.get("k", ()))

        async with asyncio.TaskGroup() as group:
            reading = group.create_task(read())
            await watcher.flush()
            assert seen == {str(repo / "web/static/app.css")}
            reading.cancel()


async def test_without_any_queue_of_the_kernel_everything_is_polled(repo: Path):
    def refuse() -> Inotify:
        raise UserError("there are more programs that watch files: `fs.inotify.max_user_instances` is 1", hint="raise")

    async with InotifyWatcher(make_inotify=refuse) as watcher:
        await watcher.update({"k": [rule(repo)]})
        (repo / "api/main.go").unlink()
        assert await Reader(watcher, repo).collect("api/main.go") == {"api/main.go"}
