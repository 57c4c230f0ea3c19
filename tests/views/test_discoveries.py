from msgspec.structs import replace

from pytilt.model.objects import Resource, Runtime, RuntimeState
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.store.objects import Store
from pytilt.views.api import find_kind
from tests.loop.declaring import kubernetes, local


def test_the_pods_of_a_resource_are_those_of_its_discovery():
    store = Store()
    running = Container(name="main", image="web:1", state=ContainerState.RUNNING, ready=True, started_at="now")
    found = Pod(
        name="web-1",
        namespace="default",
        uid="u",
        created_at="",
        containers=(running, replace(running, name="init", init=True)),
    )
    store.put(Resource(name="web", spec=kubernetes("web")))
    store.put(Resource(name="tool", spec=local("tool")))
    store.put(Runtime(name="web", status=RuntimeState(pods=(found,))))
    kind = find_kind("kd")
    assert kind
    (item,) = kind.list(store.snapshot())
    (shown,) = item["status"]["pods"]
    assert (item["metadata"]["name"], shown["name"], shown["namespace"]) == ("web", found.name, found.namespace)
    assert [(each["name"], each["state"]) for each in shown["containers"]] == [
        ("main", {"running": {"startedAt": "now"}})
    ]
    assert [each["name"] for each in shown["initContainers"]] == ["init"]
    assert kind.one(store.snapshot(), "tool") is None
