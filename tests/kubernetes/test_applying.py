import json
from typing import Any

import pytest

from pytilt.cluster.injection import MANAGED_BY_LABEL, TEMPLATE_HASH_LABEL
from pytilt.errors import ApplyError
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.applying import apply, delete, get
from pytilt.kubernetes.discovery import ApiResource, Discovery
from pytilt.model.clusters import ObjectRef
from pytilt.model.resources import KubeObject
from tests.kubernetes.api_server import ApiServer, Reply, status

MAPS = "/api/v1/namespaces/default/configmaps"
COLORS = f"{MAPS}/colors"
WANTED: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "colors"}, "data": {"a": "red"}}
KINDS = Reply(body={"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]})


def stored(uid: str = "1", **metadata: Any) -> Reply:
    return Reply(body={**WANTED, "metadata": {"name": "colors", "namespace": "default", "uid": uid, **metadata}})


def immutable() -> Reply:
    return status(422, "Invalid", "no", causes=[{"field": "data", "message": "Forbidden: field is immutable"}])


@pytest.fixture
def answering(server: ApiServer) -> ApiServer:
    server.on("GET", "/api/v1", KINDS)
    return server


async def applied(api: KubernetesApi, wanted: KubeObject = WANTED, seconds: float = 5) -> KubeObject:
    return await apply(api, Discovery(api), wanted, seconds)


async def test_an_object_is_applied_without_what_the_server_owns(answering: ApiServer, api: KubernetesApi):
    answering.on("PATCH", COLORS, stored(managedFields=[]))
    wanted = WANTED | {"metadata": {"name": "colors", "uid": "7", "resourceVersion": "3"}, "status": {}}
    found = await applied(api, wanted)
    assert found["metadata"] == {"name": "colors", "namespace": "default", "uid": "1", "managedFields": []}
    [asked] = answering.of(COLORS)
    assert asked.params == {"fieldManager": "tilt", "force": "true"}
    assert asked.headers["content-type"] == "application/apply-patch+yaml"
    assert json.loads(asked.body) == WANTED | {"metadata": {"name": "colors", "namespace": "default"}}


async def test_an_object_that_leaves_its_name_to_the_server_is_created(answering: ApiServer, api: KubernetesApi):
    answering.on("POST", MAPS, stored())
    assert await applied(api, WANTED | {"metadata": {"generateName": "colors-"}})


async def test_an_object_without_a_name_is_never_all_objects_of_its_kind(answering: ApiServer, api: KubernetesApi):
    answering.on("DELETE", MAPS, Reply(body={"items": [WANTED]}))
    answering.on("GET", MAPS, Reply(body={"items": [WANTED]}))
    maps = ApiResource(api_version="v1", kind="ConfigMap", plural="configmaps", namespaced=True)
    nameless = ObjectRef(api_version="v1", kind="ConfigMap", name="")
    assert not await delete(api, maps, nameless, wait=False)
    assert await get(api, maps, nameless) is None
    assert answering.of(MAPS) == []


BAD_NAMES = ["victim?x", "a/b", "..", ".", "%2e%2e", "café", "my app", "a\r\nHost: x", "../../namespaces/default"]


@pytest.mark.parametrize("name", BAD_NAMES)
async def test_an_object_with_a_bad_name_is_refused_before_anything_is_asked(
    name: str, answering: ApiServer, api: KubernetesApi
):
    with pytest.raises(ApplyError, match=r"metadata\.name: Invalid value"):
        await applied(api, WANTED | {"metadata": {"name": name}})
    with pytest.raises(ApplyError, match=r"metadata\.namespace: Invalid value"):
        await applied(api, WANTED | {"metadata": {"name": "colors", "namespace": name}})
    assert answering.asked == []


@pytest.mark.parametrize("name", BAD_NAMES)
async def test_to_delete_an_object_with_a_bad_name_deletes_no_other_one(
    name: str, server: ApiServer, api: KubernetesApi
):
    maps = ApiResource(api_version="v1", kind="ConfigMap", plural="configmaps", namespaced=True)
    for ref in (
        ObjectRef(api_version="v1", kind="ConfigMap", name=name),
        ObjectRef(api_version="v1", kind="ConfigMap", name="x", namespace=name),
    ):
        assert not await delete(api, maps, ref, wait=False)
        assert await get(api, maps, ref) is None
    asked = {asked.path for asked in server.asked}
    assert asked <= {maps.path("default", name)}
    assert not asked & {"/api/v1/namespaces/default/configmaps/victim", MAPS, "/api/v1/namespaces/default"}


async def test_a_name_of_a_role_may_hold_what_has_a_meaning_in_paths(server: ApiServer, api: KubernetesApi):
    group = "/apis/rbac.authorization.k8s.io/v1"
    server.on("GET", group, Reply(body={"resources": [{"name": "clusterroles", "kind": "ClusterRole"}]}))
    quoted = f"{group}/clusterroles/bug%3Aa%23b%3Fc%20d"
    server.on("PATCH", quoted, Reply(body={"metadata": {"name": "bug:a#b?c d"}}))
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "bug:a#b?c d"}}
    assert await applied(api, role)
    assert [asked.params["fieldManager"] for asked in server.of(quoted)] == ["tilt"]


