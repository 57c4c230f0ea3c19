"""The Dockerfiles and contexts of `fast_build`: an image from scratch, or upon the one before with what changed.

From scratch, the files and commands come upon the base Dockerfile: first the commands with a trigger, each with just
the files that it depends on, so that the builder's cache serves them as long as those do not change; then all files,
the other commands, the entry point. Upon the image before come the files that changed, and all commands: what they
built before is there.

Reads the directories that are added and nothing else; what is read and built is for the builder.
"""

import hashlib
import json
import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence

from pytilt.errors import BuildError, UserError
from pytilt.host.ignoring import Matcher, compile_ignores
from pytilt.images.context import EMPTY, Context, Mount
from pytilt.images.dockerfile import escape_character, instructions
from pytilt.model.base import Value
from pytilt.model.images import BuiltImage, DockerBuild, FastBuild, Run, Sync

DOCKERFILE = "Dockerfile"

MOST_LAYERS = 80
"""So many layers come upon a build from scratch before the next build begins anew; engines allow about 127 in all."""

_ROOT = ("", "root", "0")
_SHELL = ("/bin/sh", "-c")
_CACHES = "/.tilt-cache"
_WITH_CACHES = """\
command=$1
shift
move() { mkdir -p "$1" "$2" && { cp -au "$1/." "$2/" 2>/dev/null || cp -a "$1/." "$2/"; }; }
n=0; for d; do move "/.tilt-cache/$n" "$d"; n=$((n + 1)); done
/bin/sh -c "$command"; status=$?
n=0; for d; do move "$d" "/.tilt-cache/$n"; n=$((n + 1)); done
exit $status
"""
"""Runs a command with directories filled from their caches, and keeps there what they hold then: so they are in the
image too, where what runs needs them, and commands in the container begin with them."""

_SCRIPT = "with-caches"
_PATHS = 500
"""Paths for each `rm`."""


class Added(Value):
    """A path that an add brings."""

    local: str
    relative: str
    """To the source of the add, empty for that itself."""
    directory: bool = False


def check_base(text: str) -> None:
    """Refuse a base Dockerfile that copies files itself.

    Raises:
        UserError: it does, and where.
    """
    for instruction in instructions(text):
        words = instruction.text.split()
        stages = instruction.keyword == "COPY" and any(word.startswith("--from=") for word in words)
        if instruction.keyword in ("ADD", "COPY") and not stages:
            raise UserError(
                "base Dockerfile contains an ADD/COPY, which is not currently supported -- move this to an add() call "
                "in your Tiltfile",
                hint=f"line {instruction.line}: {instruction.text}",
            )


def can_build_upon(previous: BuiltImage, build: FastBuild, changed: Sequence[str]) -> bool:
    """May an image be built upon the one before?

    Args:
        previous: the one before.
        build: their definition.
        changed: the files that changed since.
    """
    layers = (previous.increments + 1) * (len(build.adds) + len(build.runs) + 1)
    # What a link replaces may be a directory, which no builder copies it over; without its source an add is an error.
    odd = any(os.path.islink(path) for path in changed)  # noqa: PTH114 - quick
    missing = any(not os.path.exists(add.local) for add in build.adds)  # noqa: PTH110 - quick
    # The image's own `rm` deletes, as its user: the files are root's, and an image without commands may have none.
    user = previous.config.user.partition(":")[0] if previous.config else ""
    stuck = not (user in _ROOT and build.runs) and not all(map(os.path.lexists, changed))
    return bool(changed) and layers <= MOST_LAYERS and not (odd or missing or stuck)


def from_scratch(build: DockerBuild, contents: str, *, cache: str) -> Context:
    """What makes the image anew.

    Args:
        build: with a fast build.
        contents: the base Dockerfile, with the images it builds upon as they are now.
        cache: the name of the caches that are carried from build to build; empty: none are.

    Raises:
        BuildError: a command depends on files of which there are none, or an added path cannot be read.
    """
    fast = _fast(build)
    ignored = compile_ignores(build.context_ignores)
    found = [list(_walk(add.local, ignored)) for add in fast.adds]
    escape = escape_character(contents)
    lines = [contents.rstrip("\n")]
    mounts: list[Mount] = [Mount(name=_SCRIPT, text=_WITH_CACHES)] if cache and fast.caches else []
    caches = fast.caches if cache else ()
    early = _early(fast.runs)
    for number, run in enumerate(early):
        inputs = [_triggering(run, each) for each in found]
        if not any(inputs):
            raise BuildError(f"No inputs for run: {run.shown}", hint="no file that is added matches its trigger")
        lines += _copies(f"inputs-{number}", fast.adds, inputs, escape, mounts)
        lines.append(_run(run, cache, caches))
    lines += _copies("files", fast.adds, found, escape, mounts)
    lines += [_run(run, cache, caches) for run in fast.runs[len(early) :]]
    if fast.entrypoint:
        lines.append(f"ENTRYPOINT {_json((*_SHELL, fast.entrypoint))}")
    lines.append('LABEL "tilt.buildMode"="scratch"')
    return _context(lines, mounts)


