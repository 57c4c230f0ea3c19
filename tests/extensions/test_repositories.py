import os
import subprocess  # noqa: TID251 - it makes real git repositories
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pytilt.errors import UserError
from pytilt.extensions.lockfile import LockedRepository, write
from pytilt.extensions.repositories import ENVIRONMENT, GitResult, Repositories
from pytilt.host.state import StateDirectory

URL = "https://example.com/team/extensions"


class Trial:
    """Repositories on a real git that takes a local repository for the one at `URL`."""

    def __init__(self, root: Path) -> None:
        self.origin = root / "origin"
        self.state = root / "state"
        self.commands: list[Sequence[str]] = []
        self.lines: list[str] = []
        self.reachable = True
        self._environ = {"HOME": str(root), "PATH": os.environ["PATH"], **dict(ENVIRONMENT)}  # noqa: TID251 - of git
        self.origin.mkdir()
        self._run(["init", "--quiet", "--initial-branch=main", str(self.origin)])
        self._run(["-C", str(self.origin), "config", "uploadpack.allowAnySHA1InWant", "true"])

    def commit(self, text: str, *, tag: str = "") -> str:
        (self.origin / "hello").mkdir(exist_ok=True)
        (self.origin / "hello" / "Tiltfile").write_text(text)
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        self._run(["-C", str(self.origin), "add", "."])
        self._run(["-C", str(self.origin), *who, "commit", "--quiet", "--allow-empty", "-m", text or "empty"])
        if tag:
            self._run(["-C", str(self.origin), "tag", tag])
        return self._run(["-C", str(self.origin), "rev-parse", "HEAD"]).output.strip()

    def repositories(
        self, *, lock: Path | None = None, fetches: bool = True, newest: bool = False, foreign: Path | None = None
    ) -> Repositories:
        def log(text: str, **_: object) -> None:
            self.lines.append(text)

        state = StateDirectory(self.state)
        return Repositories(state, self.git, log, lock=lock, fetches=fetches, newest=newest, foreign=foreign)

    def git(self, words: Sequence[str], progress: Callable[[str], None]) -> GitResult:
        self.commands.append(words)
        target = str(self.origin) if self.reachable else "/nowhere"
        result = self._run([target if word == URL else word for word in words])
        progress(result.complaint)
        return result

    @property
    def fetches(self) -> int:
        return sum("fetch" in words for words in self.commands)

    def _run(self, words: Sequence[str]) -> GitResult:
        done = subprocess.run(["git", *words], env=self._environ, capture_output=True, text=True, check=False)
        return GitResult(exit_status=done.returncode, output=done.stdout, complaint=done.stderr)


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


def test_what_lets_somebody_in_is_not_logged(trial: Trial):
    trial.reachable = False
    with pytest.raises(UserError):
        trial.repositories().checkout("https://me:password@example.com/x")
    assert trial.lines[0] == "Fetching extension repository https://[redacted]@example.com/x\n"


def test_a_repository_is_fetched_once_and_then_used_without_network(trial: Trial):
    commit = trial.commit("one")
    first = trial.repositories().checkout(URL)
    assert Path(first.path, "hello", "Tiltfile").read_text() == "one"
    assert first.commit == commit
    trial.reachable = False
    assert trial.repositories().checkout(URL) == first
    assert trial.fetches == 1
    assert trial.lines[0] == f"Fetching extension repository {URL}\n"


def test_a_newer_commit_comes_only_when_it_is_asked_for_and_beside_the_old_one(trial: Trial):
    trial.commit("one")
    old = trial.repositories().checkout(URL)
    commit = trial.commit("two")
    assert trial.repositories().checkout(URL) == old
    new = trial.repositories(newest=True).checkout(URL)
    assert new.commit == commit
    assert Path(old.path, "hello", "Tiltfile").read_text() == "one"
    assert trial.repositories().checkout(URL) == new


@pytest.mark.parametrize("ref", ["v1", "refs/tags/v1", "commit", "short"])
def test_a_ref_may_be_a_tag_or_a_commit(trial: Trial, ref: str):
    commit = trial.commit("one", tag="v1")
    trial.commit("two")
    wanted = {"commit": commit, "short": commit[:10]}.get(ref, ref)
    found = trial.repositories().checkout(URL, wanted)
    assert found.commit == commit
    assert Path(found.path, "hello", "Tiltfile").read_text() == "one"
    trial.reachable = False
    assert trial.repositories().checkout(URL, wanted) == found


