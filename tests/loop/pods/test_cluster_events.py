from pytilt.cluster.pods import event
from pytilt.loop.pods.cluster_events import MOST_EVENTS, MOST_PENDING, ClusterEvents
from pytilt.model.cluster_events import ResourceEvents
from pytilt.model.names import ResourceName
from pytilt.store.objects import Store

WEB = ResourceName("web")


def happened(uid: str, *, about: str = "pod-uid", seconds: int = 0, count: int = 1):
    found = event(
        {
            "metadata": {"uid": uid},
            "type": "Warning",
            "reason": "BackOff",
            "message": "Back-off restarting\n",
            "involvedObject": {"kind": "Pod", "name": "web-1", "uid": about},
            "count": count,
            "lastTimestamp": f"2026-01-01T00:{seconds // 60:02}:{seconds % 60:02}Z",
        }
    )
    return uid, found


def kept(store: Store):
    found = store.get(ResourceEvents, WEB)
    return found.events if found else ()


def test_an_event_waits_until_it_is_known_whose_it_is():
    store = Store()
    events = ClusterEvents(store)
    events.take(*happened("1"))
    events.assign({}, {"pod-uid": ("pod-uid",)})
    assert kept(store) == ()
    assert events.subjects() == {"pod-uid"}
    events.assign({"deployment-uid": WEB}, {"pod-uid": ("pod-uid", "deployment-uid")})
    (found,) = kept(store)
    assert (found.object, found.reason, found.message) == ("pod/web-1", "BackOff", "Back-off restarting")
    assert not events.pending


def test_an_event_that_happens_again_is_the_same_event_and_the_newest():
    store = Store()
    events = ClusterEvents(store)
    events.take(*happened("1", seconds=1))
    events.take(*happened("2", seconds=2))
    events.assign({"pod-uid": WEB}, {"pod-uid": ("pod-uid",)})
    events.take(*happened("1", seconds=3, count=7))
    events.assign({"pod-uid": WEB}, {"pod-uid": ("pod-uid",)})
    assert [(each.uid, each.count) for each in kept(store)] == [("2", 1), ("1", 7)]


def test_only_the_last_events_are_kept():
    store = Store()
    events = ClusterEvents(store)
    for number in range(MOST_EVENTS + 5):
        events.take(*happened(str(number), seconds=number))
    events.assign({"pod-uid": WEB}, {"pod-uid": ("pod-uid",)})
    assert [each.uid for each in kept(store)] == [str(number) for number in range(5, MOST_EVENTS + 5)]
    for number in range(MOST_PENDING + 5):
        events.take(*happened(str(number), about=f"other-{number}"))
    assert len(events.subjects()) == MOST_PENDING
