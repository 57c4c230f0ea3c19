from contextlib import aclosing
from typing import Any

import pytest

from pytilt.cluster.seam import Change
from pytilt.errors import ClusterUnreachableError
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.discovery import PODS
from pytilt.kubernetes.watching import Scope, until_gone, watch
from tests.kubernetes.api_server import ApiServer, Reply, status

ALL = "/api/v1/pods"
OWN = "/api/v1/namespaces/default/pods"


def pod(name: str, uid: str = "", version: str = "1") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "default", "uid": uid or name, "resourceVersion": version}}


def listed(*pods: dict[str, Any], version: str = "10", following: str = "") -> Reply:
    return Reply(body={"metadata": {"resourceVersion": version, "continue": following}, "items": list(pods)})


def event(kind: str, o: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "object": o}


def watched(*events: dict[str, Any], then: str = "hold") -> Reply:
    return Reply(pieces=events, then=then)


async def events(api: KubernetesApi, count: int, scope: Scope | None = None) -> list[str]:
    found: list[str] = []
    async with aclosing(watch(api, scope or Scope(resource=PODS))) as changes:
        async for change in changes:
            found.append(shown(change))
            if len(found) == count:
                break
    return found


def shown(change: Change) -> str:
    metadata = change.object.get("metadata", {})
    return " ".join([change.type, *(str(metadata[key]) for key in ("name", "resourceVersion") if key in metadata)])


async def test_all_objects_are_emitted_then_listed_then_changes(server: ApiServer, api: KubernetesApi):
    server.on("GET", ALL, listed(pod("a"), following="more"), listed(pod("b"), version="11"))
    server.on_watch(ALL, watched(event("MODIFIED", pod("a", version="12")), event("DELETED", pod("b", version="13"))))
    assert await events(api, 5) == ["ADDED a 1", "ADDED b 1", "LISTED", "MODIFIED a 12", "DELETED b 13"]
    assert [asked.params.get("continue") for asked in server.of(ALL)][:2] == [None, "more"]
    assert server.asked[2].params["resourceVersion"] == "11"


async def test_objects_say_their_kind_and_leave_out_bookkeeping(server: ApiServer, api: KubernetesApi):
    o = pod("a")
    server.on("GET", ALL, listed(o))
    async with aclosing(watch(api, Scope(resource=PODS))) as changes:
        change = await anext(changes)
    assert change.object == {"apiVersion": "v1", "kind": "Pod", **pod("a")}


async def test_a_watch_goes_on_where_its_connection_ended(server: ApiServer, api: KubernetesApi):
    server.on("GET", ALL, listed())
    bookmark = event("BOOKMARK", {"metadata": {"resourceVersion": "20"}})
    server.on_watch(
        ALL,
        watched(bookmark, then="end"),
        watched(event("ADDED", pod("a", version="21")), then="cut"),
        watched(event("MODIFIED", pod("a", version="22"))),
    )
    assert await events(api, 3) == ["LISTED", "ADDED a 21", "MODIFIED a 22"]
    assert [asked.params["resourceVersion"] for asked in server.asked[1:]] == ["10", "20", "21"]


@pytest.mark.parametrize("gone", [status(410, "Expired"), watched(event("ERROR", {"code": 410}))])
async def test_a_version_that_is_too_old_lists_again_and_emits_what_is_gone(
    server: ApiServer, api: KubernetesApi, gone: Reply
):
    server.on("GET", ALL, listed(pod("a"), pod("b")), listed(pod("b"), pod("c")))
    server.on_watch(ALL, gone, watched())
    first = ["ADDED a 1", "ADDED b 1", "LISTED"]
    assert await events(api, 7) == [*first, "ADDED b 1", "ADDED c 1", "DELETED a", "LISTED"]


async def test_another_object_of_the_same_name_comes_after_the_end_of_the_first(server: ApiServer, api: KubernetesApi):
    server.on("GET", ALL, listed(pod("a", uid="1")), listed(pod("a", uid="2")))
    server.on_watch(ALL, status(410), watched())
    assert await events(api, 5) == ["ADDED a 1", "LISTED", "DELETED a", "ADDED a 1", "LISTED"]


async def test_of_an_object_nothing_is_kept_but_what_names_it(server: ApiServer, api: KubernetesApi):
    server.on("GET", ALL, listed({**pod("a"), "spec": {"large": "x" * 1000}}), listed())
    server.on_watch(ALL, status(410), watched())
    async with aclosing(watch(api, Scope(resource=PODS))) as changes:
        found = [await anext(changes) for _ in range(4)]
    assert [change.type for change in found] == ["ADDED", "LISTED", "DELETED", "LISTED"]
    named = {"name": "a", "namespace": "default", "uid": "a"}
    assert found[2].object == {"apiVersion": "v1", "kind": "Pod", "metadata": named}


