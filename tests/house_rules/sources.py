"""The files of this repository and the Python in them, read once for all house rules."""

import ast
import functools
import gc
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAMS_OF_THEIR_OWN = ("tests/cluster/",)
"""Folders below src and tests that the rules for pytilt's own modules leave out."""


@dataclass(frozen=True)
class Module:
    """One Python file."""

    path: str
    """Relative to the repository, with `/`."""
    text: str
    tree: ast.Module

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """All functions and methods, nested ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@functools.cache
def files() -> tuple[str, ...]:
    """Paths of all files that are committed or about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return tuple(sorted(path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()))


@functools.cache
def texts() -> dict[str, str]:
    """The text files, by path."""
    found = {}
    for path in files():
        content = (ROOT / path).read_bytes()
        if b"\0" not in content:
            found[path] = content.decode(errors="replace")
    return found


@functools.cache
def python_files() -> tuple[Module, ...]:
    """All Python files of the program and of its tests, parsed once.

    Without the garbage collector, which would look through all these trees again and again: five times as fast.
    """
    gc.disable()
    parsed = tuple(
        Module(path, text, ast.parse(text, path))
        for path, text in texts().items()
        if path.startswith(("src/", "tests/")) and path.endswith(".py") and not path.startswith(PROGRAMS_OF_THEIR_OWN)
    )
    gc.freeze()
    gc.enable()
    return parsed


def modules(top: str) -> tuple[Module, ...]:
    """The Python files below a folder, for example `src/`."""
    return tuple(module for module in python_files() if module.path.startswith(top))
