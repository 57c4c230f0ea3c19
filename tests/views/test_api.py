from datetime import UTC, datetime

import msgspec
import pytest
from msgspec.structs import replace

from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.api.file_watches import ApiFileWatch, FileWatchSpec
from pytilt.model.commands import Command
from pytilt.model.files import FileRule
from pytilt.model.images import DockerBuild, Image, LiveUpdate
from pytilt.model.names import CONFIGS, TILTFILE, ImageName, ResourceName, SpanId
from pytilt.model.objects import (
    ClusterState,
    FileWatch,
    FileWatchStatus,
    Resource,
    ResourceStatus,
    Runtime,
    RuntimeState,
    Session,
    Tiltfile,
    TiltfileStatus,
)
from pytilt.model.pods import Container, Pod
from pytilt.model.resources import Declaration, KubernetesDeploy, Link, LocalDeploy, ResourceSpec, TriggerMode
from pytilt.model.status import RuntimeStatus
from pytilt.model.stored import TILTFILE_OWNER
from pytilt.model.updates import Hold, HoldReason, Outcome, Reason, Strategy, Trigger, Update
from pytilt.store.objects import Store
from pytilt.views.api import Json, find_kind, kinds, ui_resources
from tests.views.shaped import as_explained

NOW = "2026-01-01T00:00:00.000000Z"
WEB = {"kind": "Deployment", "metadata": {"name": "web"}}
IMAGE = Image(name=ImageName("img"), build=DockerBuild(context="/p"), live_update=LiveUpdate())
UPDATED = Update(
    id=1,
    span=SpanId("build:1"),
    reason=Reason.CHANGED_FILES,
    strategy=Strategy.FULL,
    changed_files=("/p/a",),
    started_at="2026-01-01T00:00:01Z",
    finished_at="2026-01-01T00:00:02Z",
    outcome=Outcome.OK,
)

POD = Pod(
    name="web-1",
    namespace="default",
    uid="u",
    created_at="2026-01-01T00:00:03Z",
    phase="Running",
    status="Running",
    containers=(Container(name="c", image="img:1", ready=True, restarts=2),),
)