def test_the_lock_wins_over_what_is_newer(trial: Trial, tmp_path: Path):
    trial.commit("one")
    first = trial.repositories().checkout(URL)
    trial.commit("two")
    lock = tmp_path / "lock"
    write(lock, [LockedRepository(url=URL, commit=first.commit, tree=first.tree)])
    trial.repositories(newest=True).checkout(URL)
    assert trial.repositories(lock=lock).checkout(URL) == first


def test_content_that_is_not_what_the_lock_says_is_refused(trial: Trial, tmp_path: Path):
    commit = trial.commit("one")
    lock = tmp_path / "lock"
    write(lock, [LockedRepository(url=URL, commit=commit, tree="0" * 40)])
    with pytest.raises(UserError, match="is not what the lock says"):
        trial.repositories(lock=lock).checkout(URL)


def test_without_network_the_message_names_repository_folder_and_remedy(trial: Trial):
    trial.reachable = False
    with pytest.raises(UserError, match=URL) as failed:
        trial.repositories().checkout(URL)
    folder = trial.state / "example.com" / "team" / "extensions"
    assert f"git clone {URL} {folder}" in (failed.value.hint or "")


def test_nothing_is_fetched_where_that_is_not_allowed(trial: Trial):
    trial.commit("one")
    with pytest.raises(UserError, match="nothing is fetched at `tilt down`"):
        trial.repositories(fetches=False).checkout(URL)
    assert trial.fetches == 0


def test_a_copy_that_somebody_put_there_is_used_as_it_is(trial: Trial):
    copy = trial.state / "example.com" / "team" / "extensions"
    (copy / "hello").mkdir(parents=True)
    assert trial.repositories().checkout(URL).path == str(copy)
    assert trial.fetches == 0


def test_what_tilt_has_fetched_is_used_too(trial: Trial, tmp_path: Path):
    commit = trial.commit("one")
    foreign = tmp_path / "tilt_modules"
    trial.git(["clone", "--quiet", str(trial.origin), str(foreign / "example.com" / "team" / "extensions")], print)
    found = trial.repositories(foreign=foreign).checkout(URL)
    assert found.commit == commit
    assert found.path == str(foreign / "example.com" / "team" / "extensions")
    assert trial.fetches == 0


def test_a_folder_is_a_repository_too(tmp_path: Path, trial: Trial):
    assert trial.repositories().checkout(f"file://{tmp_path}").path == str(tmp_path)


@pytest.mark.parametrize(
    ("url", "ref", "expected"),
    [
        ("file:///nowhere", "", "no such folder"),
        ("file://here", "", "must be absolute"),
        ("file:///", "v1", "has no `ref`"),
        ("ftp://example.com/x", "", "must start with"),
        ("https://example.com", "", "must start with"),
        ("https:///x", "", "must start with"),
        ("", "", "must start with"),
        ("https://h:port/x", "", "must start with"),
        ("https://[x/y", "", "must start with"),
    ],
)
def test_a_url_that_cannot_be_one_is_refused(trial: Trial, url: str, ref: str, expected: str):
    with pytest.raises(UserError, match=expected):
        trial.repositories().checkout(url, ref)


@pytest.mark.parametrize("url", ["https://example.com/../../etc", "https://example.com/a/%2e%2e/b", "https://../x"])
def test_no_url_leads_out_of_the_folder(trial: Trial, url: str):
    try:
        folder = trial.repositories().folder(url)
    except UserError:
        return
    assert folder.resolve().is_relative_to(trial.state.resolve())


@pytest.mark.parametrize("ref", ["--upload-pack=touch /tmp/x", "-x", "a b", "a..b", "~", "@{", "a\nb"])
def test_a_ref_that_git_could_misread_is_only_a_ref_that_is_not_there(trial: Trial, ref: str):
    trial.commit("one")
    with pytest.raises(UserError, match=r"cannot fetch|has no branch"):
        trial.repositories().checkout(URL, ref)


def test_a_ref_that_is_not_there_is_named_with_how_to_find_the_right_one(trial: Trial):
    trial.commit("one")
    with pytest.raises(UserError, match="has no branch, tag or commit `nope`") as raised:
        trial.repositories().checkout(URL, "nope")
    assert raised.value.hint == f"`git ls-remote {URL}` lists what it has; without `ref` the newest commit is taken"


def test_a_plain_file_server_that_gives_no_part_of_the_history_gives_all_of_it(trial: Trial):
    commit = trial.commit("one")
    real = trial.git

    def dumb(words: Sequence[str], progress: Callable[[str], None]) -> GitResult:
        if "--depth" in words:
            return GitResult(
                exit_status=128, output="", complaint="fatal: dumb http transport does not support shallow"
            )
        return real(words, progress)

    repositories = Repositories(StateDirectory(trial.state), dumb, lambda *_, **__: None, lock=None)
    assert repositories.checkout(URL).commit == commit