async def test_an_object_that_cannot_be_changed_is_made_anew(answering: ApiServer, api: KubernetesApi):
    answering.on("PATCH", COLORS, immutable(), stored("2"))
    answering.on("GET", COLORS, stored("1"))
    answering.on("DELETE", COLORS, Reply(body={}))
    answering.on("GET", MAPS, Reply(body={"metadata": {"resourceVersion": "1"}, "items": []}))
    assert (await applied(api))["metadata"]["uid"] == "2"
    assert (
        json.loads(next(a for a in answering.asked if a.method == "DELETE").body)["propagationPolicy"] == "Background"
    )


async def test_a_claim_is_never_made_anew_since_its_data_would_be_lost(server: ApiServer, api: KubernetesApi):
    claims = "/api/v1/namespaces/default/persistentvolumeclaims"
    kinds = [{"name": "persistentvolumeclaims", "kind": "PersistentVolumeClaim", "namespaced": True}]
    server.on("GET", "/api/v1", Reply(body={"resources": kinds}))
    server.on("PATCH", f"{claims}/data", immutable())
    wanted = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}}
    with pytest.raises(ApplyError) as caught:
        await applied(api, wanted)
    assert caught.value.hint is not None
    assert "kubectl delete persistentvolumeclaim data" in caught.value.hint
    assert not [asked for asked in server.asked if asked.method == "DELETE"]


async def test_an_object_is_made_anew_only_once(answering: ApiServer, api: KubernetesApi):
    answering.on("PATCH", COLORS, immutable())
    with pytest.raises(ApplyError, match="ConfigMap/colors: no"):
        await applied(api)


async def test_an_object_that_is_being_deleted_is_waited_for(answering: ApiServer, api: KubernetesApi):
    answering.on("PATCH", COLORS, stored("1", deletionTimestamp="2026-01-01T00:00:00Z"), stored("2"))
    answering.on("GET", MAPS, Reply(body={"metadata": {"resourceVersion": "1"}, "items": [stored("1").body]}))
    deleted = {"type": "DELETED", "object": stored("1").body}
    answering.on_watch(MAPS, Reply(pieces=(deleted,), then="hold"))
    assert (await applied(api))["metadata"]["uid"] == "2"


