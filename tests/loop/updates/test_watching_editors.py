"""One save is one change, of the file that was saved, by whatever program and in whatever steps."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pytilt.host.files.linux import InotifyWatcher
from pytilt.host.processes import HostRunner, ProcessRequest
from pytilt.loop.updates.watching import EDITORS, Watching
from pytilt.model.files import FileRule, Ignore
from pytilt.model.objects import FileWatch
from pytilt.settings import Settings
from pytilt.store.objects import Store
from tests.loop.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")

GIT = (Ignore(base="/", patterns=("**/.git",)),)

PROGRAM = "import os, sys, time\npath = sys.argv[1]\ndef write(name, flags=os.O_TRUNC):\n"
PROGRAM += "    file = os.open(name, os.O_WRONLY | os.O_CREAT | flags, 0o644)\n"
PROGRAM += "    os.write(file, b'new\\n'); os.fsync(file); os.close(file)\n"
"""What editors written in Python here share: a file is written in one piece and flushed to the disk."""

STEPS = {
    "in place": "write(path)",
    "vim, backup by renaming": (
        "os.close(os.open(os.path.dirname(path) + '/4913', os.O_CREAT | os.O_EXCL)); "
        "os.unlink(os.path.dirname(path) + '/4913'); os.rename(path, path + '~'); write(path); os.chmod(path, 0o644); "
        "os.unlink(path + '~')"
    ),
    "vim, backup by copying": "write(path + '~'); write(path); os.chmod(path, 0o644); os.unlink(path + '~')",
    "emacs, first save": "os.rename(path, path + '~'); write(path); os.chmod(path, 0o644)",
    "emacs, lock file": (
        "lock = os.path.join(os.path.dirname(path), '.#main.py'); os.symlink('me@here.1', lock); write(path); "
        "os.unlink(lock)"
    ),
    "JetBrains, safe write": (
        "write(path + '___jb_tmp___'); os.rename(path, path + '___jb_old___'); "
        "os.rename(path + '___jb_tmp___', path); os.unlink(path + '___jb_old___')"
    ),
    "temporary file of another name": (
        "temp = os.path.join(os.path.dirname(path), 'sedAbC123'); write(temp); os.chmod(temp, 0o644); "
        "os.rename(temp, path)"
    ),
    "temporary file, slowly": (
        "temp = os.path.join(os.path.dirname(path), '.goutputstream-1'); write(temp); time.sleep(0.03); "
        "os.rename(temp, path)"
    ),
    "delete and write anew": "os.unlink(path); time.sleep(0.01); write(path)",
}

REPOSITORY = """
git init -q
git config user.email a@b.c
git config user.name a
git add . && git commit -qm one
mkdir d
for i in 1 2 3 4 5 6 7 8; do echo $i > d/f$i; done
echo other > src/main.py
git add . && git commit -qm two
git branch -q three HEAD~1
echo mine > src/main.py
rm d/f1
"""


class Trial:
    """A directory that is watched, and what is emitted for it."""

    def __init__(self, root: Path, store: Store, runner: HostRunner, watching: Watching) -> None:
        self.root = root
        self._store = store
        self._runner = runner
        self._watching = watching

    async def run(self, *words: str) -> None:
        """Run a program to its end, watching what it does."""
        await self._watching.declare({"k": [FileRule(paths=(str(self.root),), ignores=(EDITORS, *GIT))]})
        await self.run_unwatched(*words)

    async def run_unwatched(self, *words: str) -> None:
        """Run a program to its end."""
        env = tuple({**Settings.from_environment().environ, "HOME": str(self.root.parent)}.items())
        request = ProcessRequest(argv=words, dir=str(self.root), env=env)
        outcome = await self._runner.run(request, lambda _: None)
        assert outcome.exit_status == 0

    async def seen(self) -> list[set[str]]:
        """What was emitted at each moment, after all has come to rest."""
        await asyncio.to_thread((self.root / "end").write_text, "end")
        await until(self._store, lambda: self.root / "end" in map(Path, self._changes()))
        await self._watching.caught_up()
        found: dict[int, set[str]] = {}
        for path, sequence in self._changes().items():
            found.setdefault(sequence, set()).add(path.removeprefix(f"{self.root}/"))
        moments = [found[sequence] - {"end"} for sequence in sorted(found)]
        assert self._watching.sequence == len(moments)  # no moment was overwritten by a later one
        return [moment for moment in moments if moment]

    def _changes(self) -> dict[str, int]:
        watch = self._store.get(FileWatch, "k")
        return dict(watch.status.changes) if watch else {}


@pytest.fixture
async def trial(tmp_path: Path, store: Store) -> AsyncIterator[Trial]:
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    (root / "src" / "main.py").write_text("old\n")
    async with InotifyWatcher() as watcher, HostRunner() as runner:
        watching = Watching(store, watcher)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(watching.run(), name="watching")
            yield Trial(root, store, runner, watching)
            running.cancel()


@pytest.mark.parametrize("steps", STEPS)
async def test_a_save_is_one_change_of_one_file(trial: Trial, steps: str):
    await trial.run(sys.executable, "-c", PROGRAM + STEPS[steps], str(trial.root / "src/main.py"))
    assert await trial.seen() == [{"src/main.py"}]


@pytest.mark.parametrize("turn", range(3))
async def test_sed_in_place_is_one_change_of_one_file(trial: Trial, turn: int):  # noqa: ARG001 - it is a race
    await trial.run("sed", "-i", "s/old/new/", "src/main.py")
    assert await trial.seen() == [{"src/main.py"}]


@pytest.mark.skipif(not shutil.which("vim.tiny") and not shutil.which("vim"), reason="there is no vim")
@pytest.mark.parametrize("backup", ["yes", "no", "auto"])
async def test_vim_itself(trial: Trial, backup: str):
    vim = shutil.which("vim") or "vim.tiny"
    words = ("-u", "NONE", "-es", "-c", f"set backup backupcopy={backup}", "-c", "%s/old/new/", "-c", "wq")
    await trial.run(vim, *words, "src/main.py")
    assert await trial.seen() == [{"src/main.py"}]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("mkdir d; echo x > d/f", {"d", "d/f"}),
        ("mkdir d", {"d"}),
        ("mkdir -p d/e/f; echo x > d/e/f/g; echo y > d/h", {"d", "d/e", "d/e/f", "d/e/f/g", "d/h"}),
        ("cp -r src copy", {"copy", "copy/main.py"}),
        ("mv src lib", {"src", "src/main.py", "lib", "lib/main.py"}),
        ("rm -r src", {"src", "src/main.py"}),
        ("echo x > new", {"new"}),
        ("echo x > temp; rm temp", set()),
        ("mkdir d; rmdir d", set()),
        ("echo old > src/main.py", {"src/main.py"}),
    ],
)
async def test_what_comes_and_goes_together_is_one_change(trial: Trial, command: str, expected: set[str]):
    await trial.run("sh", "-c", command)
    assert await trial.seen() == ([expected] if expected else [])


async def test_the_same_content_again_is_no_change(trial: Trial):
    for text in ("new", "new", "new"):
        await trial.run("sh", "-c", f"echo {text} > src/main.py; touch src/main.py")
    assert await trial.seen() == [{"src/main.py"}]


async def test_another_mode_is_a_change(trial: Trial):
    await trial.run("sh", "-c", "chmod 755 src/main.py")
    assert await trial.seen() == [{"src/main.py"}]


async def test_a_large_file_and_a_small_one_are_emitted_each_when_it_is_read(trial: Trial):
    await trial.run_unwatched("sh", "-c", "head -c 20000000 /dev/zero > src/large")
    await trial.run("sh", "-c", "echo x >> src/large; echo x > src/main.py")
    assert set().union(*await trial.seen()) == {"src/large", "src/main.py"}


@pytest.mark.parametrize("command", ["git checkout -qf three", "git stash -q", "git reset -q --hard HEAD~1"])
async def test_git_is_one_change(trial: Trial, command: str):
    await trial.run_unwatched("sh", "-ec", REPOSITORY)
    await trial.run("sh", "-c", command)
    assert len(await trial.seen()) == 1
