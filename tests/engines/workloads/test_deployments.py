import pytest

from pytilt.engines.workloads.deployments import Set, next_set, present_set, rollout


def sets(wanted, available):
    return Set(name="new", wanted=wanted, available=available, present=wanted)


def old(wanted, available=None):
    return Set(name="old", wanted=wanted, available=wanted if available is None else available, present=wanted)


DEFAULT: dict[str, object] = {}
NO_SURGE = {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
RECREATE = {"type": "Recreate"}


@pytest.mark.parametrize(
    ("wanted", "new", "before", "strategy", "scale"),
    [
        (2, sets(0, 0), [], DEFAULT, {"new": 2}),
        (1, sets(3, 3), [], DEFAULT, {"new": 1}),
        (1, sets(0, 0), [old(1)], DEFAULT, {"new": 1, "old": 1}),
        (1, sets(1, 0), [old(1)], DEFAULT, {"new": 1, "old": 1}),
        (1, sets(1, 1), [old(1)], DEFAULT, {"new": 1, "old": 0}),
        (1, sets(1, 0), [old(1, 0)], DEFAULT, {"new": 1, "old": 1}),
        (4, sets(0, 0), [old(4)], DEFAULT, {"new": 1, "old": 3}),
        (4, sets(1, 0), [old(3)], DEFAULT, {"new": 2, "old": 3}),
        (4, sets(2, 2), [old(2)], DEFAULT, {"new": 3, "old": 1}),
        (3, sets(0, 0), [old(3)], NO_SURGE, {"new": 0, "old": 2}),
        (3, sets(1, 0), [old(2)], NO_SURGE, {"new": 1, "old": 2}),
        (3, sets(1, 1), [old(2)], NO_SURGE, {"new": 1, "old": 1}),
        (2, sets(0, 0), [old(2)], RECREATE, {"old": 0}),
        (2, sets(0, 0), [Set(name="old", wanted=0, available=0, present=0)], RECREATE, {"old": 0, "new": 2}),
    ],
)
def test_how_many_pods_each_template_has(wanted, new, before, strategy, scale):
    assert rollout(wanted, new, before, strategy, paused=False) == scale


def test_a_rollout_always_comes_to_its_end():
    for wanted in range(1, 6):
        for strategy in (DEFAULT, NO_SURGE, RECREATE):
            new, before = sets(0, 0), old(wanted)
            for _ in range(20):
                scale = rollout(wanted, new, [before], strategy, paused=False)
                count, rest = scale.get("new", new.wanted), scale.get("old", before.wanted)
                assert strategy is RECREATE or min(new.available, new.wanted) + rest >= wanted - max(1, wanted // 4)
                new, before = sets(count, count), old(rest)
            assert (new.wanted, before.wanted) == (wanted, 0)


def deployed(image):
    spec = {"containers": [{"name": "c", "image": image}]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": spec}
    metadata = {"name": "web", "namespace": "default", "uid": "1"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template},
    }


def test_the_name_of_the_next_set_is_known_before_its_template_is():
    first = next_set(deployed("one"), [], 1)
    assert next_set(deployed("two"), [first], 1)["metadata"] == next_set(deployed("three"), [first], 1)["metadata"]
    assert next_set(deployed("two"), [first], 1)["metadata"]["name"] != first["metadata"]["name"]


def test_an_earlier_template_gets_its_set_back():
    first = next_set(deployed("one"), [], 1)
    second = next_set(deployed("two"), [first], 1)
    assert present_set(deployed("one"), [first, second]) == first
    assert present_set(deployed("two"), [first, second]) == second
    assert present_set(deployed("three"), [first, second]) is None
