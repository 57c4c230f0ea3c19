from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import Resource, ResourceStatus
from pytilt.model.resources import LocalDeploy, ResourceSpec
from pytilt.model.updates import Hold, HoldReason, Reason, Strategy, Update
from pytilt.store.objects import Store
from pytilt.views.holds import waits_for


def resource(name: str, order: int, *strategies: Strategy) -> Resource:
    current = tuple(
        Update(id=1, span=SpanId("build:1"), reason=Reason.INITIAL_BUILD, strategy=each, started_at="")
        for each in strategies
    )
    spec = ResourceSpec(name=ResourceName(name), deploy=LocalDeploy())
    return Resource(name=name, spec=spec, digest="", order=order, status=ResourceStatus(current=current))


def test_what_waits_for_a_slot_waits_for_what_runs_now():
    store = Store()
    store.put(resource("second", 2, Strategy.COMMAND))
    store.put(resource("first", 1, Strategy.FULL))
    store.put(resource("live", 0, Strategy.LIVE))
    hold = Hold(reason=HoldReason.WAITING_FOR_SLOT)
    assert waits_for(store.snapshot(), hold) == ("first", "second")
    store.put(resource("first", 1))
    assert waits_for(store.snapshot(), hold) == ("second",)


def test_what_waits_for_a_dependency_waits_for_that():
    hold = Hold(reason=HoldReason.WAITING_FOR_DEP, on=(ResourceName("db"),))
    assert waits_for(Store().snapshot(), hold) == ("db",)
