"""A real container engine as the session of a command has it; a `conftest.py` imports what its tests ask for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pytilt.docker.engine import Engine
from pytilt.settings import Settings


@pytest.fixture
def engine_settings(engine_host: str, tmp_path: Path) -> Settings:
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path / "home"), "DOCKER_HOST": engine_host}
    (tmp_path / "home").mkdir()
    return Settings.from_environment(environ)


@pytest.fixture
async def engine(engine_settings: Settings) -> AsyncIterator[Engine]:
    async with Engine(engine_settings) as engine:
        yield engine
