"""What the tests of the watcher of Linux share: a project, and a watcher."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pytilt.host.files.linux import InotifyWatcher


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    for name in ("web/main.py", "web/static/app.css", "api/main.go", "Tiltfile"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


@pytest.fixture
async def watcher() -> AsyncIterator[InotifyWatcher]:
    async with InotifyWatcher() as watcher:
        yield watcher