async def test_a_server_in_trouble_is_asked_again(server: ApiServer, api: KubernetesApi):
    server.on("GET", ALL, status(500), status(503), Reply(pieces=(), then="cut"), listed())
    server.on_watch(ALL, status(500), watched(event("ADDED", pod("a"))))
    assert await events(api, 2) == ["LISTED", "ADDED a 1"]
    assert [asked.params.get("resourceVersion") for asked in server.asked[-2:]] == ["10", "10"]


ODD_ANSWERS = (b"<html>log in</html>", b"", b"[]", b"{}", b'{"items": "x"}', b'{"items": {}}', b"[" * 100_000)


@pytest.mark.parametrize("body", ODD_ANSWERS)
async def test_an_answer_that_is_no_list_does_not_mean_that_all_is_gone(
    server: ApiServer, api: KubernetesApi, body: bytes
):
    server.on("GET", ALL, listed(pod("a")), Reply(body=body), Reply(status=302), listed(pod("a", version="2")))
    server.on_watch(ALL, status(410), watched())
    assert await events(api, 4) == ["ADDED a 1", "LISTED", "ADDED a 2", "LISTED"]


ODD_OBJECTS: tuple[Any, ...] = ("x", 5, None, [], {}, {"metadata": "x"}, {"metadata": {}}, {"metadata": {"name": 5}})


@pytest.mark.parametrize("odd", ODD_OBJECTS)
async def test_an_object_without_a_name_is_left_out_of_a_list(server: ApiServer, api: KubernetesApi, odd: Any):
    server.on("GET", ALL, listed(odd, pod("a")))
    server.on_watch(ALL, watched())
    assert await events(api, 2) == ["ADDED a 1", "LISTED"]


@pytest.mark.parametrize(
    "piece",
    [
        *(event("ADDED", odd) for odd in ODD_OBJECTS),
        {},
        {"type": "ADDED"},
        {"type": "WHAT", "object": pod("b")},
        {"type": 5, "object": pod("b")},
        {"type": "BOOKMARK", "object": {"metadata": "x"}},
        b"null\n",
        b"\xff\n",
        b"[" * 100_000 + b"\n",
    ],
)
async def test_a_watch_goes_on_after_an_event_that_is_none(server: ApiServer, api: KubernetesApi, piece: Any):
    server.on("GET", ALL, listed())
    server.on_watch(ALL, watched(piece, event("ADDED", pod("a"))), watched(event("ADDED", pod("a"))))
    assert await events(api, 2) == ["LISTED", "ADDED a 1"]


@pytest.mark.parametrize("body", [b"<html>", {"code": 500}])
async def test_a_server_that_keeps_answering_nonsense_is_an_error_at_last(
    server: ApiServer, api: KubernetesApi, body: object
):
    server.on("GET", ALL, Reply(status=500 if isinstance(body, dict) else 200, body=body))
    with pytest.raises(ClusterUnreachableError, match=r"is no Kubernetes API|refuses to list pods"):
        async with aclosing(watch(api, Scope(resource=PODS), give_up_after=0.1)) as changes:
            await anext(changes)


async def test_where_all_namespaces_may_not_be_listed_the_own_one_is(server: ApiServer, api: KubernetesApi):
    server.on("GET", ALL, status(403, "Forbidden"))
    server.on("GET", OWN, listed(pod("a")))
    server.on_watch(OWN, watched())
    assert await events(api, 2) == ["ADDED a 1", "LISTED"]


async def test_objects_that_may_not_be_listed_are_an_error(server: ApiServer, api: KubernetesApi):
    server.on("GET", ALL, status(403, "Forbidden"))
    server.on("GET", OWN, status(403, "Forbidden", "pods is forbidden"))
    with pytest.raises(ClusterUnreachableError, match="refuses to list pods: pods is forbidden"):
        await events(api, 1)


@pytest.mark.parametrize("end", [event("DELETED", pod("a")), event("ADDED", pod("a", uid="other"))])
async def test_the_end_of_one_object_is_waited_for(server: ApiServer, api: KubernetesApi, end: dict[str, Any]):
    server.on("GET", OWN, listed(pod("a")))
    server.on_watch(OWN, watched(event("MODIFIED", pod("a")), end))
    await until_gone(api, Scope(resource=PODS, namespace="default", name="a"), "a")
    assert {asked.params["fieldSelector"] for asked in server.asked} == {"metadata.name=a"}


def test_a_name_has_no_meaning_in_a_field_selector():
    assert Scope(resource=PODS, name="a,b=c\\d").params == [("fieldSelector", "metadata.name=a\\,b\\=c\\\\d")]


async def test_what_is_gone_already_is_not_waited_for(server: ApiServer, api: KubernetesApi):
    server.on("GET", OWN, listed())
    await until_gone(api, Scope(resource=PODS, namespace="default", name="a"), "a")