@pytest.fixture
def store() -> Store:
    made = Store(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    made.put(Tiltfile(name=TILTFILE, path="/p/Tiltfile", status=TiltfileStatus(history=(UPDATED,))))
    return made


def kubernetes(**fields: object) -> ResourceSpec:
    deploy = KubernetesDeploy(objects=(WEB,))
    return ResourceSpec(name=ResourceName("web"), deploy=deploy, **fields)  # type: ignore[arg-type]  # fields of a resource


def row(store: Store, name: str) -> Json:
    found = (as_explained(wire(each)) for each in ui_resources(store.snapshot()))
    return next(each for each in found if each["metadata"]["name"] == name)


def wire(item: Json) -> Json:
    """An object as a reader gets it."""
    found: Json = msgspec.json.decode(msgspec.json.encode(item))
    return found


def status(store: Store, **fields: object) -> Json:
    """The status of the row of `web`, whose resource has this status."""
    made = ResourceStatus(**fields)  # type: ignore[arg-type]  # fields of a status
    store.put(Resource(name="web", spec=kubernetes(), order=2, status=made))
    found: Json = row(store, "web")["status"]
    return found


SWITCH = {"configMap": {"name": "web-disable", "key": "isDisabled"}}


def test_a_row_has_the_fields_of_tilts_uiresource(store: Store):
    spec = kubernetes(images=(IMAGE,), labels=("backend",), trigger_mode=TriggerMode.MANUAL)
    done = ResourceStatus(history=(UPDATED,), deployed_at="2026-01-01T00:00:02Z")
    store.put(Resource(name="web", spec=spec, order=2, status=done))
    links = (Link(url="http://localhost:8000/", name="app"),)
    state = RuntimeState(status=RuntimeStatus.OK, pods=(POD,), endpoints=links, since="2026-01-01T00:00:04Z")
    store.put(Runtime(name="web", status=state))
    found = row(store, "web")
    del found["metadata"]["uid"], found["metadata"]["ownerReferences"]
    assert found == {
        "apiVersion": "tilt.dev/v1alpha1",
        "kind": "UIResource",
        "metadata": {
            "name": "web",
            "annotations": {"tilt.dev/resource": "web"},
            "labels": {"backend": "backend"},
            "creationTimestamp": NOW,
            "resourceVersion": "2",
        },
        "status": {
            "buildHistory": [
                {
                    "startTime": "2026-01-01T00:00:01Z",
                    "finishTime": "2026-01-01T00:00:02Z",
                    "spanID": "build:1",
                    "reason": "Changed Files",
                    "strategy": "full",
                    "changedFiles": ["/p/a"],
                }
            ],
            "lastDeployTime": "2026-01-01T00:00:02Z",
            "triggerMode": 1,
            "endpointLinks": [{"url": "http://localhost:8000/", "name": "app"}],
            "order": 2,
            "specs": [
                {"id": "image:img", "type": "image", "hasLiveUpdate": True},
                {"id": "k8s:web", "type": "k8s"},
            ],
            "runtimeStatus": "ok",
            "updateStatus": "ok",
            "disableStatus": {"enabledCount": 1, "disabledCount": 0, "state": "Enabled", "sources": [SWITCH]},
            "conditions": [
                {"type": "UpToDate", "status": "True", "lastTransitionTime": "2026-01-01T00:00:04Z"},
                {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:04Z"},
            ],
            "k8sResourceInfo": {
                "displayNames": ["web:deployment"],
                "podName": "web-1",
                "podCreationTime": "2026-01-01T00:00:03Z",
                "podStatus": "Running",
                "allContainersReady": True,
                "podRestarts": 2,
                "spanID": "pod:web:web-1",
            },
        },
    }


def test_a_row_belongs_to_the_tiltfile_and_has_an_id_that_stays(store: Store):
    store.put(Resource(name="web", spec=kubernetes()))
    found = row(store, "web")["metadata"]
    (owner,) = found["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("Tiltfile", "(Tiltfile)", True)
    assert owner["uid"] != found["uid"] == row(store, "web")["metadata"]["uid"]


def test_a_running_update_is_the_current_build(store: Store):
    found = status(store, current=(UPDATED,))
    assert found["currentBuild"] == {"startTime": "2026-01-01T00:00:01Z", "spanID": "build:1"}
    assert found["updateStatus"] == "in_progress"


def test_a_failed_update_has_an_error(store: Store):
    failed = Update(
        id=2,
        span=SpanId("build:2"),
        reason=Reason.INITIAL_BUILD,
        strategy=Strategy.FULL,
        started_at="",
        outcome=Outcome.FAILED,
        error="no such file",
        warnings=("old",),
        note="no sync covers it",
    )
    found = status(store, history=(failed, UPDATED))
    assert [build.get("error") for build in found["buildHistory"]] == ["no such file", None]
    assert found["buildHistory"][0]["warnings"] == ["old"]
    assert [build.get("note") for build in found["buildHistory"]] == ["no sync covers it", None]
    assert found["updateStatus"] == "error"


def test_what_waits_says_for_what_and_since_when(store: Store):
    found = status(
        store,
        due=Reason.INITIAL_BUILD,
        due_since=NOW,
        trigger=Trigger(reason=Reason.CLI_TRIGGER, sequence=1),
        hold=Hold(reason=HoldReason.WAITING_FOR_DEP, on=(ResourceName("db"),)),
    )
    assert found["waiting"] == {
        "reason": "waiting-for-dep",
        "on": [{"group": "tilt.dev", "apiVersion": "v1alpha1", "kind": "UIResource", "name": "db"}],
    }
    assert (found["pendingBuildSince"], found["hasPendingChanges"], found["queued"]) == (NOW, True, True)


def test_a_row_says_how_long_its_files_have_to_be_quiet(store: Store):
    store.put(Resource(name="web", spec=replace(kubernetes(), debounce_seconds=2.0)))
    assert row(store, "web")["status"]["debounceSeconds"] == 2.0


def test_a_disabled_resource_says_so(store: Store):
    store.put(Resource(name="web", spec=kubernetes(), enabled=False))
    found = row(store, "web")["status"]
    assert found["disableStatus"]["state"] == "Disabled"
    assert (found["disableStatus"]["enabledCount"], found["disableStatus"]["disabledCount"]) == (0, 1)
    assert [each["reason"] for each in found["conditions"]] == ["Disabled", "Disabled"]


def test_a_local_resource_has_the_id_of_its_process(store: Store):
    deploy = LocalDeploy(serve=Command(argv=("server",), dir="/p"))
    store.put(Resource(name="tool", spec=ResourceSpec(name=ResourceName("tool"), deploy=deploy)))
    store.put(Runtime(name="tool", status=RuntimeState(pid=42)))
    found = row(store, "tool")["status"]
    assert found["localResourceInfo"] == {"pid": 42}
    assert found["specs"] == [{"id": "local:tool", "type": "local"}]


def test_the_tiltfile_comes_first_then_the_resources_in_their_order(store: Store):
    for name, order in (("b", 3), ("a", 2)):
        store.put(Resource(name=name, spec=kubernetes(), order=order))
    rows = ui_resources(store.snapshot())
    assert [each["metadata"]["name"] for each in rows] == [TILTFILE, "a", "b"]
    assert rows[0]["status"]["order"] == 1


def test_the_tiltfile_is_pending_when_a_config_file_changed(store: Store):
    assert row(store, TILTFILE)["status"]["updateStatus"] == "ok"
    store.put(FileWatch(name=CONFIGS, status=FileWatchStatus(latest=3)))
    assert row(store, TILTFILE)["status"]["updateStatus"] == "pending"


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("uiresources", "UIResource"),
        ("UIResource", "UIResource"),
        ("uiresource.tilt.dev", "UIResource"),
        ("fw", "FileWatch"),
        ("im", "ImageMap"),
        ("pf", "PortForward"),
        ("session", "Session"),
        ("cluster", "Cluster"),
        ("imagemaps.v1alpha1.tilt.dev", "ImageMap"),
        ("runtimes", "Runtime"),
    ],
)
def test_a_kind_has_several_words(word: str, kind: str):
    found = find_kind(word)
    assert found
    assert found.name == kind


def test_a_word_without_a_group_means_tilts_kind_where_there_is_one():
    groups = {
        word: kind.group for word in ("tiltfile", "tiltfiles.pytilt.dev", "resources") if (kind := find_kind(word))
    }
    assert groups == {"tiltfile": "tilt.dev", "tiltfiles.pytilt.dev": "pytilt.dev", "resources": "pytilt.dev"}


@pytest.mark.parametrize("word", ["pods", "resources.tilt.dev", "uiresources.pytilt.dev"])
def test_an_unknown_word_is_no_kind(word: str):
    assert find_kind(word) is None


def test_every_kind_can_be_listed_and_got_by_name(store: Store):
    store.put(Session(name="Tiltfile", tiltfile_path="/p/Tiltfile"))
    store.put(Resource(name="web", spec=kubernetes(images=(IMAGE,))))
    store.put(Runtime(name="web"))
    store.put(ClusterState(name="default", error="refused"))
    store.put(FileWatch(name="web", rules=(FileRule(paths=("/p",)),)))
    state = store.snapshot()
    found = {kind.name: kind.list(state) for kind in kinds()}
    assert {name for name, items in found.items() if items} == {
        "UIResource", "Session", "Tiltfile", "Cluster", "FileWatch", "Resource", "Runtime",
        "KubernetesDiscovery", "KubernetesApply", "DockerImage", "UISession",
    }  # fmt: skip
    for kind in kinds():
        assert all(kind.one(state, each["metadata"]["name"]) == as_explained(each) for each in kind.list(state))
        assert kind.one(state, "no such") is None


def test_objects_of_our_own_group_are_shown_as_they_are_stored(store: Store):
    store.put(FileWatch(name="web", rules=(FileRule(paths=("/p",)),), status=FileWatchStatus(latest=3)))
    kind = find_kind("filewatches.pytilt.dev")
    assert kind
    found = wire(kind.list(store.snapshot())[0])
    assert found["metadata"]["name"] == "web"
    assert found["spec"] == {"rules": [{"paths": ["/p"]}]}
    assert found["status"] == {"latest": 3}


@pytest.mark.parametrize(
    ("changed", "touched"),
    [
        ({(Resource, "web")}, {"web"}),
        ({(Runtime, "web"), (Resource, "db")}, {"web", "db"}),
        ({(FileWatch, CONFIGS)}, {TILTFILE}),
        ({(ClusterState, "default")}, set()),
    ],
)
def test_a_row_may_be_another_when_one_of_its_objects_is(changed: set[tuple[type[Resource], str]], touched: set[str]):
    kind = find_kind("uiresource")
    assert kind
    assert kind.touched(changed) == touched


def test_secrets_of_the_tiltfile_are_not_shown(store: Store):
    declaration = Declaration(secrets=(("swordfish", "[redacted secret db:password]"),))
    store.put(Tiltfile(name=TILTFILE, path="/p/Tiltfile", status=TiltfileStatus(declaration=declaration)))
    kind = find_kind("tiltfiles.pytilt.dev")
    assert kind is not None
    assert b"swordfish" not in msgspec.json.encode(kind.list(store.snapshot()))


def test_objects_that_were_made_are_shown_with_their_owner(store: Store):
    store.put(Tiltfile(name=TILTFILE, path="/p/Tiltfile"))
    store.put(ConfigMap(name="web-disable", owner=TILTFILE_OWNER, data={"isDisabled": "true"}))
    kind = find_kind("cm")
    assert kind
    (found,) = kind.list(store.snapshot())
    (owner,) = found["metadata"]["ownerReferences"]
    assert (found["data"], owner["kind"], owner["name"]) == ({"isDisabled": "true"}, "Tiltfile", TILTFILE)
    assert kind.verbs == ("get", "list", "watch", "create", "update", "patch", "delete")


def test_watches_of_files_are_those_that_were_made_and_those_of_the_session(store: Store):
    store.put(FileWatch(name="web", rules=(FileRule(paths=("/p",)),)))
    store.put(FileWatch(name="v1alpha1:mine", rules=(FileRule(paths=("/q",)),)))
    store.put(ApiFileWatch(name="mine", spec=FileWatchSpec(watched_paths=("/q",))))
    kind = find_kind("fw")
    assert kind
    state = store.snapshot()
    assert [each["metadata"]["name"] for each in kind.list(state)] == ["web", "mine"]
    assert kind.one(state, "v1alpha1:mine") is None


def test_the_session_is_touched_by_all_that_it_brings_about(store: Store):
    kind = find_kind("session")
    assert kind
    assert kind.touched({(Resource, "web"), (Runtime, "db")}) == {"Tiltfile"}
    assert kind.names(store.snapshot()) == ()
