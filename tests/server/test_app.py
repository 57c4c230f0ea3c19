import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from pytilt import __version__
from pytilt.model.logs import Level
from pytilt.model.names import TILTFILE, ResourceName, SpanId
from pytilt.model.objects import Resource, ResourceStatus, Tiltfile, TiltfileStatus
from pytilt.model.resources import Declaration
from pytilt.model.updates import Reason
from pytilt.store.scanner_pool import ScannerPool
from tests.server.sessions import PLAIN, TOKEN, Served

APIS = "/apis/tilt.dev/v1alpha1"


@pytest.fixture
def served(tmp_path: Path):
    made = Served(tmp_path)
    made.add("web", "db")
    yield made
    made.logs.close()


@pytest.fixture
async def client(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with served.listening() as port:
        headers = {"x-tilt-token": TOKEN}
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=10, verify=PLAIN) as made:
            yield made


def write(served: Served, name: str, *lines: str, level: Level = Level.INFO, build: bool = False) -> None:
    span = served.logs.span(ResourceName(name), SpanId(f"pod:{name}"), build=build)
    for line in lines:
        span(f"{line}\n", level=level)


async def test_whoever_shows_no_token_is_refused_and_reported_why(client: httpx.AsyncClient):
    answer = await client.get(f"{APIS}/uiresources", headers={"x-tilt-token": "wrong"})
    assert (answer.status_code, answer.text) == (403, "invalid session token\n")


async def test_all_objects_of_a_kind_are_a_list(client: httpx.AsyncClient):
    answer = (await client.get(f"{APIS}/uiresources")).json()
    assert (answer["apiVersion"], answer["kind"]) == ("tilt.dev/v1alpha1", "UIResourceList")
    assert [each["metadata"]["name"] for each in answer["items"]] == [TILTFILE, "web", "db"]
    assert int(answer["metadata"]["resourceVersion"]) > 0


@pytest.mark.parametrize("name", ["web", "%28Tiltfile%29"])
async def test_one_object_is_got_by_its_name(client: httpx.AsyncClient, name: str):
    answer = await client.get(f"{APIS}/uiresources/{name}")
    assert answer.json()["kind"] == "UIResource"


async def test_a_name_may_have_slashes(client: httpx.AsyncClient, served: Served):
    served.add("a/b")
    answer = await client.get(f"{APIS}/uiresources/a%2Fb")
    assert answer.json()["metadata"]["name"] == "a/b"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("uiresources/x", 'uiresources.tilt.dev "x" not found'),
        ("pods", 'the server doesn\'t have a resource type "pods"'),
        ("runtimes", 'the server doesn\'t have a resource type "runtimes"'),
        ("pods/x", 'the server doesn\'t have a resource type "pods"'),
    ],
)
async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, path: str, text: str):
    answer = await client.get(f"{APIS}/{path}")
    assert (answer.status_code, answer.text) == (404, text)


async def test_the_kinds_are_reported_with_their_words(client: httpx.AsyncClient):
    answer = (await client.get(APIS)).json()
    words = {
        each["name"]: (each["kind"], each["shortNames"], "create" in each["verbs"]) for each in answer["resources"]
    }
    assert words["filewatches"] == ("FileWatch", ["fw"], True)
    assert words["uiresources"] == ("UIResource", [], False)
    assert "resources" not in words


async def test_what_is_our_own_has_a_group_of_its_own(client: httpx.AsyncClient):
    answer = (await client.get("/apis/pytilt.dev/v1alpha1")).json()
    assert answer["groupVersion"] == "pytilt.dev/v1alpha1"
    assert {"resources", "runtimes"} <= {each["name"] for each in answer["resources"]}
    found = (await client.get("/apis/pytilt.dev/v1alpha1/resources")).json()
    assert (found["apiVersion"], found["items"][0]["apiVersion"]) == ("pytilt.dev/v1alpha1", "pytilt.dev/v1alpha1")
    assert (await client.get("/apis/foo.dev/v1alpha1")).status_code == 404


async def test_the_version_is_reported(client: httpx.AsyncClient):
    assert (await client.get("/api/version")).json() == {"version": __version__}


