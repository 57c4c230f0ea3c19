"""Repositories on this machine: each commit that was asked for is a folder that never changes once it is there.

Below the state directory's `extensions`:

    .fetched/HOST%2FPATH/git        what was fetched, without a work tree
    .fetched/HOST%2FPATH/COMMIT     the files of a commit
    HOST/PATH                       what somebody has put there by hand; it is used as it is

So is what Tilt itself has fetched before.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

from pytilt.errors import UserError
from pytilt.extensions.lockfile import LockedRepository, read
from pytilt.host.state import StateDirectory, explained
from pytilt.model.base import Value
from pytilt.model.logs import Level, Log
from pytilt.model.regex import regex

DEFAULT_URL = "https://github.com/tilt-dev/tilt-extensions"
"""The repository of an extension that names no other; Tilt's."""

SCHEMES = ("https", "http", "ssh", "git")
COMPLAINTS = ("fatal:", "error:")
"""How git begins the lines that say why it failed."""
HOST = regex(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
COMMIT = regex(r"[0-9a-f]{40}|[0-9a-f]{64}")

ENVIRONMENT = (("GIT_TERMINAL_PROMPT", "0"), ("GIT_HTTP_LOW_SPEED_LIMIT", "1000"), ("GIT_HTTP_LOW_SPEED_TIME", "30"))
"""Git asks nobody for a password, and gives up on a server that sends less than 1 kB/s for 30 s."""

_DUMB = "dumb http transport"
_USER = regex(r"://[^\s/@]+@")
_NO_REF = "couldn't find remote ref"


class GitResult(Value):
    """How a git command ended."""

    exit_status: int
    output: str = ""
    """Standard output."""
    complaint: str = ""
    """Standard error, or why it could not start."""


RunGit = Callable[[Sequence[str], Callable[[str], None]], GitResult]
"""Runs `git` with these words and `ENVIRONMENT`; its progress is passed on as it comes. Blocks until it ends."""


class Checkout(Value):
    """The files of a repository."""

    path: str
    commit: str = ""
    """Empty where nobody knows: a folder that is no git repository."""
    tree: str = ""


class Repositories:
    """Finds and fetches repositories. Its methods block: call them from a thread.

    Args:
        state: the folder that holds them.
        git: runs git.
        log: takes what is fetched.
        lock: path of the project's lock file, which need not exist.
        fetches: may anything be fetched? `tilt down` does without.
        newest: fetch again, once, what is known already.
        foreign: where Tilt keeps its own copies; what is there need not be fetched.
    """

    def __init__(
        self,
        state: StateDirectory,
        git: RunGit,
        log: Log,
        *,
        lock: Path | None = None,
        fetches: bool = True,
        newest: bool = False,
        foreign: Path | None = None,
    ) -> None:
        self._state = state
        self._git = git
        self._log = log
        self._lock_path = lock
        self._fetches = fetches
        self._newest = newest
        self._foreign = foreign

    def folder(self, url: str) -> Path:
        """Where a copy of a repository may be put by hand.

        Raises:
            UserError: it is none that can be fetched.
        """
        try:
            parts = urlsplit(url)
            host = f"{parts.hostname}_{parts.port}" if parts.port else parts.hostname or ""
        except ValueError:  # a port that is no number, a bracket that is never closed
            parts, host = urlsplit(""), ""
        segments = [quote(part, safe="~@+") for part in parts.path.split("/") if part not in ("", ".", "..")]
        if parts.scheme not in SCHEMES or not HOST.fullmatch(host) or not segments:
            raise UserError(
                f"an extension repository's URL must start with 'https://' or 'file://': {url}",
                hint="for a folder on this machine write `file://` and its absolute path",
            )
        return self._state.path.joinpath(host, *segments)

    def checkout(self, url: str, ref: str = "") -> Checkout:
        """The files of a repository at a ref, fetched if they are not on this machine yet.

        Args:
            url: `https://…`, or `file://` and the absolute path of a folder.
            ref: a branch, a tag or a commit; empty: the default branch. The lock of the project wins over both.

        Raises:
            UserError: it cannot be had, with what to do about it.
        """
        if url.startswith("file://"):
            return self._local(url, ref)
        given = self._given(url, ref)
        if given is not None:
            return given
        locked = self._locked(url, ref)
        wanted = locked.commit if locked else ref or "HEAD"
        fetched = self._fetched(url)
        repository = _GitRepository(fetched / "git", self._git)
        commit = "" if self._newest else repository.known(wanted)
        if not commit:
            commit = self._fetch(repository, url, wanted)
        tree = repository.tree(commit)
        if locked and locked.tree != tree:
            raise UserError(
                f"extension repository {url}: the content of commit {commit[:12]} is not what the lock says",
                hint="look at what changed, then write the lock anew with `tilt extension lock`",
            )
        return Checkout(path=str(repository.files(commit, fetched / commit)), commit=commit, tree=tree)

    def copies(self, url: str) -> Iterator[Path]:
        """The folders of this machine that hold files of a repository, of whatever commit: the newest first."""
        folder = self.folder(url)
        foreign = [self._foreign / folder.relative_to(self._state.path)] if self._foreign is not None else []
        fetched = self._fetched(url)
        commits = [each for each in fetched.iterdir() if each.name != "git"] if fetched.is_dir() else []
        newest = sorted(commits, key=lambda each: each.stat().st_mtime, reverse=True)
        yield from (each for each in [folder, *newest, *foreign] if each.is_dir())

    def _local(self, url: str, ref: str) -> Checkout:
        path = Path(url.removeprefix("file://"))
        if ref:
            raise UserError(f"extension repository {url}: a folder has no `ref`")
        if not path.is_absolute():
            raise UserError(f"file paths must be absolute. Url: {url}")
        if not path.is_dir():
            raise UserError(f"extension repository {url}: there is no such folder")
        return Checkout(path=str(path))

    def _fetched(self, url: str) -> Path:
        return self._state.path / ".fetched" / quote(str(self.folder(url).relative_to(self._state.path)), safe="")

    def _given(self, url: str, ref: str) -> Checkout | None:
        """What somebody put there, or Tilt fetched; None where there is nothing, or a ref that it may not be of."""
        folder = self.folder(url)
        places = [folder]
        if self._foreign is not None and not self._newest and not self._fetched(url).exists():
            places.append(self._foreign / folder.relative_to(self._state.path))
        for place in places:
            if not place.is_dir() or not any(place.iterdir()):
                continue
            commit = tree = ""
            if (place / ".git").exists():
                work = _GitRepository(place / ".git", self._git)
                commit = work.known("HEAD")
                tree = work.tree(commit) if commit else ""
                if ref and work.known(ref) != commit:
                    continue
            elif ref:
                continue
            locked = self._locked(url, ref)
            if locked and locked.tree != tree:
                continue
            return Checkout(path=str(place), commit=commit, tree=tree)
        return None

    def _progress(self, url: str) -> Callable[[str], None]:
        """Git rewrites one line again and again; the newest state of it is passed on."""

        def progress(text: str) -> None:
            lines = [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
            if lines and not lines[-1].startswith(COMPLAINTS):
                self._log(f"{lines[-1]}\n", progress=f"git {_shown(url)}")

        return progress

    def _locked(self, url: str, ref: str) -> LockedRepository | None:
        lock = read(self._lock_path) if self._lock_path else None
        return lock.find(url, ref) if lock else None

    def _fetch(self, repository: "_GitRepository", url: str, ref: str) -> str:
        folder = self.folder(url)
        if not self._fetches:
            raise UserError(
                f"extension repository {url} is not on this machine, and nothing is fetched at `tilt down`",
                hint=f"run `tilt up` or `tilt extension lock` first, or put it there: `git clone {url} {folder}`",
            )
        shown = "" if ref == "HEAD" else f" at {ref}"
        self._log(f"Fetching extension repository {_shown(url)}{shown}\n")
        StateDirectory(self._fetched(url)).make()
        why = repository.fetch(url, ref, self._progress(url))
        commit = "" if why else repository.known(ref)
        if commit:
            return commit
        if stale := repository.known(ref):
            self._log(f"Extension repository {_shown(url)} may be stale: {why}\n", level=Level.WARN)
            return stale
        if shown and (not why or _NO_REF in why):
            raise UserError(
                f"extension repository {url} has no branch, tag or commit `{ref}`",
                hint=f"`git ls-remote {url}` lists what it has; without `ref` the newest commit is taken",
            )
        raise UserError(
            f"cannot fetch extension repository {url}{shown}: {why or 'it has no commit'}",
            hint=(
                f"without network, put a copy where it would be: `git clone {url} {folder}`, or name another folder: "
                "`v1alpha1.extension_repo(name='default', url='file:///…')`"
            ),
        )


class _GitRepository:
    """A git repository without a work tree."""

    def __init__(self, path: Path, git: RunGit) -> None:
        self._path = path
        self._git = git

    def known(self, ref: str) -> str:
        """The commit of a ref as it was fetched last, empty where it never was."""
        if not self._path.exists():
            return ""
        names = (ref,) if COMMIT.fullmatch(ref) or not self._ours else (_kept(ref),)
        for name in names:
            found = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            if found.exit_status == 0:
                return found.output.strip()
        return ""

    def tree(self, commit: str) -> str:
        """The hash of a commit's content."""
        return self._run("rev-parse", "--verify", f"{commit}^{{tree}}").output.strip()

    def fetch(self, url: str, ref: str, progress: Callable[[str], None]) -> str:
        """Fetch one ref without its history; a commit that the server hands out by no name costs the whole history.

        Returns:
            Why it failed, empty where it did not.
        """
        made = self._git(["init", "--quiet", "--bare", str(self._path)], progress)
        if made.exit_status:
            return made.complaint.strip() or "git cannot make a repository"
        options = ("fetch", "--progress", "--force", "--no-tags")
        done = self._run(*options, "--depth", "1", "--", url, f"{ref}:{_kept(ref)}", progress=progress)
        if done.exit_status and _DUMB in done.complaint:  # a plain file server, which has the whole history or nothing
            done = self._run(*options, "--", url, f"{ref}:{_kept(ref)}", progress=progress)
        if done.exit_status and re.fullmatch(r"[0-9a-f]{7,64}", ref):
            every = self._run(*options, "--", url, "+refs/*:refs/fetched/*", progress=progress)
            if every.exit_status == 0:
                done = self._run("update-ref", _kept(ref), f"{ref}^{{commit}}")
        return "" if done.exit_status == 0 else _reason(done.complaint)

    def files(self, commit: str, folder: Path) -> Path:
        """The files of a commit in a folder of their own; made whole or not at all.

        Raises:
            UserError: the disk is full, or git failed.
        """
        if folder.exists():
            return folder
        import tempfile

        with explained(folder), tempfile.TemporaryDirectory(prefix=".", dir=folder.parent) as temporary:
            unpacked = Path(temporary, "files")
            unpacked.mkdir()
            done = self._run(f"--work-tree={unpacked}", "checkout", "--quiet", "--force", commit, "--", ".")
            if done.exit_status:
                raise UserError(f"git cannot unpack commit {commit}: {done.complaint.strip()}")
            with suppress(FileExistsError):  # another session was quicker
                unpacked.rename(folder)
        return folder

    @property
    def _ours(self) -> bool:
        return self._path.name != ".git"

    def _run(self, *words: str, progress: Callable[[str], None] = lambda _: None) -> GitResult:
        return self._git([f"--git-dir={self._path}", *words], progress)


def _shown(url: str) -> str:
    """An address without what lets somebody in: the log gets it before the evaluation says what is secret."""
    return _USER.sub("://[redacted]@", url)


def _kept(ref: str) -> str:
    """The name under which a fetched ref is kept."""
    return f"refs/pytilt/{quote(ref, safe='').replace('.', '%2E')}"


def _reason(complaint: str) -> str:
    """The lines of git's that say why."""
    lines = [line.strip() for line in complaint.replace("\r", "\n").splitlines()]
    complaints = [line for line in lines if line.startswith(COMPLAINTS)]
    return "; ".join(complaints or lines[-1:]) or "git failed"
