"""`ext://…`: extension repositories and extensions as a Tiltfile registers them, and which file a name means."""

import posixpath
import re
from pathlib import Path

from pytilt.errors import UserError
from pytilt.extensions.lockfile import NAME as LOCK_FILE
from pytilt.extensions.repositories import DEFAULT_URL, Checkout
from pytilt.model.base import Value
from pytilt.model.extensions import UsedExtension
from pytilt.tiltfile.arguments.conversions import Pairs, Strings, Text
from pytilt.tiltfile.running.env_files import url_secrets
from pytilt.tiltfile.running.functions import function
from pytilt.tiltfile.running.request import UsedRepository
from pytilt.tiltfile.running.script import Script

PREFIX = "ext://"
REPOSITORIES = "extensionrepos"
DEFAULT_REPOSITORY = "default"
"""The repository of extensions that name no other."""


_Texts = tuple[tuple[str, str], ...]

_MOST_NAMED = 10
_FOLDER = "file://"


class ExtensionRepo(Value):
    """A call of `v1alpha1.extension_repo`."""

    url: str
    ref: str = ""
    load_host: str = ""
    """`load('ext://HOST/…')` means this repository."""
    git_subpath: str = ""


class Extension(Value):
    """A call of `v1alpha1.extension`, or what a `load` means."""

    repo_name: str
    repo_path: str
    args: tuple[str, ...] = ()


