from datetime import UTC, datetime

import pytest

from pytilt.host.ignoring import EDITOR_PATTERNS
from pytilt.model.clusters import ClusterInfo
from pytilt.model.commands import Command
from pytilt.model.files import FileRule, Ignore
from pytilt.model.images import BuiltImage, CustomBuild, DockerBuild, Image, LiveUpdate, Registry, Run, Sync
from pytilt.model.live_updates import LiveContainer, LiveUpdateState, LiveUpdateStatus
from pytilt.model.names import CONFIGS, TILTFILE, ImageName, ResourceName, SpanId
from pytilt.model.objects import (
    ClusterState,
    FileWatch,
    ImageMap,
    ImageMapStatus,
    PortForward,
    PortForwardStatus,
    Resource,
    ResourceStatus,
    Runtime,
    RuntimeState,
    Tiltfile,
    TiltfileStatus,
)
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.model.resources import KubernetesDeploy, LocalDeploy, PortForwardSpec, ResourceSpec
from pytilt.model.updates import Outcome, Reason, Strategy, Update
from pytilt.store.objects import Store
from pytilt.views.api import Json, find_kind
from tests.views.shaped import as_explained

NOW = "2026-01-01T00:00:00.000000Z"
LATER = "2026-01-01T00:00:05.000000Z"
RULES = LiveUpdate(
    syncs=(Sync(local="/p/app", remote="/app"),),
    runs=(Run(argv=("sh", "-c", "make"), triggers=(Ignore(base="/p", patterns=("app/x",)),)),),
    base="/p",
)
IMAGE = Image(
    name=ImageName("shop/web"), build=DockerBuild(context="/p/app"), live_update=RULES, match_in_env_vars=True
)
EDITORS = Ignore(base="/", patterns=EDITOR_PATTERNS)


def update(**fields: object) -> Update:
    about = {"id": 1, "span": SpanId("x"), "reason": Reason.CHANGED_FILES, "strategy": Strategy.FULL}
    times = {"started_at": "S", "finished_at": "F", "outcome": Outcome.OK}
    return Update(**{**about, **times, **fields})  # type: ignore[arg-type]  # fields of an update


