from msgspec.structs import replace

from pytilt.model.names import ResourceName
from pytilt.model.objects import ClusterState, Resource
from pytilt.store.objects import Store
from pytilt.views.alerts import Alert, AlertKind, alerts
from tests import samples


def shop(*more) -> Store:
    store = Store()
    for each in (*samples.shop(), *more):
        store.put(each)
    return store


def found(store: Store) -> list[Alert]:
    return [*alerts(store.snapshot())]


def test_what_is_broken_comes_first_and_says_everything():
    store = shop(ClusterState(name="default", error="connection refused"))
    store.change(Resource, "web", lambda each: failed(each, "no semicolon\nin main.c:12"))
    first, *rest = found(store)
    assert (first.kind, first.resource) == (AlertKind.CLUSTER, "")
    web = next(each for each in rest if each.resource == "web")
    assert (web.kind, web.error, web.message) == (AlertKind.UPDATE, True, "no semicolon\nin main.c:12")
    assert [each.error for each in (first, *rest)] == sorted((each.error for each in (first, *rest)), reverse=True)


def failed(resource: Resource, error: str) -> Resource:
    update = samples.update(9, seconds=1, ended=1, error=error, warnings=("an old base image",))
    return replace(resource, status=replace(resource.status, history=(update,), current=()))


def test_warnings_are_no_errors():
    store = shop()
    store.change(Resource, "web", lambda each: failed(each, ""))
    warning = Alert(
        kind=AlertKind.WARNING,
        resource=ResourceName("web"),
        message="an old base image",
        error=False,
        since=next(each.since for each in found(store) if each.kind is AlertKind.WARNING),
    )
    assert warning in found(store)
