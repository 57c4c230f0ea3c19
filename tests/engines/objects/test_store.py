import asyncio
from contextlib import aclosing

from pytilt.engines.objects.fields import Key
from pytilt.engines.objects.store import EVENT_LIMIT, EventRecorder, ObjectStore


def pod(name="p", **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "n"}, "spec": spec}


def test_an_equal_object_changes_nothing():
    store = ObjectStore()
    first = store.put(pod(a=1))
    again = store.put({**pod(a=1), "metadata": first["metadata"]})
    assert again is first


def test_the_generation_counts_changes_of_the_spec_only():
    store = ObjectStore()
    first = store.put(pod(a=1))
    store.set_status(Key("Pod", "n", "p"), {"phase": "Running"})
    changed = store.put({**pod(a=2), "metadata": first["metadata"]})
    assert first["metadata"]["generation"] == 1
    assert changed["metadata"]["generation"] == 2
    assert changed["metadata"]["uid"] == first["metadata"]["uid"]


def test_a_pod_is_marked_and_others_go_at_once():
    store = ObjectStore(lambda: 0.0)
    store.put(pod())
    store.put(pod() | {"kind": "ConfigMap"})
    store.delete(Key("Pod", "n", "p"))
    store.delete(Key("ConfigMap", "n", "p"))
    (left,) = store.all()
    assert left["metadata"]["deletionTimestamp"] == "1970-01-01T00:00:00Z"


async def test_a_slow_watcher_gets_the_latest_of_each():
    store = ObjectStore()
    async with aclosing(store.watch("Pod")) as changes:  # type: ignore[type-var]  # an async generator has `aclose`
        assert (await anext(changes)).type == "LISTED"
        store.put(pod(a=1))
        store.put(pod("q"))
        store.put(pod(a=2))
        seen = [await anext(changes), await anext(changes)]
        assert [(change.type, change.object["metadata"]["name"]) for change in seen] == [("ADDED", "q"), ("ADDED", "p")]
        assert seen[1].object["spec"] == {"a": 2}


async def test_an_object_that_was_replaced_is_emitted_as_two():
    store = ObjectStore()
    async with aclosing(store.watch("Pod", "n")) as changes:  # type: ignore[type-var]  # an async generator has `aclose`
        await anext(changes)
        store.put(pod())
        await anext(changes)
        store.remove(Key("Pod", "n", "p"))
        store.put(pod())
        assert [(await anext(changes)).type, (await anext(changes)).type] == ["DELETED", "ADDED"]


async def test_one_can_wait_for_something_to_hold():
    store = ObjectStore()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(store.until(lambda: len(store.all()) == 2))
        await asyncio.sleep(0)
        store.put(pod("a"))
        store.put(pod("b"))
    assert waiting.done()


def test_the_same_event_again_counts_up_and_old_ones_go():
    store = ObjectStore()
    about = store.put(pod())
    notes = EventRecorder(store)
    for _ in range(3):
        notes.warning(about, "Failed", "no")
    (event,) = store.all("Event")
    assert (event["count"], event["type"], event["involvedObject"]["name"]) == (3, "Warning", "p")
    for number in range(EVENT_LIMIT):
        notes.normal(about, "Started", str(number))
    assert len(store.all("Event")) == EVENT_LIMIT
    assert store.get(*Key("Event", "n", event["metadata"]["name"])) is None
