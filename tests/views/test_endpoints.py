from pytilt.model.names import ResourceName
from pytilt.model.objects import PortForward, PortForwardStatus, Resource, Runtime, RuntimeState
from pytilt.model.resources import KubernetesDeploy, Link, ResourceSpec
from pytilt.model.resources import PortForwardSpec as Forward
from pytilt.model.status import RuntimeStatus
from pytilt.model.stored import Object
from pytilt.server.table import page
from pytilt.store.objects import Snapshot, Store
from pytilt.views.api import find_kind, ui_resources
from pytilt.views.dots import Dot
from pytilt.views.rows import rows

TAKEN = "cannot listen on localhost:22100: it is taken by nc (process 7)"
HOME, METRICS, DOCS = (Link(url=f"http://{each}") for each in ("localhost:22100/", "localhost:22101/", "docs.example/"))


def state(*errors: str) -> Snapshot:
    """A healthy resource with two forwards and a link; forwards with these errors."""
    name = ResourceName("web")
    specs = (Forward(local_port=22100), Forward(local_port=22101))
    deploy = KubernetesDeploy(objects=(), port_forwards=specs)
    store = Store()
    objects: list[Object] = [
        Resource(name="web", spec=ResourceSpec(name=name, deploy=deploy)),
        Runtime(name="web", status=RuntimeState(status=RuntimeStatus.OK, endpoints=(DOCS, HOME, METRICS))),
        *(
            PortForward(
                name=f"web:{spec.local_port}",
                resource=name,
                spec=spec,
                status=PortForwardStatus(listening=not error, error=error),
            )
            for spec, error in zip(specs, errors, strict=True)
        ),
    ]
    for each in objects:
        store.put(each)
    return store.snapshot()


def test_a_broken_forward_marks_the_row_and_its_own_endpoint():
    (row,) = rows(state(TAKEN, ""))
    assert row.dot is Dot.ERROR
    assert row.status.text == "forward broken"
    assert row.error == TAKEN
    assert [link.error for link in row.endpoints] == ["", TAKEN, ""]


def test_forwards_that_work_mark_nothing():
    (row,) = rows(state("", ""))
    assert row.dot is not Dot.ERROR
    assert not any(link.error for link in row.endpoints)


def test_a_broken_forward_is_reported_by_get_and_not_offered_as_a_link():
    (web,) = ui_resources(state(TAKEN, ""))
    assert [link["url"] for link in web["status"]["endpointLinks"]] == [DOCS.url, METRICS.url]
    assert [(link["url"], link["error"]) for link in web["status"]["endpointErrors"]] == [(HOME.url, TAKEN)]


def test_the_page_names_a_broken_forward_without_a_link():
    text = page(ui_resources(state(TAKEN, "")))
    assert f'href="{HOME.url}"' not in text
    assert f"{HOME.url}: {TAKEN}" in text
    assert "✖ 1 | Tilt" in text


def test_a_change_of_a_forward_is_a_change_of_its_resource():
    kind = find_kind("uiresource")
    assert kind
    assert kind.touched([(PortForward, "web:22100")]) == {"web"}
    forwards = find_kind("portforwards.pytilt.dev")
    assert forwards
    assert forwards.touched([(PortForward, "web:22100")]) == {"web:22100"}
