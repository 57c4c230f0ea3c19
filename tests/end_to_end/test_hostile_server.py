"""What an API server, or whatever answers in its place, may say: all of it is an error of its own, none is a bug."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any, NamedTuple

import pytest

from pytilt.cluster.seam import ContainerRef
from pytilt.errors import ApplyError, ClusterUnreachableError, SyncError
from pytilt.host.processes import HostRunner
from pytilt.kubernetes import logs, watching
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.cluster import KubernetesCluster
from pytilt.kubernetes.containers import KubernetesContainers
from pytilt.kubernetes.discovery import PODS
from pytilt.model.clusters import ObjectRef
from tests.http.hostile import HostileServer, OddAnswers, trouble
from tests.kubernetes.api_server import connection

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default", "uid": "1", "resourceVersion": "5"},
    "status": {
        "containerStatuses": [
            {"name": "c", "containerID": "x://1", "restartCount": 2, "state": {"terminated": {"exitCode": 3}}}
        ]
    },
}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "default", "uid": "1"}}
ANSWERS: dict[str, Any] = {
    "/version": {"gitVersion": "v1.34.0", "platform": "linux/amd64"},
    "/api/v1": {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]},
    "/api/v1/nodes": {"items": [{"metadata": {"annotations": {}}, "status": {"nodeInfo": {"architecture": "amd64"}}}]},
    "/api/v1/namespaces/kube-public/configmaps/local-registry-hosting": {
        "data": {"localRegistryHosting.v1": "host: a"}
    },
    "/api/v1/namespaces/default/configmaps": {"metadata": {"resourceVersion": "5"}, "items": [CONFIG]},
    "/api/v1/namespaces/default/configmaps/web": CONFIG,
    "/api/v1/namespaces/default/pods": {"metadata": {"resourceVersion": "5"}, "items": [POD]},
    "/api/v1/namespaces/default/pods/web/log": b"2026-11-29T10:00:00.1Z hello\n",
}
EXPECTED = (ClusterUnreachableError, ApplyError, SyncError)
MOMENT_SECONDS = 0.02
"""How long a test looks at what is tried again for ever."""

CONTAINER = ContainerRef(namespace="default", pod="web", container="c")
REF = ObjectRef(api_version="v1", kind="ConfigMap", name="web", namespace="default")


class HostileTrial(NamedTuple):
    """A cluster under test."""

    api: KubernetesApi
    cluster: KubernetesCluster
    containers: KubernetesContainers


@asynccontextmanager
async def trial(answers: Callable[[str], Any], number: int, hostility: float) -> AsyncIterator[HostileTrial]:
    """A cluster whose server answers so."""
    server = HostileServer(answers, number, hostility=hostility)
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(server.on_port())
        runner = await stack.enter_async_context(HostRunner())
        api = await stack.enter_async_context(KubernetesApi(connection(port), runner))
        yield HostileTrial(api, KubernetesCluster(api), await stack.enter_async_context(KubernetesContainers(api)))


def honest(target: str) -> Any:
    path, _, params = target.partition("?")
    if "watch=true" in params:
        return {"type": "ADDED", "object": POD}
    return ANSWERS.get(path, {})


async def _watched(t: HostileTrial) -> None:
    scope = watching.Scope(resource=PODS, namespace="default")
    await _for_a_moment(watching.watch(t.api, scope, give_up_after=0))


async def _logged(t: HostileTrial) -> None:
    await _for_a_moment(logs.follow(t.api, CONTAINER))


async def _for_a_moment(items: AsyncGenerator[object]) -> None:
    try:
        async with asyncio.timeout(MOMENT_SECONDS), aclosing(items):
            async for _ in items:
                pass
    except TimeoutError:
        pass


async def _executed(t: HostileTrial) -> None:
    async with t.containers.exec(CONTAINER, ["true"]) as stream:
        try:
            while True:
                await stream.receive()
        except EOFError:
            pass


async def _forwarded(t: HostileTrial) -> None:
    async with t.containers.forward("default", "web", 80) as stream:
        while await stream.receive():
            pass


Work = Callable[[HostileTrial], Awaitable[object]]
ALL: tuple[Work, ...] = (
    lambda t: t.cluster.info(),
    lambda t: t.cluster.get(REF),
    lambda t: t.cluster.apply(CONFIG, timeout=MOMENT_SECONDS),
    lambda t: t.cluster.delete(REF),
    _watched,
    _logged,
    _executed,
    _forwarded,
)


@pytest.mark.parametrize("number", range(12))
async def test_whatever_answers_in_place_of_an_api_server_is_an_error(number: int) -> None:
    async with trial(honest, number, 0.6) as t:
        wrong = [await trouble(each(t), EXPECTED) for each in ALL]
    assert list(filter(None, wrong)) == []


@pytest.mark.parametrize("number", range(6))
async def test_whatever_stands_in_any_field_of_an_api_servers_answer_is_an_error(number: int) -> None:
    answers = OddAnswers(honest)
    async with trial(answers, number, 0) as t:

        async def ask() -> str:
            return await trouble(ALL[number](t), EXPECTED)

        assert await answers.troubles(ANSWERS, ask) == []