def upon(previous: BuiltImage, build: DockerBuild, changed: Sequence[str]) -> Context:
    """What makes the image upon the one before.

    Args:
        previous: the one before.
        build: with a fast build.
        changed: the files that changed since.
    """
    fast = _fast(build)
    ignored = compile_ignores(build.context_ignores)
    found: list[list[Added]] = [[] for _ in fast.adds]
    gone: dict[str, None] = {}
    for path in changed:
        for number, add in enumerate(fast.adds):
            relative = _relative(path, add.local)
            if relative is None:
                continue
            if os.path.lexists(path):
                below = (_below(each, relative) for each in _walk(path, ignored))
                found[number] += below
            else:
                gone[add.place(relative, of_file=True)] = None
    mounts: list[Mount] = []
    paths = tuple(gone)
    lines = [f"FROM {previous.reference}", 'LABEL "tilt.buildMode"="existing"']
    lines += [f"RUN {_json(('rm', '-rf', '--', *paths[at : at + _PATHS]))}" for at in range(0, len(paths), _PATHS)]
    lines += _copies("files", fast.adds, found, "\\", mounts)
    lines += [_run(run) for run in fast.runs]
    return _context(lines, mounts)


def _below(added: Added, above: str) -> Added:
    """What was found below a path, as seen from the source of the add."""
    parts = [part for part in (above, added.relative) if part]
    return Added(local=added.local, relative="/".join(parts), directory=added.directory)


def cache_name(image: str, caches: Sequence[str]) -> str:
    """The name of the caches of an image, the same in every session."""
    paths = "\n".join((image, *caches)).encode(errors="surrogateescape")
    return f"tilt-cache-{hashlib.sha256(paths).hexdigest()[:12]}"


def _fast(build: DockerBuild) -> FastBuild:
    if build.fast is None:
        raise TypeError("the image is no fast build")
    return build.fast


def _early(runs: Sequence[Run]) -> Sequence[Run]:
    """The commands with a trigger that come before the first without one."""
    count = next((number for number, run in enumerate(runs) if not run.triggers), len(runs))
    return runs[:count]


def _triggering(run: Run, found: Iterable[Added]) -> list[Added]:
    matcher = compile_ignores(run.triggers)
    return [each for each in found if not each.directory and matcher.matches(each.local)]


def _walk(local: str, ignored: Matcher) -> Iterator[Added]:
    """The path and all that is below it, without following links but the path itself."""
    try:
        if not os.path.isdir(local):  # noqa: PTH112 - quick
            os.lstat(local)
            yield Added(local=local, relative="")
            return
        yield from _directory(local, "", ignored)
    except OSError as error:
        raise BuildError(
            f"cannot read what is added to the image: {(error.strerror or str(error)).lower()}",
            where=str(error.filename or local),
            hint="correct the first argument of `add`",
        ) from error


def _directory(path: str, relative: str, ignored: Matcher) -> Iterator[Added]:
    yield Added(local=path, relative=relative, directory=True)
    with os.scandir(path) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            inner = f"{relative}/{entry.name}" if relative else entry.name
            hidden = ignored.matches(entry.path)
            if entry.is_dir(follow_symlinks=False):
                if not (hidden and ignored.may_skip_dir(entry.path)):
                    yield from _directory(entry.path, inner, ignored)
            elif not hidden:
                yield Added(local=entry.path, relative=inner)


def _copies(
    folder: str, adds: Sequence[Sync], found: Sequence[Sequence[Added]], escape: str, mounts: list[Mount]
) -> Iterator[str]:
    """An instruction for every add that brings something; what it brings is mounted."""
    for number, (add, each) in enumerate(zip(adds, found, strict=True)):
        if not each:
            continue
        root = f"{folder}-{number}"
        alone = not each[0].relative and not each[0].directory
        if alone:
            mounts.append(Mount(name=f"{root}/file", local=each[0].local))
            yield f"COPY {_paths(f'{root}/file', add.place('', of_file=True), escape)}"
            continue
        mounts += [Mount(name=posixpath.join(root, one.relative).rstrip("/"), local=one.local) for one in each]
        yield f"COPY {_paths(f'{root}/', add.place('', of_file=False).rstrip('/') + '/', escape)}"


def _run(run: Run, cache: str = "", caches: Sequence[str] = ()) -> str:
    shell = run.argv[:2] == ("sh", "-c")
    if not (caches and shell):
        return f"RUN {_json((*_SHELL, run.argv[2]) if shell else run.argv)}"
    mounts = [f"--mount=type=bind,source={_SCRIPT},target={_CACHES}/{_SCRIPT}"]
    mounts += [
        f"--mount=type=cache,id={cache}-{number},target={_CACHES}/{number},sharing=locked"
        for number in range(len(caches))
    ]
    return f"RUN {' '.join(mounts)} {_json((_SHELL[0], f'{_CACHES}/{_SCRIPT}', run.argv[2], *caches))}"


def _paths(source: str, target: str, escape: str) -> str:
    """Paths of a COPY: Docker expands variables in them."""
    return _json([path.replace(escape, escape * 2).replace("$", f"{escape}$") for path in (source, target)])


def _json(words: Sequence[str]) -> str:
    return json.dumps(list(words))


def _relative(path: str, base: str) -> str | None:
    if path == base:
        return ""
    prefix = f"{base.rstrip('/')}/"
    return path[len(prefix) :] if path.startswith(prefix) else None


def _context(lines: Sequence[str], mounts: Sequence[Mount]) -> Context:
    contents = "\n".join(lines) + "\n"
    return Context(root=EMPTY, dockerfile=DOCKERFILE, contents=contents, mounts=tuple(mounts))