async def test_a_watch_yields_what_is_there_then_every_change(client: httpx.AsyncClient, served: Served):
    async with client.stream("GET", f"{APIS}/uiresources?watch=1") as answer:
        lines = answer.aiter_lines()
        first = [json.loads(await anext(lines)) for _ in range(3)]
        assert [(each["type"], each["object"]["metadata"]["name"]) for each in first] == [
            ("ADDED", TILTFILE),
            ("ADDED", "web"),
            ("ADDED", "db"),
        ]
        changed = ResourceStatus(due=Reason.CHANGED_FILES)
        served.store.change(Resource, "web", lambda each: replace(each, status=changed))
        event = json.loads(await anext(lines))
        assert (event["type"], event["object"]["status"]["updateStatus"]) == ("MODIFIED", "pending")
        served.store.delete(Resource, "db")
        event = json.loads(await anext(lines))
        assert (event["type"], event["object"]["metadata"]["name"]) == ("DELETED", "db")
        served.add("new")
        assert json.loads(await anext(lines))["type"] == "ADDED"


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"metadata": {"name": 5}},
        {"metadata": {"name": "x"}, "spec": {"args": "a"}},
        {"metadata": {"name": "x"}, "spec": {"repoName": {}}},
    ],
)
async def test_an_extension_that_is_none_is_refused(client: httpx.AsyncClient, served: Served, body: object):
    answer = await client.post(f"{APIS}/extensions", json=body)
    assert (answer.status_code, served.asked.added) == (422, {})
    assert answer.text.startswith("Extension is invalid: ")


async def test_an_extension_is_only_tried_where_that_is_wanted(client: httpx.AsyncClient, served: Served):
    body = {"metadata": {"name": "x"}, "spec": {"url": "https://x"}}
    answer = await client.post(f"{APIS}/extensionrepos?dryRun=All", json=body)
    assert (answer.status_code, answer.json()["spec"], served.asked.added) == (201, {"url": "https://x"}, {})


async def test_a_watch_says_where_that_ends_which_was_there_before(client: httpx.AsyncClient, served: Served):
    query = "watch=1&barrier=1&sendInitialEvents=true"
    async with client.stream("GET", f"{APIS}/uiresources?{query}") as answer:
        lines = answer.aiter_lines()
        first = [json.loads(await anext(lines)) for _ in range(4)]
        assert [each["type"] for each in first] == ["ADDED", "ADDED", "ADDED", "BOOKMARK"]
        assert first[-1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        served.add("new")
        assert json.loads(await anext(lines))["type"] == "ADDED"
    async with client.stream("GET", f"{APIS}/cmds?{query}") as answer:
        assert json.loads(await anext(answer.aiter_lines()))["type"] == "BOOKMARK"
    assert served.asked.barriers == 2


async def test_the_session_at_a_glance_looks_at_the_disk_where_it_shall(client: httpx.AsyncClient, served: Served):
    found = [(await client.get(f"/api/status{query}")).json() for query in ("", "?barrier=1")]
    assert [each["name"] for each in found[0]["resources"]] == [TILTFILE, "web", "db"]
    assert (found[0] == found[1], served.asked.barriers) == (True, 1)


async def test_a_watch_of_one_object_yields_nothing_of_others(client: httpx.AsyncClient, served: Served):
    async with client.stream("GET", f"{APIS}/uiresources?watch=1&name=db") as answer:
        lines = answer.aiter_lines()
        assert json.loads(await anext(lines))["object"]["metadata"]["name"] == "db"
        served.store.delete(Resource, "web")
        served.store.delete(Resource, "db")
        assert json.loads(await anext(lines))["type"] == "DELETED"


async def texts(client: httpx.AsyncClient, query: str = "") -> list[str]:
    answer = await client.get(f"/api/logs?{query}")
    assert answer.status_code == 200
    return [json.loads(line)["text"] for line in answer.text.splitlines()]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["w1", "w2", "d1", "b1", "e1"]),
        ("resource=web", ["w1", "w2", "b1", "e1"]),
        ("resource=web&resource=db", ["w1", "w2", "d1", "b1", "e1"]),
        ("resource=none", []),
        ("source=build", ["b1"]),
        ("source=runtime", ["w1", "w2", "d1", "e1"]),
        ("level=error", ["e1"]),
        ("at_least=error", ["e1"]),
        ("tail=2", ["b1", "e1"]),
        ("tail=1&resource=db", ["d1"]),
        ("tail=0", []),
        ("cursor=3", ["b1", "e1"]),
        ("since=3600", ["w1", "w2", "d1", "b1", "e1"]),
        ("before=3", ["w1", "w2", "d1"]),
        ("before=3&limit=2", ["w2", "d1"]),
        ("before=3&limit=2&resource=web", ["w1", "w2"]),
        ("before=4&limit=1&resource=web", ["b1"]),
        ("before=4&limit=1&level=error", []),
        ("before=9&limit=2", ["b1", "e1"]),
        ("before=0&limit=2", []),
        ("before=3&limit=0", []),
        ("before=3&limit=2&cursor=2", ["d1"]),
        ("before=4&tail=1&source=runtime", ["d1"]),
        ("limit=2", ["w1", "w2"]),
        ("cursor=1&limit=2&resource=web", ["w2", "b1"]),
        ("limit=0", []),
    ],
)
async def test_lines_of_the_log_are_chosen(client: httpx.AsyncClient, served: Served, query: str, expected: list[str]):
    write(served, "web", "w1", "w2")
    write(served, "db", "d1")
    write(served, "web", "b1", build=True)
    write(served, "web", "e1", level=Level.ERROR)
    assert await texts(client, query) == expected


