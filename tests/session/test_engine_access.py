import asyncio
import gc
from pathlib import Path

import pytest

from pytilt.docker.engine import Engine
from pytilt.errors import EngineUnreachableError
from pytilt.host.processes import HostRunner
from pytilt.images.credentials import RegistryCredentials
from pytilt.session.engine_access import engine_access
from pytilt.settings import Settings
from tests.images.docker.scripted import scripted


@pytest.mark.parametrize("expected", [False, True])
async def test_only_an_engine_that_is_expected_is_asked_for_a_session_before_something_is_asked(
    tmp_path: Path, expected: bool
):
    async with scripted(tmp_path, {}) as (script, settings), HostRunner() as runner, Engine(settings) as engine:
        credentials = RegistryCredentials(settings, runner)
        async with engine_access(engine, credentials, "p", "default", expected=expected):
            await asyncio.sleep(0)
        assert bool(script.asked) == expected


async def test_an_expected_engine_that_is_not_there_is_reported_only_to_who_asks(tmp_path: Path):
    problems: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
    settings = Settings.from_environment({"HOME": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none"})
    async with HostRunner() as runner, Engine(settings) as engine:
        credentials = RegistryCredentials(settings, runner)
        async with engine_access(engine, credentials, "p", "default", expected=True) as access:
            for _ in range(2):
                with pytest.raises(EngineUnreachableError, match="does not answer"):
                    await access.info()
        async with engine_access(engine, credentials, "p", "default", expected=True):
            await asyncio.sleep(0)
    gc.collect()
    assert problems == []
