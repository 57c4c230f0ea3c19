"""What a build context or a set of watched files consists of, and which rule of which file leaves out the rest."""

import os
import posixpath
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from pytilt.errors import UserError
from pytilt.host.ignoring import compile_ignores, parse_ignore_file
from pytilt.images.context import EMPTY
from pytilt.model.base import Value
from pytilt.model.files import Ignore
from pytilt.model.images import CustomBuild, DockerBuild, Image

_ONLY = "**"
"""How the patterns begin that `only=` stands for."""


class Rule(Value):
    """What leaves out a file."""

    source: str
    """Where it is written: the path of an ignore file, `ignore=`, `only=`, or what is always left out."""
    line: int = 0
    """Of the ignore file, from 1; 0 where there is none."""
    pattern: str = ""

    def shown(self, directory: str) -> str:
        """In a line of text: `.dockerignore:3: node_modules`.

        Args:
            directory: to which paths are shown relative where they are below it.
        """
        source = posixpath.relpath(self.source, directory) if self.source.startswith(f"{directory}/") else self.source
        place = f"{source}:{self.line}" if self.line else source
        return f"{place}: {self.pattern}" if self.pattern else place


class ContextFile(Value):
    """A file or directory of a context."""

    name: str
    """Relative to the context; a directory ends with `/`."""
    ignored_by: Ignore | None = None
    """The first rule that leaves it out; None: it is sent."""


class ListedFile(Value):
    """A file of an image, as people ask for it."""

    path: str
    """Relative to the context, or to the directory of the Tiltfile; a directory ends with `/`."""
    included: bool = True
    """It is sent to the builder, or watched where a command builds."""
    watched: bool = True
    """Its change makes the image stale."""
    rule: Rule | None = None
    """Why it is not included, or not watched."""
    synced_to: tuple[str, ...] = ()
    """Where a live update brings it."""


def list_image(image: Image, everywhere: Sequence[Ignore], directory: str) -> Iterator[ListedFile]:
    """The files that an image is made of, and those beside them that are left out.

    Args:
        image: as it was declared.
        everywhere: what is not watched anywhere: `.tiltignore`, `watch_settings`.
        directory: of the Tiltfile.

    Raises:
        UserError: a directory cannot be read.
    """
    build = image.build
    # One without patterns is a Dockerfile here: it is watched with the Tiltfile's own files.
    unwatched = (*(ignore for ignore in image.files.ignores if ignore.patterns), *everywhere)
    if isinstance(build, CustomBuild):
        roots = [(path, posixpath.relpath(path, directory)) for path in image.files.paths]
        sent = (*image.files.ignores, *everywhere)
    elif build.fast is not None:
        roots = [(add.local, add.place("", of_file=not Path(add.local).is_dir())) for add in build.fast.adds]
        sent = build.context_ignores
    else:
        roots, sent = [(build.context, "")] if build.context != EMPTY else [], build.context_ignores
    for root, name in roots:
        if not Path(root).is_dir():
            yield _listed(image, root, ContextFile(name=name), unwatched, directory)
            continue
        prefix = "" if name in ("", ".") else f"{name.rstrip('/')}/"
        for file in list_context(root, sent):
            yield _listed(
                image, f"{root}/{file.name}".rstrip("/"), replace(file, name=prefix + file.name), unwatched, directory
            )


def _listed(image: Image, path: str, file: ContextFile, unwatched: Sequence[Ignore], directory: str) -> ListedFile:
    rule = file.ignored_by or ignored_by(path, unwatched)
    build = image.build
    dockerfile = f"{build.dockerfile}.dockerignore" if isinstance(build, DockerBuild) and build.dockerfile else ""
    sources = [dockerfile] if dockerfile else []
    if rule is not None:
        sources += [posixpath.join(rule.base, ".dockerignore"), posixpath.join(directory, ".tiltignore")]
    return ListedFile(
        path=file.name,
        included=file.ignored_by is None,
        watched=rule is None,
        rule=explain(path, rule, sources) if rule is not None else None,
        synced_to=tuple(_places(image, path)) if rule is None and not file.name.endswith("/") else (),
    )


def _places(image: Image, path: str) -> Iterator[str]:
    is_fast = isinstance(image.build, DockerBuild) and image.build.fast is not None
    for sync in image.live_update.syncs if image.live_update and not is_fast else ():
        if path == sync.local:
            yield sync.place("", of_file=True)
        elif path.startswith(f"{sync.local.rstrip('/')}/"):
            yield sync.place(posixpath.relpath(path, sync.local), of_file=False)


def list_context(root: str, ignores: Sequence[Ignore]) -> Iterator[ContextFile]:
    """Every file of a directory, in the order in which they are sent; of a directory that is left out, that alone.

    Args:
        root: absolute directory.
        ignores: what is left out.

    Raises:
        UserError: a directory cannot be read.
    """
    together = compile_ignores(ignores)

    def visit(path: str, name: str) -> Iterator[ContextFile]:
        try:
            with os.scandir(path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise UserError(f"cannot read the build context: {error.strerror or error}", where=path) from error
        for entry in entries:
            inner = f"{name}{entry.name}"
            is_directory = stat.S_ISDIR(entry.stat(follow_symlinks=False).st_mode)
            shown = f"{inner}/" if is_directory else inner
            if together.matches(entry.path):
                yield ContextFile(name=shown, ignored_by=ignored_by(entry.path, ignores))
                if is_directory and not together.may_skip_dir(entry.path):
                    yield from visit(entry.path, shown)  # an exception may bring back something in it
                continue
            yield ContextFile(name=shown)
            if is_directory:
                yield from visit(entry.path, shown)

    return visit(root, "")


def ignored_by(path: str, ignores: Sequence[Ignore]) -> Ignore | None:
    """The first of some rules that leaves out a path."""
    return next((ignore for ignore in ignores if compile_ignores([ignore]).matches(path)), None)


def explain(path: str, ignore: Ignore, files: Sequence[str]) -> Rule:
    """What of a rule leaves out a path, and where it is written.

    Args:
        path: absolute; the rule covers it.
        ignore: the rule.
        files: ignore files from which it may come.
    """
    if not ignore.patterns:
        if posixpath.basename(ignore.base) == ".git":
            return Rule(source="never part of it", pattern=".git")
        return Rule(source="never part of it", pattern=posixpath.basename(ignore.base))
    decides = _deciding(path, ignore)
    for file in files:
        lines = _lines(file)
        if tuple(pattern for _, pattern in lines) == ignore.patterns:
            line, pattern = lines[decides]
            return Rule(source=file, line=line, pattern=pattern)
    pattern = ignore.patterns[decides]
    if ignore.patterns[0] == _ONLY and all(each.startswith("!") for each in ignore.patterns[1:]):
        return Rule(source="only=", pattern=", ".join(each[1:] for each in ignore.patterns[1:]))
    return Rule(source="ignore=", pattern=pattern)


def _deciding(path: str, ignore: Ignore) -> int:
    """The number of the last pattern that matches."""
    for index in reversed(range(len(ignore.patterns))):
        alone = Ignore(base=ignore.base, patterns=(ignore.patterns[index].lstrip("!"),))
        if compile_ignores([alone]).matches(path):
            return index
    return 0


def _lines(file: str) -> list[tuple[int, str]]:
    """The patterns of an ignore file with the numbers of their lines."""
    try:
        text = Path(file).read_text(errors="surrogateescape")
    except OSError:
        return []
    found = [(number, parse_ignore_file(line).patterns) for number, line in enumerate(text.split("\n"), start=1)]
    return [(number, pattern) for number, patterns in found for pattern in patterns]