class Extensions:
    """The repositories and extensions of one evaluation.

    Args:
        script: the running script.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self._repos: dict[str, ExtensionRepo] = {}
        self._registered: dict[str, Extension] = {}
        self._loaded: set[str] = set()
        self._checkouts: dict[tuple[str, str], UsedRepository] = {}

    @function("v1alpha1.extension_repo")
    def extension_repo(
        self,
        name: Text,
        labels: Pairs = (),
        annotations: Pairs = (),
        url: Text = "",
        ref: Text = "",
        load_host: Text = "",
        git_subpath: Text = "",
    ) -> None:
        """Register a repository of extensions."""
        problem = _repo_problem(url, git_subpath)
        if problem:
            raise UserError(problem, hint="name it by `https://…`, or by `file://` and the absolute path of a folder")
        repo = ExtensionRepo(url=url, ref=ref, load_host=load_host, git_subpath=git_subpath)
        if self._repos.setdefault(name, repo) != repo:
            raise UserError(f'extensionrepos "{name}" already registered')
        self._record_repo(name, repo, labels, annotations)

    @function("v1alpha1.extension")
    def extension(
        self,
        name: Text,
        labels: Pairs = (),
        annotations: Pairs = (),
        repo_name: Text = "",
        repo_path: Text = "",
        args: Strings = (),
    ) -> None:
        """Register an extension for `load`; one that is never loaded runs as a Tiltfile of its own."""
        extension = Extension(repo_name=repo_name, repo_path=repo_path, args=tuple(args))
        if self._registered.setdefault(sanitized(name), extension) != extension:
            raise UserError(f'extensions "{name}" already registered')
        self._record(name, extension, labels, annotations)

    def add(self, added: UsedExtension) -> tuple[str, tuple[str, ...]] | None:
        """Take one that a client added beside the Tiltfile.

        Args:
            added: an extension, or a repository.

        Returns:
            Path and arguments of the Tiltfile of an extension; None for a repository.

        Raises:
            UserError: it cannot be had.
        """
        name, spec = added.name, {key: value for key, value in added.spec.items() if isinstance(value, str)}
        if added.plural == REPOSITORIES:
            repo = ExtensionRepo(
                url=spec.get("url", ""),
                ref=spec.get("ref", ""),
                load_host=spec.get("loadHost", ""),
                git_subpath=spec.get("gitSubpath", ""),
            )
            self._record_repo(name, repo, (), ())
            if problem := _repo_problem(repo.url, repo.git_subpath):
                raise UserError(problem)
            if self._repos.setdefault(name, repo) != repo:
                raise UserError(f'extensionrepos "{name}" already registered')
            return None
        args = added.spec.get("args", ())
        extension = Extension(
            repo_name=spec.get("repoName") or DEFAULT_REPOSITORY,
            repo_path=spec.get("repoPath", ""),
            args=tuple(args) if isinstance(args, list | tuple) else (),
        )
        self._record(name, extension, (), ())
        if self._registered.setdefault(sanitized(name), extension) != extension:
            raise UserError(f'extensions "{name}" already registered')
        return self._path(extension, name), extension.args

    def path(self, module: str) -> str:
        """The Tiltfile that `ext://MODULE` means.

        Raises:
            UserError: there is none, or its repository cannot be had.
        """
        name = sanitized(module)
        self._loaded.add(name)
        extension = self._registered.get(name)
        if extension is None:
            extension = self._inferred(module)
            self._record(name, extension, (), (("tilt.dev/managed-by", "tiltfile.loader"),))
        return self._path(extension, module)

    def unloaded(self) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """The registered extensions that nothing loads: name, path of the Tiltfile, arguments.

        Raises:
            UserError: as `path`.
        """
        rest = [(name, each) for name, each in self._registered.items() if name not in self._loaded]
        return tuple((name, self._path(each, name), each.args) for name, each in rest)

    @property
    def used(self) -> tuple[UsedRepository, ...]:
        """The repositories that files were taken from."""
        return tuple(self._checkouts.values())

    def _inferred(self, module: str) -> Extension:
        host, slash, rest = module.partition("/")
        if slash:
            for name, repo in self._repos.items():
                if repo.load_host and repo.load_host == host:
                    return Extension(repo_name=name, repo_path=rest)
        return Extension(repo_name=DEFAULT_REPOSITORY, repo_path=module)

    def _path(self, extension: Extension, module: str) -> str:
        repo = self._repos.get(extension.repo_name)
        if repo is None:
            if extension.repo_name != DEFAULT_REPOSITORY:
                raise UserError(
                    f"loading extension {module}: extension repo not found: {extension.repo_name}",
                    hint=f"register it with `v1alpha1.extension_repo(name='{extension.repo_name}', url=…)`",
                )
            repo = ExtensionRepo(url=DEFAULT_URL)
            self._record_repo(DEFAULT_REPOSITORY, repo, (), ())
        root = self._checkout(repo, module).path
        found = posixpath.normpath(posixpath.join(root, repo.git_subpath, extension.repo_path, "Tiltfile"))
        if not found.startswith(f"{root.rstrip('/')}/"):
            raise UserError(f"loading extension {module}: invalid repo path: {extension.repo_path}")
        if not Path(found).is_file():
            raise UserError(
                f"loading extension {module}: no extension tiltfile found at {found}",
                hint=_similar(posixpath.join(root, repo.git_subpath), extension.repo_path),
            )
        if not repo.url.startswith(_FOLDER) and not Path(found).resolve().is_relative_to(Path(root).resolve()):
            raise UserError(
                f"loading extension {module}: {found} is a link that leads out of its repository",
                hint=f"have a file of {repo.url} in its place: the lock knows nothing of what is outside",
            )
        return found

    def _record_repo(self, name: str, repo: ExtensionRepo, labels: _Texts, annotations: _Texts) -> None:
        self._script.learn(url_secrets(f"extension_repo:{name}", repo.url))
        spec = {"url": repo.url, "ref": repo.ref, "loadHost": repo.load_host, "gitSubpath": repo.git_subpath}
        self._script.recorder.declare("extensionrepos", name, labels, annotations, spec)

    def _record(self, name: str, extension: Extension, labels: _Texts, annotations: _Texts) -> None:
        spec = {"repoName": extension.repo_name, "repoPath": extension.repo_path, "args": list(extension.args)}
        self._script.recorder.declare("extensions", name, labels, annotations, spec)

    def _checkout(self, repo: ExtensionRepo, module: str) -> Checkout:
        self._script.watch(posixpath.join(posixpath.dirname(self._script.request.path), LOCK_FILE))
        key = (repo.url, repo.ref)
        known = self._checkouts.get(key)
        if known is None:
            self._script.pending.settle()  # files that a chart is made of may be replaced
        checkout = known.checkout if known else self._script.host.checkout(*key)
        names = (*(known.extensions if known else ()), module)
        self._checkouts[key] = UsedRepository(
            url=repo.url, ref=repo.ref, checkout=checkout, extensions=tuple(dict.fromkeys(names))
        )
        return checkout


def _repo_problem(url: str, git_subpath: str) -> str:
    """What is wrong with a repository as it is registered; empty where nothing is."""
    is_folder = url.startswith(_FOLDER)
    if not is_folder and not url.startswith(("https://", "http://")):
        return f'spec.url: Invalid value: "{url}": URLs must start with http(s):// or file://'
    if is_folder and not url.removeprefix(_FOLDER).startswith("/"):
        return f'spec.url: Invalid value: "{url}": file:// URLs must be absolute'
    if is_folder and git_subpath:
        return f'spec.git_subpath: Invalid value: "{git_subpath}": a file:// repository has none'
    return ""


def sanitized(name: str) -> str:
    """The name of an extension's object: what a path cannot hold is replaced, as in Tilt."""
    return re.sub(r"[/%]", "_", name)


def _similar(folder: str, name: str) -> str:
    """What the repository has in place of an extension that is not there."""
    import difflib  # imported here: mostly there is nothing to propose

    there = sorted(path.parent.name for path in Path(folder).glob("*/Tiltfile"))
    close = difflib.get_close_matches(name, there, 1)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"the repository has {', '.join(there[:_MOST_NAMED])}" if there else "there is no extension in that folder"
