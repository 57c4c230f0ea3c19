from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from pytilt.model.api.buttons import UIButton, UIInputStatus, UITextInputStatus
from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.api.kubernetes_applies import KubernetesApply
from tests.server.sessions import PLAIN, TOKEN, Served

APIS = "/apis/tilt.dev/v1alpha1"
BUTTONS = f"{APIS}/uibuttons"
SPEC = {"text": "Go", "location": {"componentID": "web", "componentType": "Resource"}}


@pytest.fixture
def served(tmp_path: Path):
    made = Served(tmp_path)
    made.add("web")
    yield made
    made.logs.close()


@pytest.fixture
async def client(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with served.listening() as port:
        headers = {"x-tilt-token": TOKEN}
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=10, verify=PLAIN) as made:
            yield made


def button(name: str = "go", **spec: object) -> dict[str, object]:
    return {"kind": "UIButton", "metadata": {"name": name, "labels": {"a": "b"}}, "spec": {**SPEC, **spec}}


async def test_an_object_is_made_changed_and_deleted(client: httpx.AsyncClient, served: Served):
    made = await client.post(BUTTONS, json=button())
    assert (made.status_code, made.json()["metadata"]["generation"]) == (201, 1)
    assert made.json()["status"] == {"lastClickedAt": None, "inputs": []}
    changed = (await client.patch(f"{BUTTONS}/go", json={"spec": {"text": "Stop"}})).json()
    assert (changed["spec"]["text"], changed["metadata"]["generation"]) == ("Stop", 2)
    assert (changed["metadata"]["uid"], changed["metadata"]["labels"]) == (made.json()["metadata"]["uid"], {"a": "b"})
    same = (await client.put(f"{BUTTONS}/go", json=changed)).json()
    assert same == changed
    assert (await client.delete(f"{BUTTONS}/go")).json()["status"] == "Success"
    assert served.store.get(UIButton, "go") is None


async def test_a_click_is_an_update_of_the_status_in_json_or_yaml(client: httpx.AsyncClient, served: Served):
    await client.post(BUTTONS, json=button(inputs=[{"name": "WHO", "text": {}}]))
    status = {"lastClickedAt": "2026-01-02T03:04:05.000000Z", "inputs": [{"name": "WHO", "text": {"value": "me"}}]}
    await client.patch(f"{BUTTONS}/go/status", json={"status": status})
    found = served.store.get(UIButton, "go")
    assert found
    assert found.status.inputs == (UIInputStatus(name="WHO", text=UITextInputStatus(value="me")),)
    text = (
        "kind: UIButton\nmetadata: {name: go}\nspec: {text: ignored}\nstatus:\n  lastClickedAt: 2026-01-02T03:04:06Z\n"
    )
    headers = {"content-type": "application/yaml"}
    answer = await client.put(f"/proxy{BUTTONS}/go/status", content=text, headers=headers)
    assert answer.json()["status"]["lastClickedAt"] == "2026-01-02T03:04:06Z"
    assert (answer.json()["spec"]["text"], answer.json()["metadata"]["generation"]) == ("Go", 1)


