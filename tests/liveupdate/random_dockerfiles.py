"""Dockerfiles and edits at random, for a trial of what is inferred from them."""

import asyncio
import secrets
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st

from pytilt.docker.engine import Engine
from pytilt.host.processes import HostRunner
from pytilt.images.credentials import RegistryCredentials
from pytilt.images.docker.building import DockerBuilder
from pytilt.images.docker.client_build import ClientBuilder
from pytilt.liveupdate.planning import FallBack
from pytilt.settings import Settings
from tests.liveupdate.dockerfile_cases import Case, Link, Moded
from tests.liveupdate.inference_trial import Trial, exported, listed, removed, synced, unpacked

FILES = ("a.txt", "b.txt", "d/a.txt", "d/x.py", "d/e/b.txt", "e/a.txt")
_PLACES = st.sampled_from(
    ["/", "/app", "/app/", "/app/d", "/app/d/", "/srv/x", ".", "./", "d", "d/", "$V", "/app/b.txt"]
)
_SOURCES = st.lists(
    st.sampled_from([".", "d", "d/", "e", "a.txt", "b.txt", "d/x.py", "*.txt", "d/*", "?/a.txt", "[de]"]),
    min_size=1,
    max_size=2,
)
_FLAGS = st.sampled_from(["", "", "", "--chown=3 ", "--chown=4:5 ", "--chmod=750 "])
_ENTRIES = st.one_of(
    st.text("xyz\n", max_size=5),
    st.builds(Moded, st.text("xyz", max_size=3), st.sampled_from([0o600, 0o755, 0o4711])),
    st.builds(Link, st.sampled_from(["a.txt", "../b.txt", "/nowhere"])),
    st.none(),
)


@st.composite
def _copies(draw: st.DrawFn) -> str:
    sources = draw(_SOURCES)
    place = draw(_PLACES)
    place = f"{place}/" if len(sources) > 1 and not place.endswith("/") else place
    return f"{draw(st.sampled_from(['COPY', 'ADD']))} {draw(_FLAGS)}{' '.join(sources)} {place}"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A Dockerfile whose `COPY` may overlap, and edits of its context."""
    others = st.sampled_from(
        ["WORKDIR /app", "WORKDIR d", "ENV V=/env", "ARG V=/arg", "RUN mkdir -p /app/d", "USER nobody"]
    )
    lines = draw(st.lists(st.one_of(_copies(), _copies(), others), min_size=1, max_size=5))
    base = draw(st.sampled_from(["scratch", "busybox"]))
    if base == "scratch":
        lines = [line for line in lines if not line.startswith("RUN")] or ["COPY . /"]
    edits = draw(st.dictionaries(st.sampled_from([*FILES, "new.txt", "d/n/new.py"]), _ENTRIES, min_size=1, max_size=3))
    ignore = draw(st.sampled_from([(), (), ("b.txt",), ("d/e",), ("**/a.txt", "!d/a.txt"), ("d", "!d/x.py")]))
    text = "\n".join([f"FROM {base}", "ENV V=/v", *lines, ""])
    return Case("random", text, edits, files={name: name for name in FILES}, ignore=ignore)


def differences(case: Case, settings: Settings) -> list[str] | None:
    """How a container that was synced differs from one of a full build; None when nothing was to be synced."""
    return asyncio.run(_differences(case, settings))


async def _differences(case: Case, settings: Settings) -> list[str] | None:
    name = f"pytilt-test-{secrets.token_hex(4)}"
    async with Engine(settings) as engine, HostRunner() as runner:
        client = ClientBuilder(engine, runner, settings)
        builder = DockerBuilder(engine, RegistryCredentials(settings, runner), client, settings)
        with TemporaryDirectory() as folder:
            try:
                return await _tried(Trial(case, Path(folder), name), builder, engine, Path(folder))
            finally:
                await removed(engine, name)


async def _tried(trial: Trial, builder: DockerBuilder, engine: Engine, folder: Path) -> list[str] | None:
    try:
        first = await trial.build(builder)
    except Exception:  # noqa: BLE001 - a Dockerfile at random need not be one
        return None
    assert first.config is not None
    content = await exported(engine, first)
    trial.write(trial.case.edits)
    plan = trial.plan(first.config, trial.case.edits)
    if isinstance(plan, FallBack):
        return None
    unpacked(content, folder / "synced")
    if not await synced(folder / "synced", plan):
        return None
    unpacked(await exported(engine, await trial.build(builder)), folder / "built")
    one, other = listed(folder / "synced"), listed(folder / "built")
    keys = sorted(one.keys() | other.keys())
    return [f"{key}: {one.get(key)}, not {other.get(key)}" for key in keys if one.get(key) != other.get(key)]
