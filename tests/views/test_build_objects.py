from msgspec.structs import replace

from pytilt.model.clusters import ObjectRef
from pytilt.model.extensions import UsedExtension
from pytilt.model.images import BuiltImage
from pytilt.model.names import TILTFILE, ImageName
from pytilt.model.objects import (
    ImageMap,
    ImageMapStatus,
    Resource,
    ResourceStatus,
    Runtime,
    RuntimeState,
    Session,
    Tiltfile,
)
from pytilt.model.pods import Condition, Container, ContainerState, Pod
from pytilt.model.resources import KubernetesDeploy, PortForwardSpec
from pytilt.store.objects import Store
from pytilt.views.api import Json, find_kind
from tests.loop.declaring import custom, deployment, image, kubernetes, local, prepare, update
from tests.views.shaped import as_explained

SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"key": "aHVzaA=="}}


def listed(store: Store, word: str) -> list[Json]:
    kind = find_kind(word)
    assert kind
    found = [as_explained(each) for each in kind.list(store.snapshot())]
    assert [each["metadata"]["name"] for each in found] == list(kind.names(store.snapshot()))
    return found


def built(store: Store) -> None:
    """`web`, which was built, pushed and applied, and whose pod runs."""
    spec = kubernetes("web", deployment("web", "a/web"), SECRET, images=[image("base"), image("a/web", "base")])
    deploy = spec.deploy
    assert isinstance(deploy, KubernetesDeploy)
    forwarded = replace(deploy, port_forwards=(PortForwardSpec(local_port=8000, container_port=80),))
    prepare(store, replace(spec, deploy=forwarded), local("tool"))
    status = ResourceStatus(
        history=(update(),),
        applied=(ObjectRef(api_version="apps/v1", kind="Deployment", name="web", namespace="n"),),
        applied_uids=("u1",),
        applied_conditions=(Condition(type="JobComplete", status="True"),),
        deployed_at="2026-01-01T00:00:01Z",
    )
    store.change(Resource, "web", lambda each: replace(each, status=status))
    made = ImageMapStatus(
        built=BuiltImage(name=ImageName("a/web"), reference="a/web:tilt-1", id="i"), reference="registry/a_web:tilt-1"
    )
    store.change(ImageMap, "a/web", lambda each: replace(each, status=made))
    container = Container(name="main", image="x", id="c1", state=ContainerState.RUNNING)
    pod = Pod(name="web-1", namespace="n", uid="p1", created_at="2026-01-01T00:00:02Z", containers=(container,))
    store.put(Runtime(name="web", status=RuntimeState(pods=(pod,))))


def test_every_image_with_a_dockerfile_is_shown_with_how_its_build_went():
    store = Store()
    built(store)
    base, web = listed(store, "dockerimages")
    assert (base["metadata"]["name"], web["metadata"]["name"]) == ("web:base", "web:a_web")
    assert web["metadata"]["annotations"]["tilt.dev/resource"] == "web"
    assert web["spec"]["context"] == "/p/a/web"
    assert (web["spec"]["ref"], web["spec"]["imageMaps"]) == ("a/web", ["base"])
    assert web["status"]["ref"] == "registry/a_web:tilt-1"
    assert web["status"]["completed"] == {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:01Z"}
    assert listed(store, "cmdimages") == []


def test_an_image_that_a_command_builds_waits_for_its_first_build():
    store = Store()
    prepare(store, kubernetes("web", images=[custom("c")]))
    (found,) = listed(store, "cmdimage")
    assert (found["metadata"]["name"], found["spec"]["args"]) == ("web:c", ["sh", "-c", "true"])
    assert found["status"] == {"waiting": {"reason": "waiting for the first build"}}


def test_what_a_resource_applies_is_a_kubernetes_apply_without_what_is_secret():
    store = Store()
    built(store)
    (found,) = listed(store, "ka")
    assert found["metadata"]["name"] == "web"
    assert found["metadata"]["annotations"]["tilt.dev/managed-by"] == "buildcontrol"
    assert (found["spec"]["imageMaps"], found["spec"]["cluster"]) == (["base", "a_web"], "default")
    assert found["spec"]["portForwardTemplateSpec"] == {"forwards": [{"localPort": 8000, "containerPort": 80}]}
    assert "kind: Deployment" in found["spec"]["yaml"]
    assert "aHVzaA" not in str(found)
    assert "uid: u1" in found["status"]["resultYAML"]
    assert found["status"]["lastApplyTime"] == "2026-01-01T00:00:01Z"
    (condition,) = found["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("JobComplete", "True")


def test_every_pod_has_its_log_stream_and_the_page_its_session():
    store = Store()
    built(store)
    (stream,) = listed(store, "podlogstreams")
    assert (stream["metadata"]["name"], stream["spec"]["pod"]) == ("web-n-web-1", "web-1")
    assert stream["metadata"]["annotations"]["tilt.dev/log-span-id"] == "pod:web:web-1"
    assert stream["status"] == {"containerStatuses": [{"name": "main", "active": True}]}
    (session,) = listed(store, "uisession")
    assert session["status"]["tiltfileKey"] == "/p/Tiltfile"
    store.delete(Session, "Tiltfile")
    assert listed(store, "uisessions") == []


def test_the_extensions_of_the_tiltfile_are_shown_with_where_they_are():
    store = Store()
    prepare(store)
    spec = {"repoName": "mine", "repoPath": "hello"}
    used = UsedExtension(plural="extensions", name="hello", spec=spec, path="/kept/hello/Tiltfile")
    store.change(Tiltfile, TILTFILE, lambda each: replace(each, status=replace(each.status, extensions=(used,))))
    (found,) = listed(store, "ext")
    assert (found["kind"], found["spec"], found["status"]) == ("Extension", spec, {"path": "/kept/hello/Tiltfile"})
    assert listed(store, "extensionrepos") == []
