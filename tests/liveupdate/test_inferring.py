import asyncio
import os
import secrets
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from pytilt.docker.engine import Engine
from pytilt.host.processes import HostRunner
from pytilt.images.credentials import RegistryCredentials
from pytilt.images.docker.building import DockerBuilder
from pytilt.images.docker.client_build import ClientBuilder
from pytilt.liveupdate.planning import FallBack
from pytilt.model.images import ImageConfig
from pytilt.settings import Settings
from tests.engine_fixtures import engine, engine_settings
from tests.liveupdate.dockerfile_cases import CASES, Case
from tests.liveupdate.inference_trial import Trial, exported, listed, removed, synced, unpacked
from tests.liveupdate.random_dockerfiles import cases, differences

__all__ = ["engine", "engine_settings"]

BUSYBOX = ImageConfig(environment=(("PATH", "/bin"),), working_dir="/")


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_is_inferred_from_a_dockerfile(case: Case, tmp_path: Path) -> None:
    trial = Trial(case, tmp_path, "web")
    trial.write(case.edits)
    plan = trial.plan(BUSYBOX, case.edits)
    if case.answer and case.answer != "a directory is there":
        assert isinstance(plan, FallBack)
        assert case.answer in plan.reason
    else:
        assert not isinstance(plan, FallBack), plan.reason


@pytest.mark.timeout(180)
@pytest.mark.skipif(os.geteuid() != 0, reason="files of any owner are made by root alone")
async def test_a_container_has_after_a_sync_what_a_full_build_would_bring(
    engine: Engine, engine_settings: Settings, tmp_path: Path
) -> None:
    name = f"pytilt-test-{secrets.token_hex(4)}"
    limit, wrong = asyncio.Semaphore(4), list[str]()

    async def one(number: int, case: Case, builder: DockerBuilder) -> None:
        root = tmp_path / str(number)
        trial = Trial(case, root, f"{name}-{number}")
        async with limit:
            first = await trial.build(builder)
            unpacked(await exported(engine, first), root / "synced")
            trial.write(case.edits)
            assert first.config is not None
            plan = trial.plan(first.config, case.edits)
            assert not isinstance(plan, FallBack), (case.name, plan)
            if await synced(root / "synced", plan) == bool(case.answer):
                wrong.append(f"{case.name}: the check of directories")
            if case.answer:
                return
            unpacked(await exported(engine, await trial.build(builder)), root / "built")
        one, other = listed(root / "synced"), listed(root / "built")
        wrong.extend(
            f"{case.name}: {each}: {one.get(each)} instead of {other.get(each)}"
            for each in sorted(one.keys() | other.keys())
            if one.get(each) != other.get(each)
        )

    async with HostRunner() as runner:
        builder = DockerBuilder(
            engine, RegistryCredentials(engine_settings, runner), ClientBuilder(engine, runner, engine_settings),
            engine_settings,
        )  # fmt: skip
        try:
            async with asyncio.TaskGroup() as group:
                for number, case in enumerate(CASES):
                    if case.built and case.answer in ("", "a directory is there"):
                        group.create_task(one(number, case, builder), name=case.name)
        finally:
            await removed(engine, name)
    assert wrong == []


@pytest.mark.timeout(180)
@pytest.mark.skipif(os.geteuid() != 0, reason="files of any owner are made by root alone")
@settings(
    max_examples=4,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(case=cases())
def test_so_it_has_after_random_edits_with_a_random_dockerfile(engine_settings: Settings, case: Case) -> None:
    assert not differences(case, engine_settings)
