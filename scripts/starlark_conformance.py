#!/usr/bin/env python3
"""Run the public conformance files of Starlark (google/starlark-go) through the language of Tiltfiles.

    starlark_conformance.py FOLDER

FOLDER is a copy of https://github.com/google/starlark-go. Its files consist of chunks with `---` between them; a line
that has to fail ends with `###` and a pattern for the message. Every chunk runs as go.starlark.net runs it for Tilt:
with sets, `while`, recursion, control flow at top level and reassignment of globals. A chunk that fails where nothing
is expected, or the other way round, is printed; the exit code is 1 if one is that `docs/starlark.md` does not list.

Files about modules that Tilt does not have (`json`, `math`, `proto`, `time`) are left out.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from pytilt.dialect import (
    Builtin,
    DialectError,
    HostValue,
    ModuleValue,
    StaticError,
    builtin,
    call,
    call_stack,
    check_file,
    freeze,
    run_file,
    to_str,
)
from pytilt.dialect.parsing import parse
from pytilt.errors import PytiltError, TiltfileError

EVALUATED = (
    "assign", "bool", "builtins", "bytes", "control", "dict", "float", "function", "int", "list", "misc", "module",
    "recursion", "set", "string", "tuple", "while",
)  # fmt: skip
"""Files of `starlark/testdata`."""
CHECKED = ("resolve/testdata/resolve.star", "syntax/testdata/errors.star")
"""Files of what is refused before anything runs."""
KNOWN_DIFFERENCES = Path(__file__).parents[1] / "docs" / "starlark.md"
TABLE_ROW = re.compile(r"^\| `(\S+\.star):(\d+)`((?:, `:\d+`)*) \|", re.MULTILINE)
PLACE = re.compile(r"^(.*?):(\d+):(\d+)(?:: in |$)")


class Chunk:
    """A part of a file: its text with empty lines before it, and the patterns of its errors by line."""

    def __init__(self, source: str, first: int) -> None:
        self.source = "\n" * (first - 1) + source
        self.first = first
        self.expected: dict[int, re.Pattern[str]] = {}
        for number, line in enumerate(source.split("\n"), first):
            _, mark, pattern = line.partition("###")
            if mark:
                pattern = pattern.strip()
                text = pattern[1:-1] if pattern.startswith("`") else str(ast.literal_eval(pattern))
                self.expected[number] = re.compile(text)

    def differences(self, found: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """What was not as expected, by line."""
        missing = dict(self.expected)
        for line, message in found:
            pattern = missing.pop(line, None)
            if pattern is None:
                yield line, f"unexpected: {message}"
            elif not pattern.search(message):
                yield line, f"got {message!r}, want {pattern.pattern!r}"
        for line, pattern in missing.items():
            yield line, f"no error, want {pattern.pattern!r}"


def chunks(path: Path) -> Iterator[Chunk]:
    """The chunks of a file."""
    first = 1
    for source in path.read_bytes().decode().split("\n---\n"):
        yield Chunk(source, first)
        first += source.count("\n") + 2


class Fibonacci(HostValue):
    """A value without end that can be iterated."""

    type_name = "fib"
    __hash__ = None  # type: ignore[assignment] # it cannot be a key

    def __iter__(self) -> Iterator[int]:
        a, b = 0, 1
        while True:
            yield a
            a, b = b, a + b

    def __str__(self) -> str:
        return "fib"


class Asserts:
    """The functions of `assert.star`, which the files load."""

    def __init__(self, folder: Path) -> None:
        self.failures: list[tuple[int, str]] = []
        host = {"error": self._error(), "catch": _catch, "matches": _matches, "_freeze": _freeze, "_floateq": _floateq}
        path = folder / "starlarktest" / "assert.star"
        host["module"] = Builtin("module", lambda name, **members: ModuleValue(to_str(name), members))
        self.module = run_file("assert.star", path.read_text(encoding="utf-8"), universe=host, load=_nothing)

    def load(self, path: str) -> Mapping[str, object]:
        """What `load` gives.

        Raises:
            DialectError: for every other file.
        """
        if path != "assert.star":
            raise DialectError(f"open {path}: no such file or directory")
        return self.module

    def _error(self) -> Builtin:
        @builtin("error")
        def error(message: object, /) -> None:
            lines = [each.position.line for each in call_stack() if each.position.file != "assert.star"]
            self.failures.append((lines[-1], to_str(message)))

        return error


def _nothing(path: str) -> Mapping[str, object]:
    raise DialectError(f"cannot load {path} here")


@builtin("catch")
def _catch(function: object, /) -> str | None:
    try:
        call(function)
    except TiltfileError as error:
        return error.message.split(": ", 1)[1]
    return None


@builtin("matches")
def _matches(pattern: str, text: str, /) -> bool:
    return re.search(pattern, text) is not None


@builtin("freeze")
def _freeze(value: object, /) -> object:
    freeze(value)
    return value


@builtin("floateq")
def _floateq(x: float, y: float, /) -> bool:
    return x == y or (x != x and y != y) or abs(x - y) <= abs(x) * 2.3e-16


def evaluated(chunk: Chunk, name: str, asserts: Asserts) -> list[tuple[int, str]]:
    """The errors of running a chunk."""
    universe = {"fibonacci": Fibonacci(), "print": Builtin("print", lambda *_, **__: None)}
    asserts.failures.clear()
    try:
        run_file(name, chunk.source, universe=universe, load=asserts.load)
    except PytiltError as error:
        return [_placed(error, name), *asserts.failures]
    return [*asserts.failures]


def refused(chunk: Chunk, name: str) -> list[tuple[int, str]]:
    """The errors for which a chunk is not run at all; those of the grammar alone where only that is asked for."""
    try:
        if name == "errors.star":
            parse(name, chunk.source)
        else:
            check_file(name, chunk.source, {"M", "U"})
    except StaticError as error:
        return [_placed(each, name) for each in (error, *error.others)]
    return []


def _placed(error: PytiltError, name: str) -> tuple[int, str]:
    """The innermost line of the file, and the message."""
    trace = error.trace if isinstance(error, TiltfileError) else ""
    places = [PLACE.match(line.strip()) for line in [error.where or "", *reversed(trace.splitlines())]]
    return next((int(place[2]) for place in places if place and place[1] == name), 0), error.message


def main() -> int:
    """Run all files and say what differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    sys.setrecursionlimit(5000)
    asserts = Asserts(folder)
    rows = TABLE_ROW.findall(KNOWN_DIFFERENCES.read_text())
    listed = {(name, int(line)) for name, first, more in rows for line in [first, *re.findall(r"\d+", more)]}
    total = known = new = 0
    for path in [
        *(folder / "starlark" / "testdata" / f"{each}.star" for each in EVALUATED),
        *map(folder.joinpath, CHECKED),
    ]:
        for chunk in chunks(path):
            total += 1
            if path.parent.parent.name == "starlark":
                found = evaluated(chunk, path.name, asserts)
            else:
                found = refused(chunk, path.name)
            differences = list(chunk.differences(found))
            unlisted = [each for each in differences if (path.name, each[0]) not in listed]
            known += bool(differences) and not unlisted
            new += bool(unlisted)
            for line, text in unlisted:
                print(f"{path.name}:{line}: {text}")
    print(f"{total} chunks: {total - known - new} as expected, {known} differ as docs/starlark.md says, {new} others")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
