"""What an engine, or whatever answers in its place, may say: all of it is an error of its own, none is a bug."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytilt.docker.address import EngineAddress
from pytilt.docker.api import DockerApi
from pytilt.docker.engine import Engine
from pytilt.docker.runtime import DockerRuntime
from pytilt.engines.machine import node_info
from pytilt.engines.pods.launching import instance_of
from pytilt.engines.podspec.placement import NodeInfo
from pytilt.errors import ClusterUnreachableError, DockerApiError, EngineUnreachableError, SyncError
from pytilt.images.pruning import prune
from pytilt.model.resources import PruneSettings
from pytilt.settings import Settings
from tests.http.hostile import HostileServer, OddAnswers, trouble

LABELS = {"dev.tilt/project": "p"}
CONTAINER = {
    "Id": "c1",
    "Created": "2026-11-29T10:00:00Z",
    "Image": "sha256:1",
    "State": {
        "Status": "exited",
        "Running": False,
        "Dead": False,
        "OOMKilled": False,
        "Error": "no",
        "ExitCode": 3,
        "Pid": 0,
        "StartedAt": "2026-11-29T10:00:00.1Z",
        "FinishedAt": "2026-11-29T10:00:00.2Z",
    },
    "Config": {"Image": "busybox", "Labels": LABELS},
    "NetworkSettings": {"Networks": {"n": {"Gateway": "172.17.0.1", "IPAddress": "172.17.0.2"}}},
    "Mounts": [{"Destination": "/data", "Source": "/var/lib/x"}],
}
LISTED = {"Id": "c1", "Names": ["/web"], "State": "running", "Created": 1, "Labels": LABELS}
ANSWERS: dict[str, Any] = {
    "/_ping": b"OK",
    "/version": {
        "Version": "27.0",
        "ApiVersion": "1.46",
        "Os": "linux",
        "Arch": "amd64",
        "Components": [{"Name": "E"}],
    },
    "/info": {"MemTotal": 1, "NCPU": 2},
    "/containers/json": [LISTED],
    "/containers/create": {"Id": "c1"},
    "/containers/c1/json": CONTAINER,
    "/containers/c1/exec": {"Id": "e1"},
    "/exec/e1/json": {"Running": False, "ExitCode": 3},
    "/networks": [{"Id": "n1", "Name": "n", "Labels": LABELS}],
    "/volumes": {"Volumes": [{"Name": "v", "Labels": LABELS}]},
    "/images/json": [{"Id": "sha256:1", "RepoTags": ["web:1"], "Created": 1, "Labels": LABELS}],
    "/images/web/json": {"Id": "sha256:1", "Config": {"Cmd": ["sh"], "Env": ["A=b"]}, "RepoTags": ["web:1"], "Size": 1},
    "/images/web/history": [{"CreatedBy": "x"}],
    "/images/create": {"status": "Pulling", "id": "1", "progressDetail": {"current": 1, "total": 2}},
    "/events": {"Action": "die", "Actor": {"ID": "c1", "Attributes": {"exitCode": "3"}}},
}
EXPECTED = (DockerApiError, EngineUnreachableError, ClusterUnreachableError, SyncError)


def honest(target: str) -> Any:
    path = target.partition("?")[0].replace("sha256:1", "web")
    return ANSWERS.get(path, {})


async def _looked_at(runtime: DockerRuntime) -> None:
    found = await runtime.inspect("c1")
    if found is not None:
        instance_of(found, 1, NodeInfo())


async def _listed(runtime: DockerRuntime) -> None:
    for each in await runtime.containers(LABELS):
        assert all(isinstance(name, str) for name in each["Names"] or ())
        assert each["Labels"].get("x") is None


async def _executed(runtime: DockerRuntime) -> None:
    async with runtime.exec("c1", ["true"]) as execution:
        try:
            while True:
                await execution.receive()
        except EOFError:
            pass


async def _happened(runtime: DockerRuntime) -> None:
    async for event in runtime.events(LABELS):
        assert isinstance(event.killed, bool)


async def _removed(runtime: DockerRuntime) -> None:
    async for removal in runtime.removals():
        assert isinstance(removal.name, str)


async def _logged(runtime: DockerRuntime) -> None:
    async with runtime.logs("c1") as chunks:
        async for _ in chunks:
            pass


RUNTIME: tuple[Callable[[DockerRuntime], Awaitable[object]], ...] = (
    _looked_at,
    _listed,
    _executed,
    _happened,
    _removed,
    _logged,
    lambda runtime: runtime.create("web", {}),
    lambda runtime: runtime.networks(LABELS),
    lambda runtime: runtime.volumes(LABELS),
    lambda runtime: runtime.has_image("web"),
    lambda runtime: runtime.pull("web"),
    lambda runtime: runtime.take("c1", "/x"),
    lambda runtime: runtime.attach_input("c1", b"x"),
    node_info,
)


async def _pruned(api: DockerApi) -> None:
    await prune(api, ["web"], PruneSettings(), datetime.now(UTC), lambda _: None)


@pytest.mark.parametrize("number", range(25))
async def test_whatever_answers_in_place_of_an_engine_is_an_error(tmp_path: Path, number: int) -> None:
    server = HostileServer(honest, number)
    socket = str(tmp_path / "s")
    wrong: list[str] = []
    async with server.on_socket(socket), DockerApi(EngineAddress(url=f"unix://{socket}")) as api:
        runtime = DockerRuntime(api)
        wrong += [await trouble(ask(runtime), EXPECTED) for ask in RUNTIME]
        wrong.append(await trouble(_pruned(api), EXPECTED))
        settings = Settings.from_environment({"DOCKER_HOST": f"unix://{socket}", "HOME": str(tmp_path), "PATH": "/bin"})
        async with Engine(settings) as engine:
            wrong.append(await trouble(engine.about(), EXPECTED))
            wrong.append(await trouble(engine.image_id("web"), EXPECTED))
            wrong.append(await trouble(engine.image_config("web"), EXPECTED))
    assert list(filter(None, wrong)) == []


@pytest.mark.parametrize("number", range(len(RUNTIME)))
async def test_whatever_stands_in_any_field_of_an_engines_answer_is_an_error(tmp_path: Path, number: int) -> None:
    answers = OddAnswers(honest)
    socket = str(tmp_path / "s")
    address = EngineAddress(url=f"unix://{socket}")
    async with HostileServer(answers, number, hostility=0).on_socket(socket), DockerApi(address) as api:

        async def ask() -> str:
            return await trouble(RUNTIME[number](DockerRuntime(api)), EXPECTED)

        assert await answers.troubles(ANSWERS, ask) == []
