"""Files and modules that are named in backticks exist: whoever moves one mends the pages and docstrings about it."""

import re
from collections.abc import Iterator

from tests.house_rules.sources import files, texts
from tests.house_rules.test_house_rules import none_of

FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|go|tsx?|css|md|sh|ya?ml|json))`")
MODULE = re.compile(r"`(?:pytilt\.)?([a-z_]+(?:\.[a-z_]+)+)(?:`|\.[A-Z])")
"""A module, or a function of one; perhaps with a class behind it."""

HISTORY = "CHANGELOG.md"
"""It names what was."""
OF_OTHERS = {"textual/drivers/_writer_thread.py", "tiltfile.pyi"}
"""A file of a library, and a file that looks like a module."""
NAMES_OF_OTHERS = {"docker", "http", "kubernetes"}
"""Packages that are named like something else with dots in it."""


def test_every_file_that_is_named_exists():
    paths = [f"/{path}" for path in files()]
    none_of(
        [
            f"{place}: {name}"
            for place, text in lines()
            for name in FILE.findall(text)
            if name not in OF_OTHERS and not any(path.endswith(f"/{name}") for path in paths)
        ]
    )


def test_every_module_that_is_named_exists():
    prefix = "src/pytilt/"
    defined = {
        path.removeprefix(prefix).removesuffix(".py").removesuffix("/__init__").replace("/", "."): text
        for path, text in texts().items()
        if path.startswith(prefix) and path.endswith(".py")
    }
    packages = {name.partition(".")[0] for name in defined} - NAMES_OF_OTHERS
    none_of(
        [
            f"{place}: {name}"
            for place, text in lines()
            for name in MODULE.findall(text)
            if name.partition(".")[0] in packages and name not in OF_OTHERS
            if name not in defined and not _says(defined.get(name.rpartition(".")[0], ""), name.rpartition(".")[2])
        ]
    )


def lines() -> Iterator[tuple[str, str]]:
    """The lines of pages and of Python files that have something in backticks, each with its place."""
    for path, text in texts().items():
        if path.endswith((".md", ".py")) and path != HISTORY and not path.startswith("tests/"):
            yield from ((f"{path}:{number}", line) for number, line in enumerate(text.splitlines(), 1) if "`" in line)


def _says(text: str, word: str) -> bool:
    return re.search(rf"\b{word}\b", text) is not None
