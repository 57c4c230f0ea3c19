"""What tests of the loop start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytilt.store.logs import LogStore
from pytilt.store.objects import Store


@pytest.fixture
def store() -> Store:
    """An empty store."""
    return Store()


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[LogStore]:
    """An empty log."""
    made = LogStore(tmp_path / "log")
    yield made
    made.close()