@pytest.fixture
def store() -> Store:
    made = Store(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    made.put(Tiltfile(name=TILTFILE, path="/p/Tiltfile"))
    spec = ResourceSpec(name=ResourceName("web"), deploy=KubernetesDeploy(objects=()), images=(IMAGE,))
    history = (
        update(saved_at="T2", changed_files=("/p/app/b", "/q")),
        update(saved_at="T1", changed_files=("/p/app/a",)),
    )
    made.put(Resource(name="web", spec=spec, order=2, status=ResourceStatus(history=history)))
    made.put(Resource(name="job", spec=ResourceSpec(name=ResourceName("job"), deploy=LocalDeploy()), enabled=False))
    return made


def only(store: Store, word: str, name: str) -> Json:
    kind = find_kind(word)
    assert kind
    (found,) = [each for each in kind.list(store.snapshot()) if each["metadata"]["name"] == name]
    assert (kind.one(store.snapshot(), name), found["apiVersion"]) == (found, "tilt.dev/v1alpha1")
    return as_explained(found)


def test_a_watch_of_an_image_has_tilts_name_fields_and_events(store: Store):
    ignores = (Ignore(base="/p", patterns=("*.tmp",)), EDITORS)
    store.put(FileWatch(name="image:shop/web", rules=(FileRule(paths=("/p/app",), ignores=ignores),)))
    found = only(store, "fw", "image:shop_web")
    assert found["metadata"]["annotations"] == {"tilt.dev/resource": "web", "tilt.dev/target-id": "image:shop_web"}
    assert found["metadata"]["ownerReferences"][0]["name"] == TILTFILE
    assert found["spec"] == {
        "watchedPaths": ["/p/app"],
        "ignores": [{"basePath": "/p", "patterns": ["*.tmp"]}],
        "disableSource": {"configMap": {"name": "web-disable", "key": "isDisabled"}},
    }
    assert found["status"] == {
        "monitorStartTime": NOW,
        "lastEventTime": "T2",
        "fileEvents": [{"time": "T1", "seenFiles": ["/p/app/a"]}, {"time": "T2", "seenFiles": ["/p/app/b"]}],
        "disableStatus": {"disabled": False, "state": "Enabled"},
    }


def test_a_watch_of_a_local_resource_that_is_disabled(store: Store):
    store.put(FileWatch(name="job", rules=(FileRule(paths=("/j",)), FileRule(paths=("/j", "/k")))))
    found = only(store, "fw", "local:job")
    assert found["spec"]["watchedPaths"] == ["/j", "/k"]
    assert found["status"]["disableStatus"]["state"] == "Disabled"


def test_an_image_is_named_as_the_builder_and_as_the_cluster_sees_it(store: Store):
    info = ClusterInfo(
        context="kind-x", namespace="shop", product="kind", registry=Registry(host="l:5", host_from_cluster="r:5")
    )
    store.put(ClusterState(name="default", info=info, connected_at=LATER))
    built = BuiltImage(name=IMAGE.name, id="sha256:1", reference="shop/web:1")
    store.put(ImageMap(name="shop/web", spec=IMAGE, status=ImageMapStatus(built=built, reference="r:5/shop_web:1")))
    found = only(store, "im", "shop_web")
    assert found["spec"] == {"selector": "shop/web", "matchInEnvVars": True}
    assert found["status"] == {
        "image": "r:5/shop_web:1",
        "imageFromLocal": "l:5/shop_web:1",
        "imageFromCluster": "r:5/shop_web:1",
        "buildStartTime": "S",
    }
    cluster = only(store, "cluster", "default")
    assert cluster["spec"] == {"connection": {"kubernetes": {}}}
    assert cluster["status"] == {
        "connectedAt": LATER,
        "registry": {"host": "l:5", "hostFromContainerRuntime": "r:5"},
        "connection": {"kubernetes": {"context": "kind-x", "namespace": "shop", "product": "kind"}},
    }


def test_forwards_into_a_pod_are_one_object(store: Store):
    kind = find_kind("pf")
    assert kind
    for port, error in ((8000, ""), (8001, "taken")):
        status = PortForwardStatus(listening=not error, error=error)
        spec = PortForwardSpec(local_port=port, container_port=80, path="p")
        store.put(PortForward(name=f"web:{port}", resource=ResourceName("web"), spec=spec, status=status))
    assert kind.list(store.snapshot()) == ()
    pod = Pod(name="web-1", namespace="shop", uid="u", created_at=LATER, phase="Running")
    store.put(Runtime(name="web", status=RuntimeState(pods=(pod,))))
    found = only(store, "pf", "web-web-1")
    owner = found["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"]) == ("KubernetesDiscovery", "web")
    discovery = find_kind("kd")
    assert discovery
    assert owner["uid"] == discovery.list(store.snapshot())[0]["metadata"]["uid"]
    assert found["spec"]["podName"] == "web-1"
    assert found["spec"]["forwards"][0] == {"localPort": 8000, "containerPort": 80, "path": "p"}
    assert found["status"]["forwardStatuses"] == [
        {"localPort": 8000, "containerPort": 80, "startedAt": LATER},
        {"localPort": 8001, "containerPort": 80, "error": "taken"},
    ]


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (TiltfileStatus(), {"waiting": {"reason": "Unknown"}}),
        (
            TiltfileStatus(current=update(finished_at="", outcome=Outcome.RUNNING)),
            {"running": {"reasons": ["Changed Files"], "startedAt": "S"}},
        ),
        (
            TiltfileStatus(history=(update(outcome=Outcome.FAILED, error="fail", warnings=("w",)),)),
            {
                "terminated": {
                    "reasons": ["Changed Files"], "error": "fail",
                    "startedAt": "S", "finishedAt": "F", "warningCount": 1,
                }
            },
        ),
    ],
)  # fmt: skip
def test_a_tiltfile_says_how_far_its_evaluation_is(store: Store, status: TiltfileStatus, shown: Json):
    store.put(Tiltfile(name=TILTFILE, path="/p/Tiltfile", args=("--x",), status=status))
    found = only(store, "tiltfile", TILTFILE)
    assert found["spec"] == {"path": "/p/Tiltfile", "args": ["--x"], "restartOn": {"fileWatches": [CONFIGS]}}
    assert found["status"] == shown


def test_a_live_update_is_the_rule_and_the_containers_of_its_image(store: Store):
    other = Image(name=ImageName("shop/side"), build=CustomBuild(command=_command()), live_update=RULES)
    deploy = KubernetesDeploy(objects=())
    spec = ResourceSpec(name=ResourceName("web"), deploy=deploy, images=(IMAGE, other))
    store.put(Resource(name="web", spec=spec))
    for name in ("shop/web", "shop/side"):
        image = IMAGE if name == "shop/web" else other
        store.put(ImageMap(name=name, spec=image, status=ImageMapStatus(reference=f"r/{name}:1")))
    containers = tuple(
        Container(name=name, id=name, image=f"r/shop/{name}:1", state=ContainerState.RUNNING)
        for name in ("web", "side")
    )
    pod = Pod(name="web-1", namespace="shop", uid="u", phase="Running", created_at=LATER, containers=containers)
    store.put(Runtime(name="web", status=RuntimeState(pods=(pod,))))
    live = tuple(LiveContainer(pod="web-1", name=each.name, id=each.id, namespace="shop") for each in containers)
    store.put(LiveUpdateState(name="web", status=LiveUpdateStatus(containers=live)))
    found = only(store, "lu", "web:shop_side")
    assert found["status"] == {
        "containers": [{"podName": "web-1", "namespace": "shop", "containerName": "side", "containerID": "side"}]
    }
    assert found["spec"] == {
        "basePath": "/p",
        "selector": {"kubernetes": {"discoveryName": "web", "applyName": "web", "imageMapName": "shop_side"}},
        "sources": [{"fileWatch": "image:shop_side", "imageMap": "shop_side"}],
        "syncs": [{"localPath": "app", "containerPath": "/app"}],
        "execs": [{"args": ["sh", "-c", "make"], "triggerPaths": ["app/x"], "echoOff": False}],
    }


def _command() -> Command:
    return Command(argv=("make",), dir="/p")