@pytest.mark.parametrize(
    "query", ["cursor=x", "cursor=-1", "tail=-1", "before=x", "limit=-1", "since=soon", "since=nan", "since=1e30"]
)
async def test_a_number_that_is_none_is_refused(client: httpx.AsyncClient, query: str):
    answer = await client.get(f"/api/logs?{query}")
    assert answer.status_code == 400
    assert "is not a number" in answer.text


@pytest.mark.parametrize("resources", ["", "&resource=web", "&resource=web&resource=db"])
async def test_a_long_log_is_paged_through_from_its_end_to_its_start(
    client: httpx.AsyncClient, served: Served, resources: str
):
    write(served, "web", *(f"w{number}" for number in range(2500)))
    answer = await client.get(f"/api/logs?tail=999{resources}")
    pages = [[json.loads(line) for line in answer.text.splitlines()]]
    while pages[-1]:
        answer = await client.get(f"/api/logs?before={pages[-1][0]['number']}&limit=999{resources}")
        pages.append([json.loads(line) for line in answer.text.splitlines()])
    assert [len(page) for page in pages] == [999, 999, 502, 0]
    assert [line["text"] for page in reversed(pages) for line in page] == [f"w{number}" for number in range(2500)]


async def test_a_search_may_begin_at_the_end(client: httpx.AsyncClient, served: Served):
    write(served, "web", *(f"w{number}" for number in range(100)))
    query = "grep=^w.*5&order=backward"
    (part,) = (await client.get(f"/api/logs?{query}&last=3")).text.splitlines()
    assert [line["text"] for line in json.loads(part)] == ["w75", "w85", "w95"]
    (part,) = (await client.get(f"/api/logs?{query}&last=7&before=70&context=1")).text.splitlines()
    found = [line.get("text", "--") for line in json.loads(part)]
    assert found == ["w57", "w58", "w59", "w60", "--", "w64", "w65", "w66"]


@pytest.mark.parametrize("order", ["", "&order=backward"])
async def test_a_search_that_would_take_years_ends_with_a_line_that_says_so(tmp_path: Path, order: str):
    async with ScannerPool() as scanners:
        served = Served(tmp_path, token=None, scanner=scanners)
        write(served, "web", "a" * 40 + "b")
        async with served.listening() as port, httpx.AsyncClient(verify=PLAIN) as client:
            answer = await client.get(f"http://localhost:{port}/api/logs", params=f"grep=(a%2B)%2B${order}")
        served.logs.close()
    *_, reason, hint = (line for part in answer.text.splitlines() for line in _each(json.loads(part)))
    assert (reason["level"], hint["level"]) == ("ERROR", "ERROR")
    assert reason["text"] == "the search for `(a+)+$` ends here: it takes too long for what comes next"
    assert hint["text"].startswith("hint: ")


