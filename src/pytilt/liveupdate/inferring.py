"""Where changed files of a build context are in the containers of an image, inferred from its Dockerfile. Pure.

A file is synced only if the container then has exactly what a full build would bring: some `COPY` brings the file, and
nothing after that may have read it. Everything else is a reason for a full build, which names the instruction.
"""

import contextlib
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from msgspec.structs import replace

from pytilt.host.ignoring import compile_ignores
from pytilt.images.build_paths import covers, overlap
from pytilt.liveupdate.glob_sources import excluded, is_glob, matched_part
from pytilt.liveupdate.planning import ChangedFile, FallBack, FileKind, SyncedFile, SyncPlan, plan_sync
from pytilt.liveupdate.processes import blind_to
from pytilt.model.base import Value
from pytilt.model.images import LiveUpdate, Run
from pytilt.model.inference import Chain, Copied, Executed, Form, Inferred, Mounted, Taken

_ARCHIVES = (".tar", ".tgz", ".gz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".lz", ".lzma", ".Z")
_ROOT_USERS = ("", "root", "0")

_NO_DIRECTORIES = 'for d; do if [ -d "$d" ]; then exit 1; fi; done'


class SourceTree(Protocol):
    """The files of this machine, as they are now."""

    def kind(self, path: str) -> FileKind:
        """What is at an absolute path; a symbolic link is not followed."""
        ...

    def matches(self, context: str, pattern: str) -> Sequence[str]:
        """The paths, relative to a directory, that match a source with `*`."""
        ...

    def is_archive(self, path: str) -> bool:
        """Would `ADD` unpack this file?"""
        ...

    def is_special(self, path: str) -> bool:
        """Has it permissions beside those to read, write and execute?"""
        ...


class UnseenTree:
    """A tree of which nothing is known, for a first answer: nothing is in the way."""

    def kind(self, path: str) -> FileKind:  # noqa: ARG002 - nothing is known
        """Nothing is there."""
        return FileKind.GONE

    def matches(self, context: str, pattern: str) -> Sequence[str]:  # noqa: ARG002 - nothing is known
        """None."""
        return ()

    def is_archive(self, path: str) -> bool:  # noqa: ARG002 - nothing is known
        """No."""
        return False

    def is_special(self, path: str) -> bool:  # noqa: ARG002 - nothing is known
        """No."""
        return False


class Landing(Value):
    """A place in the image at which a file arrives."""

    local: str
    remote: str
    step: Copied
    source: str
    """What the instruction names: the file itself, or a directory above it; relative to the context."""
    root: bool = False
    """It is the directory itself that the instruction names: only what is in it is copied."""
    open: bool = False
    """Only if there is no directory of that name."""


class _Rebuild(Exception):  # noqa: N818 - an answer
    """The file cannot be brought in place."""


def plan_changes(changed: Sequence[ChangedFile], rules: LiveUpdate | Inferred, tree: SourceTree) -> SyncPlan | FallBack:
    """Decide what to do with changed files, by rules of the Tiltfile or inferred ones.

    Args:
        changed: the files that changed, each once.
        rules: how the containers may be updated.
        tree: the files as they are now.
    """
    return plan_inferred(changed, rules, tree) if isinstance(rules, Inferred) else plan_sync(changed, rules)


def plan_inferred(changed: Sequence[ChangedFile], rules: Inferred, tree: SourceTree) -> SyncPlan | FallBack:
    """Decide what to do with changed files.

    Args:
        changed: the files that changed, each once.
        rules: what is known of their image.
        tree: the files as they are now.
    """
    copies, deletions, places = dict[str, SyncedFile](), dict[str, SyncedFile](), list[str]()
    try:
        if rules.chain.unclear:
            raise _Rebuild(rules.chain.unclear)
        _check_links(rules.chain, tree)
        for file in sorted(changed, key=lambda file: file.path):
            present = _present(file)
            for landing in _landings(present, rules, tree):
                if present.kind is FileKind.GONE:
                    deletions[landing.remote] = _synced(landing)
                    continue
                copies |= {parent.remote: parent for parent in _parents(landing, rules.chain, tree)}
                copies[landing.remote] = replace(_synced(landing), alone=present.kind is FileKind.DIRECTORY)
                if landing.step.mode is not None and any(tree.is_special(each.local) for each in copies.values()):
                    raise _Rebuild(f"which special permissions {landing.step.where} leaves depends on the builder")
                places += [landing.remote] if landing.open else []
    except _Rebuild as reason:
        return FallBack(reason=str(reason))
    checks = (Run(argv=("sh", "-c", _NO_DIRECTORIES, "sh", *places), echo_off=True),) if places else ()
    return SyncPlan(deletions=tuple(deletions.values()), copies=tuple(copies.values()), checks=checks)


def blind(rules: Inferred, remotes: Iterable[str]) -> bool:
    """Does anything that runs there not see that some of these files changed?"""
    seen = (blind_to(process, remote) for remote in remotes for process in rules.processes)
    return not rules.processes or any(seen)


def arrivals(changed: Sequence[ChangedFile], rules: Inferred, tree: SourceTree) -> list[Landing]:
    """Where changed files go; nothing of those for which a full build is needed.

    Args:
        changed: the files that changed.
        rules: what is known of their image.
        tree: the files as they are now.
    """
    found: list[Landing] = []
    for file in changed:
        with contextlib.suppress(_Rebuild):
            found += _landings(_present(file), rules, tree)
    return found


def _landings(file: ChangedFile, rules: Inferred, tree: SourceTree) -> list[Landing]:
    """Where a file has to go.

    Raises:
        _Rebuild: a full build is needed.
    """
    found = _traced(rules.chain, file, tree)
    if not found:
        raise _Rebuild(f"no `COPY` of its Dockerfile brings {_name(file.path, rules)} as it is")
    if file.kind is FileKind.GONE:
        _check_deletion(file, found, rules, tree)
    for landing in found:
        _check_place(landing, rules, file.kind)
    return [landing for landing in found if not landing.root]


def _present(file: ChangedFile) -> ChangedFile:
    """The file, or the directory above it that is gone with it."""
    if not file.above:
        return file
    first = file.above[0]
    if first.kind is not FileKind.GONE:
        raise _Rebuild(f"`{first.path}` is no directory any more")
    return first


def _name(path: str, rules: Inferred) -> str:
    root = next((root for root in rules.roots if covers(root, path)), "/")
    return f"`{posixpath.relpath(path, root)}`"


def _traced(chain: Chain, file: ChangedFile, tree: SourceTree) -> list[Landing]:
    """Follow a file through the steps, to where it is in the end."""
    found: list[Landing] = []
    name = f"`{posixpath.basename(file.path)}`"
    for number, step in enumerate(chain.steps):
        if isinstance(step, Copied):
            arrived = list(_arrivals(chain, number, file, tree))
            if arrived and step.unclear:
                raise _Rebuild(f"{step.where} copies {name}, and depends on {step.unclear}")
            for each in arrived:
                _check_only(each, tree)
            found = [each for each in found if not _is_overwritten(each, step, tree)]
            new = {each.remote for each in arrived}
            found = [*(each for each in found if each.remote not in new), *arrived]
        elif isinstance(step, Executed):
            _check_reader(step, found, file, tree)
        elif isinstance(step, Taken):
            _check_taken(step, found, file, tree)
    volumes = [step for step in chain.steps if isinstance(step, Mounted)]
    for volume in volumes:
        if any(covers(volume.path, each.remote) for each in found):
            raise _Rebuild(f"{volume.where} keeps what {name} is part of")
    return found


def _check_only(landing: Landing, tree: SourceTree) -> None:
    """One instruction with several sources may bring several files to one place, of which one stays."""
    step = landing.step
    for candidate in _candidates(step, landing.remote, tree):
        if candidate != landing.local and _inside(step, candidate):
            kind = tree.kind(candidate)
            if kind is not FileKind.GONE and not (landing.root or kind is FileKind.DIRECTORY):
                raise _Rebuild(f"{step.where} brings `{posixpath.basename(candidate)}` to the same place")


def _check_reader(step: Executed, found: Sequence[Landing], file: ChangedFile, tree: SourceTree) -> None:
    name = f"`{posixpath.basename(file.path)}`"
    if found:
        raise _Rebuild(f"{step.where} may read {name}, which {found[0].step.where} brings")
    if any(covers(posixpath.join(context, source).rstrip("/"), file.path) for context, source in step.mounts):
        raise _Rebuild(f"{step.where} reads {name}")
    for below in step.below:
        if below.unclear or _traced(below, file, tree):
            raise _Rebuild(f"{step.where} reads {name} from another stage")


def _check_taken(step: Taken, found: Sequence[Landing], file: ChangedFile, tree: SourceTree) -> None:
    name = f"`{posixpath.basename(file.path)}`"
    for each in _traced(step.below, file, tree) if step.below else ():
        if any(overlap(_before_glob(source), each.remote) for source in step.sources):
            raise _Rebuild(f"{step.where} takes {name} from where {each.step.where} brings it")
    for each in found:
        if not step.destination or overlap(step.destination, each.remote):
            raise _Rebuild(f"{step.where} may write where {name} is")


def _before_glob(source: str) -> str:
    parts = source.split("/")
    first = next((number for number, part in enumerate(parts) if is_glob(part)), len(parts))
    return "/".join(parts[:first]) or "/"


def _arrivals(chain: Chain, number: int, file: ChangedFile, tree: SourceTree) -> Iterator[Landing]:
    """Where one instruction brings a file."""
    step = chain.steps[number]
    assert isinstance(step, Copied)
    relative = _inside(step, file.path)
    for source in step.sources if relative else ():
        part = matched_part(source, relative)
        if part is None:
            continue
        rest = relative[len(part) :].lstrip("/")
        if step.excludes and _left_out(step, relative, rest):
            continue
        landing = Landing(local=file.path, remote=_below(step.destination, rest), step=step, source=part)
        if rest:
            yield landing
        elif file.kind is FileKind.DIRECTORY:
            yield replace(landing, root=True)
        else:
            yield _of_file(landing, source, _form(chain, number, tree), file.kind, tree)


def _of_file(landing: Landing, source: str, form: Form, kind: FileKind, tree: SourceTree) -> Landing:
    """Where a file that the instruction names itself arrives."""
    step, name = landing.step, posixpath.basename(landing.local)
    if kind is FileKind.LINK:
        raise _Rebuild(f"{step.where} follows the symbolic link `{name}`")
    if step.extracts and (name.endswith(_ARCHIVES) or tree.is_archive(landing.local)):
        raise _Rebuild(f"{step.where} unpacks `{name}`")
    if form is Form.DIRECTORY:
        return replace(landing, remote=_below(step.destination, name))
    if is_glob(source):
        raise _Rebuild(f"{step.where} names no directory: end its destination with `/`")
    return replace(landing, open=form is Form.OPEN)


def _form(chain: Chain, number: int, tree: SourceTree) -> Form:
    """What the destination is, also because of a directory that an earlier instruction copied there."""
    step = chain.steps[number]
    assert isinstance(step, Copied)
    if step.form is Form.DIRECTORY:
        return step.form
    for earlier in chain.steps[:number]:
        if isinstance(earlier, Copied) and overlap(earlier.destination, step.destination):
            for source in earlier.sources:
                inside = posixpath.relpath(step.destination, earlier.destination)
                path = posixpath.normpath(posixpath.join(earlier.context, source, inside))
                if not inside.startswith("..") and tree.kind(path) is FileKind.DIRECTORY:
                    return Form.DIRECTORY
    return step.form


def _inside(step: Copied, path: str) -> str:
    """A path relative to the context of an instruction; empty for one that is not part of it."""
    if path == step.context or not covers(step.context, path) or compile_ignores(step.ignores).matches(path):
        return ""
    return path[len(step.context.rstrip("/")) + 1 :]


def _left_out(step: Copied, relative: str, rest: str) -> bool:
    answers = {excluded(step.excludes, each) for each in (relative, rest or posixpath.basename(relative))}
    if len(answers) > 1:
        raise _Rebuild(f"{step.where} may leave out `{relative}`")
    return answers.pop()


def _is_overwritten(landing: Landing, step: Copied, tree: SourceTree) -> bool:
    """Does a later instruction bring another file to the same place?"""
    for candidate in _candidates(step, landing.remote, tree):
        if candidate == landing.local or not _inside(step, candidate):
            continue
        if tree.kind(candidate) is not FileKind.GONE:
            if step.excludes or tree.kind(candidate) is FileKind.DIRECTORY:
                raise _Rebuild(f"{step.where} may write where `{posixpath.basename(landing.local)}` is")
            return True
    if step.unclear and overlap(step.destination, landing.remote):
        raise _Rebuild(f"{step.where} depends on {step.unclear}")
    return False


def _candidates(step: Copied, remote: str, tree: SourceTree) -> Iterator[str]:
    """The files of the context that an instruction would bring to a place."""
    if not covers(step.destination, remote):
        return
    rest = remote[len(step.destination.rstrip("/")) :].lstrip("/")
    for source in step.sources:
        for found in tree.matches(step.context, source) if is_glob(source) else (source,):
            whole = posixpath.join(step.context, found).rstrip("/")
            yield posixpath.join(whole, rest) if rest else whole
            if rest and rest == posixpath.basename(found):
                yield whole


def _check_links(chain: Chain, tree: SourceTree) -> None:
    """What an instruction names must be no link: what it leads to would be copied, under another path."""
    for step in chain.steps:
        if isinstance(step, Copied):
            for source in step.sources:
                for found in tree.matches(step.context, source) if is_glob(source) else (source,):
                    _check_link(step, found, tree)
        for below in step.below if isinstance(step, Executed) else ():
            _check_links(below, tree)
        if isinstance(step, Taken) and step.below is not None:
            _check_links(step.below, tree)


def _check_link(step: Copied, source: str, tree: SourceTree) -> None:
    path = step.context
    for part in source.split("/") if source else ():
        path = posixpath.join(path, part)
        if tree.kind(path) is FileKind.LINK:
            raise _Rebuild(f"{step.where} follows the symbolic link `{posixpath.relpath(path, step.context)}`")


def _check_deletion(file: ChangedFile, found: Sequence[Landing], rules: Inferred, tree: SourceTree) -> None:
    """What was below a deleted file comes to light: there must be nothing."""
    name, chain = _name(file.path, rules), rules.chain
    for each in found:
        if each.root or each.local == posixpath.join(each.step.context, each.source):
            raise _Rebuild(f"{name} is gone, which {each.step.where} names")
        for step in chain.steps:
            if isinstance(step, Copied) and any(
                candidate != file.path and tree.kind(candidate) is not FileKind.GONE
                for candidate in _candidates(step, each.remote, tree)
            ):
                raise _Rebuild(f"{name} is gone, and {step.where} brings another file to its place")
    if rules.trusted:
        return
    other = next((step for step in chain.steps if isinstance(step, Executed | Taken)), None)
    if chain.base or other:
        source = f"the image `{chain.base}`" if other is None else other.where
        raise _Rebuild(f"{name} is gone, and {source} may have a file in its place")


def _check_place(landing: Landing, rules: Inferred, kind: FileKind) -> None:
    """The container must take the file, and what runs in it must see it."""
    name, remote = _name(landing.local, rules), landing.remote
    for mount in rules.mounts:
        if covers(mount, remote):
            raise _Rebuild(f"{name} belongs at `{remote}`, where the container has the volume `{mount}`")
    if rules.trusted or landing.root:
        return
    owner = landing.step.owner.partition(":")[0]
    if rules.user not in _ROOT_USERS and owner != rules.user:
        raise _Rebuild(f"{name} belongs to `{owner or 'root'}`, and the container runs as `{rules.user}`")
    watched = not rules.supervised and kind is not FileKind.DIRECTORY
    for process in rules.processes if watched else ():
        reason = blind_to(process, remote)
        if reason:
            raise _Rebuild(f"{reason}; `live_update='infer'` would sync it and start the program again")


def _synced(landing: Landing) -> SyncedFile:
    step = landing.step
    return SyncedFile(local=landing.local, remote=landing.remote, mode=step.mode, owner=step.owner)


def _parents(landing: Landing, chain: Chain, tree: SourceTree) -> Iterator[SyncedFile]:
    """The directories between what the instruction names and the file: they get the permissions that a build gives."""
    step = landing.step
    later = chain.steps[chain.steps.index(step) + 1 :]
    ignored = compile_ignores(step.ignores)
    top = posixpath.join(step.context, step.context if not landing.source else landing.source).rstrip("/")
    parts = posixpath.relpath(landing.local, top).split("/")[:-1]
    for count in range(1, len(parts) + 1):
        local, remote = posixpath.join(top, *parts[:count]), _below(step.destination, "/".join(parts[:count]))
        shared = any(isinstance(each, Copied | Taken) and overlap(each.destination, remote) for each in later)
        several = [each for each in _candidates(step, remote, tree) if tree.kind(each) is FileKind.DIRECTORY]
        if not shared and len(set(several)) < 2 and not ignored.matches(local):
            yield SyncedFile(local=local, remote=remote, mode=step.mode, owner=step.owner, alone=True)


def _below(directory: str, rest: str) -> str:
    return posixpath.join(directory, rest) if rest else directory
