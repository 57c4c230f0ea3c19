"""What is left out of a build context, and what of it is not watched."""

import os
import posixpath
from collections.abc import Iterable, Sequence

from pytilt.host.ignoring import parse_ignore_file
from pytilt.model.files import Ignore
from pytilt.model.images import DockerBuild, Image
from pytilt.model.resources import ComposeDeploy, Deploy
from pytilt.tiltfile.running.script import Script, UnreadableError

TILTIGNORE = ".tiltignore"


def repository_ignores(paths: Sequence[str]) -> tuple[Ignore, ...]:
    """The `.git` directories of those paths that are the root of a repository."""
    roots = dict.fromkeys(path for path in paths if os.path.isdir(posixpath.join(path, ".git")))  # noqa: PTH112 - quick
    return tuple(Ignore(base=posixpath.join(root, ".git")) for root in roots)


def context_ignores(
    script: Script,
    paths: Sequence[str],
    *,
    dockerfile: str | None = None,
    ignore: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
) -> tuple[Ignore, ...]:
    """What an image does not depend on, in Tilt's order: the Tiltfile, `.git`, then for each directory its own.

    Args:
        script: the running script.
        paths: directories or files that the image is made of.
        dockerfile: whose own ignore file, `<Dockerfile>.dockerignore`, takes the place of `.dockerignore`.
        ignore: patterns relative to each directory.
        only: paths relative to each directory; all else is ignored.
    """
    key = (script.file, tuple(paths), dockerfile, ignore, only)
    known = script.known_ignores.get(key)
    if known is None:
        known = script.known_ignores[key] = _context_ignores(script, *key[1:])
    return known


def _context_ignores(
    script: Script, paths: tuple[str, ...], dockerfile: str | None, ignore: tuple[str, ...], only: tuple[str, ...]
) -> tuple[Ignore, ...]:
    found = [Ignore(base=script.file)]
    found += repository_ignores([dockerfile, *paths] if dockerfile else paths)
    wanted = ("**", *(f"!{path}" for path in only)) if only else ()
    for path in dict.fromkeys(paths):
        if not os.path.isdir(path):  # noqa: PTH112 - asked for every image
            continue
        found += [Ignore(base=path, patterns=patterns) for patterns in (ignore, wanted) if patterns]
        patterns = ignore_file(script, _dockerignore(path, dockerfile), watch=False)
        if patterns:
            found.append(Ignore(base=path, patterns=patterns))
    return tuple(found)


def watch_ignore_files(script: Script, images: Iterable[Image]) -> None:
    """Ask for another evaluation when an ignore file of these images changes; those of the others count for nothing."""
    asked = set()
    for image in images:
        build = image.build
        own = (
            build.dockerfile or posixpath.join(build.context, "Dockerfile") if isinstance(build, DockerBuild) else None
        )
        asked |= {(path, own) for path in image.files.paths}
    for path, own in asked:
        if os.path.isdir(path):  # noqa: PTH112 - asked for every image
            script.watch(_dockerignore(path, own))


def watch_compose_ignores(script: Script, deploys: Iterable[Deploy]) -> None:
    """Ask for another evaluation when an ignore file changes of what Docker Compose builds itself."""
    for deploy in deploys:
        build = deploy.build if isinstance(deploy, ComposeDeploy) else None
        if build and build.context:
            script.watch(_dockerignore(build.context, build.dockerfile))


def ignore_file(script: Script, path: str, *, watch: bool = True) -> tuple[str, ...]:
    """The patterns of an ignore file, none when there is no such file. A line that is no pattern is warned of.

    Raises:
        UnreadableError: it is there and cannot be read.
    """
    try:
        found = parse_ignore_file(script.read(path, watch=watch))
    except UnreadableError as error:
        if error.missing:
            return ()
        raise
    for line in found.bad_lines:
        script.warn_once(f"{path}:{line.number}: {line.error.message}; the line is left out\nhint: {line.error.hint}")
    return found.patterns


def _dockerignore(directory: str, dockerfile: str | None) -> str:
    own = f"{dockerfile}.dockerignore" if dockerfile else ""
    if own and os.path.exists(own):  # noqa: PTH110 - asked for every image
        return own
    return posixpath.join(directory, ".dockerignore")
