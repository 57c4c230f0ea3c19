from typing import Any

import pytest

from pytilt.cluster.seam import ContainerRef
from pytilt.errors import ClusterUnreachableError
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.logs import LatestRun, follow, latest_run
from tests.kubernetes.api_server import ApiServer, Reply, status

REF = ContainerRef(namespace="default", pod="web", container="main")
PODS = "/api/v1/namespaces/default/pods"
LOG = f"{PODS}/web/log"


def at(nanoseconds: int) -> str:
    return f"2026-01-01T00:00:01.{nanoseconds:09}Z"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"state": {"waiting": {}}}, LatestRun()),
        ({"state": {"running": {}}, "containerID": "a"}, LatestRun(id="a", started=True)),
        ({"state": {"terminated": {}}}, LatestRun(started=True, ended=True)),
        (
            {"state": {"waiting": {}}, "lastState": {"terminated": {}}, "restartCount": 1},
            LatestRun(restarts=1, started=True, ended=True),
        ),
    ],
)
def test_the_latest_run_is_read_from_the_status(fields, expected):
    assert latest_run({"status": {"containerStatuses": [{"name": "main", **fields}]}}, "main") == expected
    assert latest_run({"status": {"initContainerStatuses": [{"name": "main", **fields}]}}, "main") == expected


def pod(state: str = "running", container_id: str = "1", restarts: int = 0) -> dict[str, Any]:
    run = {"name": "main", "state": {state: {}}, "containerID": container_id, "restartCount": restarts}
    return {"metadata": {"name": "web", "namespace": "default"}, "status": {"containerStatuses": [run]}}


def found(*pods: dict[str, Any]) -> Reply:
    return Reply(body={"metadata": {"resourceVersion": "1"}, "items": list(pods)})


def lines(*numbers: int, then: str = "end") -> Reply:
    return Reply(pieces=tuple(f"{at(n)} line {n}\n".encode() for n in numbers), then=then)


async def read(api: KubernetesApi, since: str = "") -> list[str]:
    return [text async for _, text in follow(api, REF, since)]


async def test_a_log_is_reported_until_its_container_ends(server: ApiServer, api: KubernetesApi):
    server.on("GET", PODS, found(pod()), found(pod("terminated")))
    server.on("GET", LOG, lines(1, 2))
    assert await read(api) == ["line 1\n", "line 2\n"]
    assert server.of(LOG)[0].params == {"container": "main", "timestamps": "true", "follow": "true"}


async def test_a_line_that_does_not_end_keeps_nothing_back(server: ApiServer, api: KubernetesApi):
    server.on("GET", PODS, found(pod()), found(pod()), found(pod("terminated")))
    long = (f"{at(1)} ".encode(), *[b"x" * 1024**2] * 11, b"y\n")
    server.on("GET", LOG, Reply(pieces=(*long, f"{at(2)} end\n".encode()), then="cut"), lines(3))
    found_lines = await read(api)
    *parts, end, third = found_lines
    assert len(parts) > 5
    assert "".join(parts).replace("\n", "") == "x" * 11 * 1024**2 + "y"
    assert (end, third) == ("end\n", "line 3\n")


async def test_a_broken_connection_loses_and_doubles_nothing(server: ApiServer, api: KubernetesApi):
    server.on("GET", PODS, found(pod()), found(pod()), found(pod()), found(pod("terminated")))
    server.on("GET", LOG, lines(1, 2, then="cut"), status(503), lines(1, 2, 3))
    assert await read(api) == ["line 1\n", "line 2\n", "line 3\n"]
    assert server.of(LOG)[2].params["sinceTime"] == "2026-01-01T00:00:01Z"


async def test_the_rest_of_a_run_that_ended_meanwhile_is_reported(server: ApiServer, api: KubernetesApi):
    server.on("GET", PODS, found(pod()), found(pod(container_id="2", restarts=1)))
    server.on("GET", LOG, lines(1, then="cut"), lines(1, 2))
    assert await read(api) == ["line 1\n", "line 2\n"]
    assert server.of(LOG)[1].params["previous"] == "true"


async def test_of_the_run_before_only_what_is_newer_is_reported(server: ApiServer, api: KubernetesApi):
    server.on("GET", PODS, found(pod("terminated", "2", 1)))
    server.on("GET", LOG, lines(1, 2, 3), lines(4))
    assert await read(api, at(2)) == ["line 3\n", "line 4\n"]


async def test_a_run_that_ended_before_its_log_was_asked_for_is_reported(server: ApiServer, api: KubernetesApi):
    server.on("GET", PODS, found(pod(container_id="2", restarts=1)), found(pod("terminated", "2", 1)))
    server.on("GET", LOG, lines(1, then="cut"), lines(1, 2), lines(3))
    assert await read(api) == ["line 1\n", "line 2\n", "line 3\n"]
    assert [each.params.get("previous") for each in server.of(LOG)] == ["true", "true", None]


async def test_a_run_whose_log_is_gone_is_asked_for_once(server: ApiServer, api: KubernetesApi):
    server.on("GET", PODS, found(pod("terminated", "2", 1)))
    server.on("GET", LOG, status(400, "BadRequest", "previous terminated container not found"), lines(3))
    assert await read(api) == ["line 3\n"]


async def test_between_two_runs_the_latest_one_is_reported_once(server: ApiServer, api: KubernetesApi):
    waiting = pod("waiting", "2", 1)
    waiting["status"]["containerStatuses"][0]["lastState"] = {"terminated": {}}
    server.on("GET", PODS, found(waiting))
    server.on("GET", LOG, lines(1, 2), lines(1, 2))
    assert await read(api) == ["line 1\n", "line 2\n"]


async def test_a_container_that_has_not_started_is_waited_for(server: ApiServer, api: KubernetesApi):
    server.on("GET", PODS, found(pod("waiting")), found(pod("terminated")))
    event = {"type": "MODIFIED", "object": pod("running")}
    server.on_watch(PODS, Reply(pieces=(event,), then="hold"))
    server.on("GET", LOG, status(400, "BadRequest", "waiting to start"), lines(1))
    assert await read(api) == ["line 1\n"]


async def test_the_log_of_a_pod_that_is_gone_ends(server: ApiServer, api: KubernetesApi):
    server.on("GET", PODS, found())
    assert await read(api) == []


async def test_remarks_of_the_node_are_no_lines(server: ApiServer, api: KubernetesApi):
    server.on("GET", PODS, found(pod()), found(pod("terminated")))
    server.on("GET", LOG, Reply(body=f"failed to watch file\n{at(1)} a b\n{at(2)} \n".encode()))
    assert await read(api) == ["a b\n", "\n"]


async def test_a_log_that_may_not_be_read_is_an_error(server: ApiServer, api: KubernetesApi):
    server.on("GET", PODS, found(pod()))
    server.on("GET", LOG, status(403, "Forbidden"))
    with pytest.raises(ClusterUnreachableError, match="refuses to show the log of pod `web`"):
        await read(api)