async def test_an_object_that_another_has_changed_meanwhile_is_not_overwritten(client: httpx.AsyncClient):
    old = (await client.post(BUTTONS, json=button())).json()
    await client.patch(f"{BUTTONS}/go", json={"spec": {"text": "Other"}})
    answer = await client.put(f"{BUTTONS}/go", json=old)
    assert (answer.status_code, "the object has been modified" in answer.text) == (409, True)
    assert (await client.post(BUTTONS, json=button())).status_code == 409


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"metadata": {"name": "a"}, "spec": {}}, "spec.text: Required value: Button text cannot be empty"),
        (button(txet="x"), 'unknown field "spec.txet", did you mean spec.text?'),
        (button(inputs=[{"name": "A", "txt": {}}]), 'unknown field "spec.inputs[0].txt"'),
        (button(text=3), "spec.text: Invalid value: Expected `str`, got `int`"),
        (button(inputs=[{"name": "A", "choice": {"choices": []}}]), "must specify choices if input type is choice"),
        ({**button(), "kind": "Cmd"}, 'kind: Invalid value: "Cmd": must be UIButton'),
        ({**button(), "sepc": {}}, 'unknown field "sepc", did you mean spec?'),
        ({"metadata": {}, "spec": SPEC}, "metadata.name: Required value"),
        ({"metadata": {"name": "a/b"}, "spec": SPEC}, "may not contain '/'"),
        ({"metadata": {"name": "a", "labels": {"x": 1}}, "spec": SPEC}, "metadata.labels[x]: Invalid value: 1"),
        ({"metadata": 3}, "metadata: Invalid value"),
        ([], "the body is not an object"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_with_its_place(client: httpx.AsyncClient, body: object, message: str):
    answer = await client.post(BUTTONS, json=body)
    assert (answer.status_code, message in answer.text) == (422, True), answer.text


async def test_a_body_that_is_no_document_is_refused(client: httpx.AsyncClient):
    for content in (b"{", b"", b"\xff", b"a: b\n---\nc: d\n"):
        assert (await client.post(BUTTONS, content=content)).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("PATCH", "uibuttons/x", 404, 'uibuttons.tilt.dev "x" not found'),
        ("DELETE", "cmds/x", 404, 'cmds.tilt.dev "x" not found'),
        ("PATCH", "uiresources/web", 405, "uiresources are made by the session: they cannot be changed"),
        ("PATCH", "nothing/web", 404, 'the server doesn\'t have a resource type "nothing"'),
        ("PATCH", "configmaps/web-disable/status", 404, "configmaps have no status"),
    ],
)
async def test_what_is_not_there_or_not_to_be_written_is_refused(
    client: httpx.AsyncClient, served: Served, method: str, path: str, status: int, text: str
):
    served.store.put(ConfigMap(name="web-disable"))
    answer = await client.request(method, f"{APIS}/{path}", json={})
    assert (answer.status_code, answer.text) == (status, text)


async def test_clicks_count_in_the_order_in_which_they_come(client: httpx.AsyncClient, served: Served):
    """One client's clock is a year ahead, another's was set back."""
    for name in ("go", "stop"):
        await client.post(BUTTONS, json=button(name))
    clicks = [
        ("go", "2999-01-01T00:00:00.000000Z"),
        ("stop", served.store.now()),
        ("go", "2026-01-01T00:00:00.000000Z"),
    ]
    found = []
    for name, at in (*clicks, ("stop", served.store.now())):
        answer = await client.patch(f"{BUTTONS}/{name}/status", json={"status": {"lastClickedAt": at}})
        found.append(answer.json()["status"]["lastClickedAt"])
    assert found == sorted(set(found))
    assert found[-1] <= served.store.now()
    again = {"status": {"lastClickedAt": found[-1], "inputs": []}}
    same = (await client.patch(f"{BUTTONS}/stop/status", json=again)).json()
    assert same["status"]["lastClickedAt"] == found[-1]


async def test_a_click_without_a_time_is_refused(client: httpx.AsyncClient):
    made = (await client.post(BUTTONS, json=button())).json()["metadata"]["name"]
    for at, status in (("yesterday", 422), ("2026-01-31T12:00:00.000001+02:00", 200), (None, 200)):
        answer = await client.patch(f"{BUTTONS}/{made}/status", json={"status": {"lastClickedAt": at}})
        assert answer.status_code == status
    refused = await client.patch(f"{BUTTONS}/{made}/status", json={"status": {"lastClickedAt": "yesterday"}})
    assert 'status.lastClickedAt: Invalid value: "yesterday": must be a time such as' in refused.text


async def test_a_config_map_that_disables_a_resource_holds_true_or_false(client: httpx.AsyncClient, served: Served):
    served.store.put(ConfigMap(name="web-disable", data={"isDisabled": "false"}))
    answer = await client.patch(f"{APIS}/configmaps/web-disable", json={"data": {"isDisabled": "no"}})
    assert (answer.status_code, answer.text) == (422, 'data.isDisabled must be "true" or "false", not "no"')
    answer = await client.patch(f"{APIS}/configmaps/web-disable", json={"data": {"isDisabled": "true"}})
    assert answer.json()["data"] == {"isDisabled": "true"}


async def test_nobody_reads_the_secrets_that_an_object_applies(client: httpx.AsyncClient, served: Served):
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: swordfish}\n"
    body = {"metadata": {"name": "app"}, "spec": {"yaml": text}}
    path = f"{APIS}/kubernetesapplys"
    answers = [await client.post(path, json=body), await client.get(f"{path}/app"), await client.get(path)]
    answers.append(await client.patch(f"{path}/app", json={"metadata": {"labels": {"a": "b"}}}))
    assert all(answer.is_success and "swordfish" not in answer.text for answer in answers)
    kept = served.store.get(KubernetesApply, "app")
    assert kept
    assert kept.spec.yaml == text