async def test_fields_that_the_kind_does_not_have_are_left_out(answering: ApiServer, api: KubernetesApi):
    untyped = status(500, "", "failed to create typed patch object (/colors): .data.b: field not declared in schema")
    answering.on("PATCH", COLORS, untyped, status(404), stored(), untyped, stored(), stored())
    answering.on("POST", MAPS, stored())
    said: list[str] = []
    wanted = WANTED | {"data": {"a": "red", "b": [{"c": 1}]}, "more": 1}
    for _ in range(2):
        await apply(api, Discovery(api), wanted, 5, said.append)
    assert said == ["ConfigMap/colors is applied without fields that its kind does not have: .more, .data.b"] * 2
    asked = [each for each in answering.of(COLORS) if each.headers["content-type"] == "application/apply-patch+yaml"]
    assert [json.loads(each.body)["data"] for each in asked] == [wanted["data"], WANTED["data"]] * 2
    assert [each.params.get("dryRun") for each in answering.of(MAPS)] == ["All"]


async def test_fields_that_the_kind_does_not_have_and_nobody_wrote_are_not_named(
    answering: ApiServer, api: KubernetesApi
):
    untyped = status(500, "", "failed to create typed patch object: .data.metadata: field not declared in schema")
    answering.on("PATCH", COLORS, untyped, stored(), stored())
    injected = {
        "metadata": {"creationTimestamp": None, "labels": {MANAGED_BY_LABEL: "tilt", TEMPLATE_HASH_LABEL: "1"}},
        "imagePullPolicy": "IfNotPresent",
    }
    said: list[str] = []
    await apply(api, Discovery(api), WANTED | {"data": WANTED["data"] | injected}, 5, said.append)
    assert not said
    last = answering.of(COLORS)[-1]
    assert (last.headers["content-type"], json.loads(last.body)["data"]) == (
        "application/apply-patch+yaml",
        WANTED["data"],
    )


async def test_what_server_side_apply_cannot_read_is_created_or_merged(answering: ApiServer, api: KubernetesApi):
    untyped = status(500, "", "failed to create typed patch object (/colors): .x: duplicate entries for key")
    answering.on("PATCH", COLORS, untyped, untyped, stored())
    answering.on("POST", MAPS, stored(), status(409, "AlreadyExists"))
    assert await applied(api)
    assert await applied(api)
    types = [asked.headers["content-type"] for asked in answering.of(COLORS)]
    assert types == ["application/apply-patch+yaml"] * 2 + ["application/merge-patch+json"]


async def test_what_passes_by_itself_is_tried_again(answering: ApiServer, api: KubernetesApi):
    answering.on(
        "PATCH",
        COLORS,
        status(429),
        status(409),
        status(403, "Forbidden", "error looking up service account"),
        stored(),
    )
    assert await applied(api)


async def test_what_a_client_applied_before_is_taken_over(answering: ApiServer, api: KubernetesApi):
    ours = {"manager": "tilt", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:a": {}}}}
    client = {
        "manager": "kubectl-client-side-apply",
        "operation": "Update",
        "apiVersion": "v1",
        "fieldsV1": {"f:data": {"f:b": {}}},
    }
    mixed = stored(managedFields=[ours, client], resourceVersion="5")
    answering.on("PATCH", COLORS, mixed, Reply(body={}), stored())
    assert await applied(api)
    managed, version = json.loads(answering.of(COLORS)[1].body)
    assert managed["value"] == [{**ours, "fieldsV1": {"f:data": {"f:a": {}, "f:b": {}}}}]
    assert version["value"] == "5"


async def test_a_kind_that_went_away_is_named(answering: ApiServer, api: KubernetesApi):
    answering.on("GET", "/api/v1", KINDS, Reply(body={"resources": []}))
    with pytest.raises(ApplyError, match="no kind `ConfigMap` in `v1`"):
        await applied(api)


async def test_an_apply_that_takes_too_long_is_given_up(answering: ApiServer, api: KubernetesApi):
    answering.on("PATCH", COLORS, Reply(pieces=(), then="hold"))
    with pytest.raises(ApplyError, match=r"hit timeout of 0.05s applying ConfigMap/colors"):
        await applied(api, seconds=0.05)
