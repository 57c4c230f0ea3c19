"""What was made of files before: the code of Tiltfiles and the objects of long YAML texts, by content, on this disk.

As Python keeps the code of its modules. An entry is never stale: its key is a digest of all that it was made of, this
program included.
"""

import hashlib
import sys
from contextlib import suppress
from pathlib import Path

import pytilt
from pytilt.errors import UserError
from pytilt.host.state import StateDirectory
from pytilt.settings import Settings

_MOST_FILES = 200
"""More than so many, and the older half goes."""


class DiskCodeCache:
    """Keeps bytes by key. What cannot be read or written does not matter: it is made once more.

    Args:
        settings: say where the state directory is.
    """

    def __init__(self, settings: Settings) -> None:
        self._directory = StateDirectory(settings.state_dir).below("code")
        self._salt: bytes | None = None

    def find(self, kind: str, *parts: str) -> bytes | None:
        """What was made of these texts."""
        with suppress(UserError):
            return self._directory.read(self._name(kind, parts))
        return None

    def keep(self, data: bytes, kind: str, *parts: str) -> None:
        """Keep what was made of these texts."""
        with suppress(UserError, OSError):
            self._directory.write(self._name(kind, parts), data)
            self._tidy()

    def _name(self, kind: str, parts: tuple[str, ...]) -> str:
        if self._salt is None:
            self._salt = _program()
        digest = hashlib.sha256(self._salt)
        for part in parts:
            data = part.encode(errors="surrogateescape")
            digest.update(f"{len(data)} ".encode())
            digest.update(data)
        return f"{kind}-{digest.hexdigest()}"

    def _tidy(self) -> None:
        files = [path for path in self._directory.path.iterdir() if path.is_file()]
        if len(files) > _MOST_FILES:
            files.sort(key=lambda path: path.stat().st_mtime)
            for path in files[: len(files) // 2]:
                path.unlink(missing_ok=True)


def _program() -> bytes:
    """What distinguishes one version of the program that reads files from another, edited ones too."""
    root = Path(pytilt.__file__).parent
    sources = [path for package in ("dialect", "cluster") for path in sorted((root / package).glob("*.py"))]
    stamps = [f"{path.name} {path.stat().st_mtime_ns}" for path in sources]
    return "\n".join([pytilt.__version__, sys.version, *stamps]).encode()
