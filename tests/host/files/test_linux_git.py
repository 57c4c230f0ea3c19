"""What the watcher of Linux holds back while git works, with a real git."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from pytilt.host.files.linux import InotifyWatcher
from pytilt.host.files.repositories import LOCK
from pytilt.host.processes import HostRunner, ProcessRequest
from pytilt.model.files import Ignore
from tests.host.files.emitted import Reader, rule

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


class Git:
    """Runs git in a repository."""

    def __init__(self, runner: HostRunner, repo: Path) -> None:
        self._runner = runner
        self._repo = repo

    async def __call__(self, *words: str, fails: bool = False) -> None:
        env = {"PATH": os.defpath, "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
        env |= {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        output: list[bytes] = []
        request = ProcessRequest(argv=("git", *words), dir=str(self._repo), env=tuple(env.items()))
        outcome = await self._runner.run(request, output.append)
        assert (outcome.exit_status != 0) is fails, output


async def test_a_git_checkout_is_one_item(watcher: InotifyWatcher, repo: Path):
    async with HostRunner() as runner:
        git = Git(runner, repo)
        await git("init", "-q")
        await git("add", ".")
        await git("commit", "-q", "-m", "one")
        await git("checkout", "-q", "-b", "two")
        for number in range(300):
            path = repo / f"many/{number % 10}/{number}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
        (repo / "web/main.py").write_text("two")
        await git("add", ".")
        await git("commit", "-q", "-m", "two")
        await watcher.update({"k": [rule(repo, ignores=[Ignore(base=f"{repo}/.git")])]})
        reader = Reader(watcher, repo)
        await git("checkout", "-q", "-")
        seen = (await reader.next())["k"]
        assert {path for path in seen if not path.startswith("many")} == {"web/main.py"}
        assert sum("/" in path and Path(path).name.isdigit() and path.count("/") == 2 for path in seen) == 300
        await git("checkout", "-q", "two")
        assert len((await reader.next())["k"]) == len(seen)
        (repo / "Tiltfile").write_text("last")
        assert await reader.next() == {"k": {"Tiltfile"}}


async def test_a_rebase_is_one_item(watcher: InotifyWatcher, repo: Path):
    async with HostRunner() as runner:
        git = Git(runner, repo)
        await git("init", "-q", "-b", "main")
        await git("add", ".")
        await git("commit", "-q", "-m", "one")
        await git("checkout", "-q", "-b", "two")
        for number in range(4):
            (repo / "web/main.py").write_text(f"{number}")
            (repo / f"{number}").write_text("x")
            await git("add", ".")
            await git("commit", "-q", "-m", f"{number}")
        await git("checkout", "-q", "main")
        (repo / "Tiltfile").write_text("main")
        await git("commit", "-q", "-a", "-m", "main")
        await git("checkout", "-q", "two")
        await watcher.update({"k": [rule(repo, ignores=[Ignore(base=f"{repo}/.git")])]})
        reader = Reader(watcher, repo)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(reader.next())
            await git("rebase", "-q", "--exec", "sleep 0.06", "main")
        assert first.result() == {"k": {"Tiltfile", "web/main.py", *map(str, range(4))}}
        (repo / "Tiltfile").write_text("conflict")
        await git("commit", "-q", "-a", "-m", "three")
        await reader.collect("Tiltfile")
        await git("branch", "three")
        await git("reset", "-q", "--hard", "HEAD~")
        (repo / "Tiltfile").write_text("other")
        await git("commit", "-q", "-a", "-m", "other")
        await reader.collect("Tiltfile")
        await git("rebase", "-q", "three", fails=True)
        await reader.collect("Tiltfile")  # a rebase that stops holds nothing
        (repo / "web/main.py").write_text("while it has stopped")
        assert await reader.next() == {"k": {"web/main.py"}}


async def test_changes_are_held_while_git_has_its_lock(watcher: InotifyWatcher, repo: Path):
    (repo / ".git").mkdir()
    await watcher.update({"k": [rule(repo, ignores=[Ignore(base=f"{repo}/.git")])], "out": [rule(repo.parent / "out")]})
    reader = Reader(watcher, repo)
    (repo / f".git/{LOCK}").touch()
    (repo / "web/main.py").write_text("new")
    (repo.parent / "out").write_text("of another place")
    assert await reader.next() == {"out": {"../out"}}
    (repo / "api/main.go").write_text("new")
    (repo / f".git/{LOCK}").rename(repo / ".git/index")
    assert await reader.next() == {"k": {"web/main.py", "api/main.go"}}


async def test_a_lock_that_was_there_before_holds_too(watcher: InotifyWatcher, repo: Path):
    work_tree = repo / ".git/worktrees/x"
    work_tree.mkdir(parents=True)
    (work_tree / LOCK).touch()
    (repo / "web/.git").write_text("gitdir: ../.git/worktrees/x\n")
    await watcher.update({"k": [rule(repo / "web/static"), rule(repo / "api")]})
    reader = Reader(watcher, repo)
    (repo / "web/static/app.css").write_text("held")
    (repo / "api/main.go").write_text("new")
    assert await reader.next() == {"k": {"api/main.go"}}
    (work_tree / LOCK).unlink()
    assert await reader.next() == {"k": {"web/static/app.css"}}


async def test_a_repository_that_begins_later_is_respected(watcher: InotifyWatcher, repo: Path):
    await watcher.update({"k": [rule(repo, ignores=[Ignore(base=f"{repo}/.git")])]})
    reader = Reader(watcher, repo)
    (repo / ".git").mkdir()
    (repo / "web/main.py").write_text("before")
    await reader.collect("web/main.py")
    await watcher.update({"k": [rule(repo, ignores=[Ignore(base=f"{repo}/.git")])], "x": [rule(repo / "api")]})
    (repo / f".git/{LOCK}").touch()
    (repo / "web/main.py").write_text("held")
    (repo / f".git/{LOCK}").unlink()
    (repo / "Tiltfile").write_text("after")
    assert "web/main.py" in (await reader.next())["k"]


async def test_a_submodule_whose_repository_is_named_later_is_respected(watcher: InotifyWatcher, repo: Path):
    git_dir = repo / ".git/modules/web"
    git_dir.mkdir(parents=True)
    await watcher.update({"k": [rule(repo, ignores=[Ignore(base=f"{repo}/.git")])]})
    reader = Reader(watcher, repo)
    (repo / "web/.git").write_text("gitdir: ../.git/modules/web\n")
    await reader.collect("web/.git")
    (git_dir / LOCK).touch()
    (repo / "web/static/app.css").write_text("held")
    (repo / "Tiltfile").write_text("of the repository around it")
    assert await reader.next() == {"k": {"Tiltfile"}}
    (git_dir / LOCK).unlink()
    assert await reader.next() == {"k": {"web/static/app.css"}}


async def test_a_repository_that_begins_later_around_what_is_watched_is_respected(watcher: InotifyWatcher, repo: Path):
    await watcher.update(
        {
            "file": [rule(repo / "Tiltfile")],
            "dir": [rule(repo / "web")],
            "out": [rule(repo.parent / "out")],
        }
    )
    reader = Reader(watcher, repo)
    (repo / ".git").mkdir()
    (repo.parent / "out").write_text("emitted when everything has been walked")
    assert await reader.next() == {"out": {"../out"}}
    (repo / f".git/{LOCK}").touch()
    (repo / "web/main.py").write_text("held")
    (repo / "Tiltfile").write_text("held")
    (repo.parent / "out").write_text("of another place")
    assert await reader.next() == {"out": {"../out"}}
    (repo / f".git/{LOCK}").unlink()
    assert await reader.next() == {"file": {"Tiltfile"}, "dir": {"web/main.py"}}
