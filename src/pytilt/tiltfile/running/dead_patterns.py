"""Warnings of patterns that can never match: for triggers, dependencies, ignore rules and paths with wildcards.

All patterns of a Tiltfile are in the language of `.dockerignore` and go through the matcher of `host.ignoring`; what is
looked for here is what that matcher can never say yes to.
"""

import itertools
import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence

from pytilt.host.ignoring import compile_ignores
from pytilt.host.patterns import Pattern, absolute, parse_pattern
from pytilt.model.files import Ignore
from pytilt.model.images import LiveUpdate
from pytilt.model.regex import regex
from pytilt.tiltfile.arguments.globs import base_of, is_glob
from pytilt.tiltfile.running.script import Script

_BRACES = regex(r"\{([^{}]*,[^{}]*)\}")
_MOST_ALTERNATIVES = 6
_NO_PLACE = ("", "!", "*", "?", "[")
"""How a pattern begins that is nothing, brings back, or may match anywhere."""


def warn_of_path(script: Script, function: str, path: str, example: str) -> None:
    """Warn of a path with wildcards where only a path is understood: it names no file.

    Args:
        script: the running script.
        function: which takes no wildcards.
        path: absolute.
        example: how to write it, with `{}` for the directory.
    """
    if is_glob(path):
        written = _relative(script, base_of(path))
        _warn(
            script,
            f"{function}: `{_relative(script, path)}` names no file, and wildcards mean nothing here",
            f"name the directory: `{example.format(written)}`",
        )


def warn_of_deps(script: Script, function: str, deps: Sequence[str], ignores: Sequence[Ignore] = ()) -> None:
    """Warn of dependencies that start no update: they name nothing, or are ignored at once.

    Args:
        script: the running script.
        function: whose `deps` these are.
        deps: absolute, perhaps with wildcards.
        ignores: its own argument `ignore`.
    """
    ignored = compile_ignores(ignores)
    for path in deps:
        if is_glob(path) and not os.path.isdir(base_of(path)):  # noqa: PTH112 - quick
            _warn(
                script,
                f"{function}: deps `{_relative(script, path)}` names no file: there is no directory `{base_of(path)}`",
                "paths are relative to the directory of the Tiltfile",
            )
        elif "{" in path:
            _warn_of_braces(script, f"{function}: deps", [_relative(script, path)])
        if ignores and ignored.matches(path):
            _warn(
                script,
                f"{function}: deps `{_relative(script, path)}` starts no update: `ignore` covers it",
                "leave it out of `deps`, or bring it back with a last pattern `!PATH` in `ignore`",
            )


def warn_of_triggers(script: Script, rules: LiveUpdate) -> None:
    """Warn of commands that never run: no file of a `sync` can match their triggers."""
    sources = [sync.local for sync in rules.syncs]
    for run in rules.runs if sources else ():
        for base, pattern in _patterns(run.triggers):
            _warn_of_braces(script, "run: trigger", [pattern.text])
            if pattern.exception or _reaches(absolute(pattern, base), sources):
                continue
            meant = _moved(script, pattern, base, sources)
            covered = ", ".join(f"`{_relative(script, source)}`" for source in sources)
            _warn(
                script,
                f"run: trigger `{pattern.text}` can never match: it is `{posixpath.join(base, pattern.text)}`, "
                f"and only synced files count ({covered})",
                f"write `trigger='{meant}'`: patterns are relative to the directory of the Tiltfile"
                if meant
                else "patterns are relative to the directory of the Tiltfile: name a file that a `sync` covers",
            )


def warn_of_ignored(
    script: Script, where: str, patterns: Sequence[str], bases: Sequence[str], roots: Sequence[str]
) -> None:
    """Warn of patterns of `ignore` or `only` that miss what they are meant for.

    A pattern that merely matches nothing is fine, as lists are shared; it is named where what it means is elsewhere.

    Args:
        script: the running script.
        where: the function and its argument.
        patterns: as they were given.
        bases: absolute directories to which they are relative.
        roots: absolute paths of what may be ignored.
    """
    _warn_of_braces(script, where, patterns)
    if patterns and patterns[0].startswith("!"):
        _warn(
            script,
            f"{where}: `{patterns[0]}` brings nothing back: no pattern before it ignores anything",
            f"put what is ignored before it, or ignore all the rest: `ignore=['**', '{patterns[0]}']`",
        )
    for text, base in itertools.product(patterns, bases):
        if text[:1] in _NO_PLACE or _exists(posixpath.join(base, text)):
            continue
        pattern = parse_pattern(text)
        meant = _moved(script, pattern, base, roots) if pattern else ""
        if meant:
            written = posixpath.relpath(posixpath.join(script.directory, meant), base)
            _warn(
                script,
                f"{where}: `{text}` matches nothing: it is `{posixpath.join(base, text)}`",
                f"write `{written}`: patterns are relative to `{base}`",
            )


def _reaches(pattern: Pattern, roots: Iterable[str]) -> bool:
    """Could it match one of these paths, something above, or something below?"""
    matcher = compile_ignores([Ignore(base="/", patterns=(pattern.text,))])
    return any(matcher.matches(root) or pattern.reaches_below(root.lstrip("/")) for root in roots)


def _moved(script: Script, pattern: Pattern, base: str, roots: Iterable[str]) -> str:
    """The same pattern relative to a root or to the directory of the Tiltfile, if it names something there."""
    text = pattern.text.lstrip("/")
    for directory in (*roots, script.directory):
        place = posixpath.join(directory, text)
        if place != posixpath.join(base, pattern.text) and _exists(place) and _is_below_one(place, roots):
            return _relative(script, place)
    return ""


def _exists(path: str) -> bool:
    """Is it there, or the directory in which its wildcards look?"""
    return os.path.lexists(path) or (is_glob(path) and os.path.isdir(base_of(path)))  # noqa: PTH112 - quick


def _is_below_one(path: str, roots: Iterable[str]) -> bool:
    return any(path == root or path.startswith(f"{root.rstrip('/')}/") for root in roots)


def _warn_of_braces(script: Script, where: str, patterns: Sequence[str]) -> None:
    """Warn of `*.{js,ts}`, which shells know and this language does not."""
    for text in patterns:
        if "{" in text and _BRACES.search(text) and not os.path.lexists(posixpath.join(script.directory, text)):
            parts = [part.split(",") if index % 2 else [part] for index, part in enumerate(_BRACES.split(text))]
            found = itertools.islice(("".join(each) for each in itertools.product(*parts)), _MOST_ALTERNATIVES)
            _warn(
                script,
                f"{where}: `{text}` can never match: braces are characters like any other",
                f"write one pattern for each: `{list(found)!r}`",
            )


def _patterns(ignores: Iterable[Ignore]) -> Iterator[tuple[str, Pattern]]:
    for ignore in ignores:
        for text in ignore.patterns:
            pattern = parse_pattern(text)
            if pattern is not None:
                yield ignore.base, pattern


def _relative(script: Script, path: str) -> str:
    found = posixpath.relpath(path, script.directory)
    return path if found.startswith("../..") else found


def _warn(script: Script, text: str, hint: str) -> None:
    place = script.position()
    script.warn_once(f"{place}: {text}\nhint: {hint}" if place else f"{text}\nhint: {hint}")