def _each(part: dict[str, Any] | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return part if isinstance(part, list) else [part]


@pytest.mark.parametrize("word", ["before", "limit"])
async def test_what_is_followed_has_no_end(client: httpx.AsyncClient, word: str):
    answer = await client.get(f"/api/logs?follow=1&{word}=5")
    assert (answer.status_code, answer.text) == (400, "follow has no end: it goes with neither before nor limit")


async def test_a_log_is_followed(client: httpx.AsyncClient, served: Served):
    write(served, "web", "one")
    async with client.stream("GET", "/api/logs?follow=1&resource=web") as answer:
        lines = answer.aiter_lines()
        assert json.loads(await anext(lines))["text"] == "one"
        write(served, "db", "other")
        write(served, "web", "two")
        assert json.loads(await anext(lines))["text"] == "two"


async def test_a_trigger_is_passed_on_with_its_reason(client: httpx.AsyncClient, served: Served):
    for name in ("web", TILTFILE):
        body = {"manifest_names": [name], "build_reason": 32}
        answer = await client.post("/api/trigger", json=body)
        assert (answer.status_code, answer.text) == (200, "")
    assert served.asked.triggered == [("web", Reason.CLI_TRIGGER), (TILTFILE, Reason.CLI_TRIGGER)]


@pytest.mark.parametrize("body", [{}, {"build_reason": 0}, {"build_reason": 1}])
async def test_a_trigger_whose_reason_is_none_counts_as_one_all_the_same(
    client: httpx.AsyncClient, served: Served, body: dict[str, int]
):
    await client.post("/api/trigger", json={"manifest_names": ["web"], **body})
    assert served.asked.triggered == [("web", Reason.UNKNOWN_TRIGGER)]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"manifest_names": ["off"]}, 200, 'resource "off" is currently disabled'),
        ({"manifest_names": ["x"]}, 404, 'resource "x" does not exist'),
        ({"manifest_names": ["web", "db"]}, 400, "/api/trigger currently supports exactly one manifest name"),
        ({"manifest_names": []}, 400, "/api/trigger currently supports exactly one manifest name"),
        ({}, 400, "error parsing JSON payload: "),
        ([], 400, "error parsing JSON payload: "),
    ],
)
async def test_a_trigger_is_refused_in_tilts_words(
    client: httpx.AsyncClient, served: Served, body: object, status: int, text: str
):
    served.add("off", enabled=False)
    answer = await client.post("/api/trigger", json=body)
    assert answer.status_code == status
    assert answer.text.startswith(text)
    assert not served.asked.triggered


async def test_a_trigger_must_be_posted(client: httpx.AsyncClient):
    answer = await client.get("/api/trigger")
    assert (answer.status_code, answer.text) == (400, "must be POST request")


async def test_resources_are_enabled_and_disabled_by_name(client: httpx.AsyncClient, served: Served):
    await client.post("/api/enable", json={"names": ["web"], "enabled": True})
    await client.post("/api/enable", json={"names": ["db"], "enabled": False})
    assert served.asked.enabled == {"web": True, "db": False}


@pytest.mark.parametrize(
    ("name", "text"), [("x", 'no such resource "x"'), (TILTFILE, "(Tiltfile) cannot be enabled or disabled")]
)
async def test_one_name_too_many_enables_nothing(client: httpx.AsyncClient, served: Served, name: str, text: str):
    answer = await client.post("/api/enable", json={"names": ["web", name], "enabled": True})
    assert (answer.status_code, answer.text) == (404, text)
    assert not served.asked.enabled


@pytest.mark.parametrize("path", ["/api/args", "/api/set_tiltfile_args"])
async def test_arguments_are_changed_once(client: httpx.AsyncClient, served: Served, path: str):
    assert (await client.post(path, json=["web"])).text == ""
    same = await client.post(path, json=["web"])
    assert (same.status_code, same.text) == (200, "Tilt is already running with those args -- no action taken")
    assert served.asked.args == ["web"]


@pytest.mark.parametrize("path", ["/", "/r/web/overview", "/r/(all)/overview"])
async def test_the_addresses_of_tilts_page_lead_to_the_page(client: httpx.AsyncClient, path: str):
    answer = await client.get(path, headers={"x-tilt-token": ""})
    assert (answer.status_code, answer.text[:15]) == (200, "<!doctype html>")


async def test_a_tiltfile_can_switch_snapshots_off(served: Served, client: httpx.AsyncClient):
    status = TiltfileStatus(declaration=Declaration(snapshots=False))
    served.store.change(Tiltfile, TILTFILE, lambda tiltfile: replace(tiltfile, status=status))
    answer = await client.get("/api/snapshot")
    assert (answer.status_code, "disable_snapshots()" in answer.text) == (403, True)
