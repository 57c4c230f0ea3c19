"""What `helm` and `kustomize` rendered before: kept by the content of all that they read, and by the program itself."""

import hashlib
import os
import posixpath
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytilt.errors import UserError
from pytilt.tiltfile.running.commands import find_program
from pytilt.tiltfile.running.kustomizations import kustomization_files
from pytilt.tiltfile.running.script import Script

_MOST_FILES = 2000
_MOST_BYTES = 50_000_000
"""What reads more than so much is rendered every time."""

_TOOL_VARIABLES = ("HELM_", "KUSTOMIZE_", "XDG_")
_READS_MORE = ("helmCharts", "helmChartInflationGenerator", "openapi", "generators:", "transformers:", "validators:")
"""Fields of a kustomization that may read, or run, what is not named in it."""
_REMOTE = ("://", "github.com/", "git@", "git::", "?ref=")


class Kept:
    """What a program made of the same inputs before, and where to keep what it makes now.

    Args:
        script: the running script, whose host keeps it.
        words: the command.
        inputs: absolute files and directories that it reads; None where that is not known.
    """

    def __init__(self, script: Script, words: Sequence[str], inputs: Sequence[str] | None) -> None:
        self._cache, self._inputs = script.host.cache, inputs or ()
        program = find_program(script, words[0])
        self._digest = _digest(inputs) if self._cache is not None and inputs is not None and program else None
        self._key: tuple[str, ...] = ()
        self.text: str | None = None
        """What it made before; None where that is not known."""
        if self._cache is not None and self._digest is not None and program is not None:
            self._key = (_identity(program), script.directory, *words, *_variables(script), self._digest)
            known = self._cache.find("rendered", *self._key)
            self.text = None if known is None else known.decode(errors="surrogateescape")

    def keep(self, text: str) -> str:
        """Keep what the program has made, and return it."""
        unchanged = self._cache is not None and self._digest is not None and _digest(self._inputs) == self._digest
        if self._cache is not None and unchanged:
            self._cache.keep(text.encode(errors="surrogateescape"), "rendered", *self._key)
        return text


def kustomization_inputs(directory: str) -> tuple[str, ...] | None:
    """All files that a kustomization reads; None where it may read others, or takes some from elsewhere."""
    try:
        files = tuple(file.path for file in kustomization_files(directory))
        texts = [_text(path) for path in files if "kustomization" in posixpath.basename(path).lower()]
    except (UserError, OSError):
        return None
    uncertain = any(word in text for text in texts for word in (*_READS_MORE, *_REMOTE))
    return None if uncertain else files


def _text(path: str) -> str:
    return Path(path).read_text(errors="surrogateescape")


def _identity(program: str) -> str:
    """A program of another version is another file."""
    found = os.stat(program)  # noqa: PTH116 - follows links, as running it does
    return f"{posixpath.realpath(program)} {found.st_size} {found.st_mtime_ns}"


def _variables(script: Script) -> list[str]:
    return sorted(f"{name}={value}" for name, value in script.environ.items() if name.startswith(_TOOL_VARIABLES))


def _digest(inputs: Sequence[str]) -> str | None:
    """Of the names and contents of all files; None where there are too many, or one cannot be read."""
    digest, size = hashlib.sha256(), 0
    files = sorted(_files(inputs))
    for path in files:
        try:
            content = Path(path).read_bytes() if Path(path).is_file() else b"\0missing"
        except OSError:
            return None
        size += len(content)
        if len(files) > _MOST_FILES or size > _MOST_BYTES:
            return None
        digest.update(f"{path} {len(content)} ".encode(errors="surrogateescape"))
        digest.update(content)
    return digest.hexdigest()


def _files(inputs: Sequence[str]) -> Iterator[str]:
    for path in inputs:
        if not Path(path).is_dir():
            yield path
            continue
        for folder, _, names in os.walk(path, followlinks=True):
            yield from (posixpath.join(folder, name) for name in names)
