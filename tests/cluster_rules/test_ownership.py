from typing import Any

import pytest
from msgspec.structs import replace

from pytilt.cluster.ownership import (
    Claim,
    Intermediate,
    ancestors,
    belongs,
    best_first,
    container_port,
    current,
    forward_pod,
    intermediate,
    shortage,
)
from pytilt.model.pods import Condition, Container, OwnerRef, Pod
from pytilt.model.resources import PortForwardSpec

HASH = "tilt.dev/pod-template-hash"


def pod(name, *, owner="", kind="ReplicaSet", age=0, template="", phase="Running", deleting=False, ports=(), **labels):
    owners = (OwnerRef(api_version="apps/v1", kind=kind, name=owner, uid=owner),) if owner else ()
    pairs = {**labels, **({HASH: template} if template else {})}
    return Pod(
        name=name,
        namespace="shop",
        uid=f"uid-{name}",
        created_at=f"2026-01-01T00:00:{age:02}Z",
        phase=phase,
        deleting=deleting,
        labels=tuple(pairs.items()),
        owners=owners,
        containers=(
            Container(name="init", image="i", init=True, ports=(1,)),
            Container(name="a", image="x", ports=tuple(ports)),
        ),
    )


def replica_set(uid, *, deployment="web", revision=0, age=0):
    owner = OwnerRef(api_version="apps/v1", kind="Deployment", name=deployment, uid=deployment)
    created = f"2026-01-01T00:00:{age:02}Z"
    return Intermediate(uid=uid, kind="ReplicaSet", created_at=created, revision=revision, owners=(owner,))


OLD, NEW = replica_set("old", revision=1, age=1), replica_set("new", revision=2, age=2)
OWNERS = {"old": OLD, "new": NEW}


def names(pods):
    return [one.name for one in pods]


def test_pods_belong_by_the_chain_of_their_owners():
    claim = Claim(uids=("web",))
    assert belongs(pod("a", owner="new"), claim, OWNERS)
    assert not belongs(pod("a", owner="new"), claim, {})
    assert not belongs(pod("a"), claim, OWNERS)
    assert belongs(pod("a", owner="web", kind="StatefulSet"), claim, {})
    assert belongs(pod("a"), Claim(uids=("uid-a",)), {})
    assert list(ancestors(pod("a", owner="new"), OWNERS)) == ["uid-a", "new", "web"]


def test_owners_that_own_each_other_end_somewhere():
    loop = {"x": Intermediate(uid="x", kind="X", owners=(OwnerRef(api_version="v", kind="X", name="x", uid="x"),))}
    assert not belongs(pod("a", owner="x"), Claim(uids=("web",)), loop)


def test_selectors_add_pods_and_may_be_the_only_rule():
    claim = Claim(uids=("web",), selectors=((("app", "x"), ("tier", "y")), (("other", "z"),)))
    assert belongs(pod("a", app="x", tier="y"), claim, {})
    assert belongs(pod("a", other="z"), claim, {})
    assert not belongs(pod("a", app="x"), claim, {})
    only = Claim(uids=("web",), selectors=claim.selectors, selectors_only=True)
    assert not belongs(pod("a", owner="new"), only, OWNERS)
    assert not belongs(pod("a"), Claim(selectors=((),)), {})


def test_pods_of_an_older_template_do_not_count():
    claim = Claim(uids=("web",), template_hashes=("b",))
    found = [
        pod("one", owner="new", template="a", age=9),
        pod("two", owner="new", template="b"),
        pod("three", owner="new"),
    ]
    assert names(current(found, claim, OWNERS)) == ["two", "three"]


def test_pods_of_an_older_replica_set_do_not_count():
    found = [pod("one", owner="old", age=9), pod("two", owner="new"), pod("other", owner="db", kind="StatefulSet")]
    assert names(current(found, Claim(uids=("web", "db")), OWNERS)) == ["two", "other"]


def test_after_going_back_the_replica_set_in_force_is_the_one_of_the_highest_revision():
    back = {"old": replica_set("old", revision=3, age=1), "new": NEW}
    found = [pod("one", owner="old"), pod("two", owner="new", age=9)]
    assert names(current(found, Claim(uids=("web",)), back)) == ["one"]


def test_two_deployments_of_one_resource_each_have_their_newest_replica_set():
    owners = OWNERS | {"rs-db": replica_set("rs-db", deployment="db", revision=1)}
    found = [pod("a", owner="new"), pod("b", owner="rs-db"), pod("c", owner="old")]
    assert set(names(current(found, Claim(uids=("web", "db")), owners))) == {"a", "b"}


def test_the_best_pod_stays_then_is_the_newest_then_has_the_last_name():
    found = [pod("a", age=1), pod("b", age=2), pod("c", age=2), pod("d", age=9, deleting=True)]
    assert names(best_first(found)) == ["c", "b", "a", "d"]


def test_a_port_leads_to_a_running_pod_even_if_it_goes_away_while_there_is_no_better():
    going: Pod = pod("going", deleting=True)
    staying: Pod = pod("staying")
    assert forward_pod([pod("new", age=9, phase="Pending"), going]) is going
    assert forward_pod([going, staying]) is staying
    assert forward_pod([pod("new", phase="Pending")]) is None


def test_a_port_leads_to_a_pod_on_a_node_that_is_ready_if_there_is_one():
    ready = Container(name="a", image="x", ready=True)
    lost = replace(pod("lost", age=9), containers=(ready,), conditions=(Condition(type="Ready", status="False"),))
    well = replace(pod("well"), containers=(ready,), conditions=(Condition(type="Ready", status="True"),))
    assert forward_pod([lost, well]) is well
    assert forward_pod([lost]) is lost


@pytest.mark.parametrize(
    ("ports", "local", "container", "chosen"),
    [((80, 8000), 8000, 0, 8000), ((80, 90), 8000, 0, 80), ((), 8000, 0, 8000), ((80,), 8000, 9000, 9000)],
)
def test_a_forward_without_container_port_finds_one(ports, local, container, chosen):
    forward = PortForwardSpec(local_port=local, container_port=container)
    assert container_port(pod("a", ports=ports), forward) == chosen


def test_a_replica_set_is_read():
    found = intermediate({
        "kind": "ReplicaSet",
        "metadata": {
            "uid": "r",
            "creationTimestamp": "t",
            "annotations": {"deployment.kubernetes.io/revision": "7"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d"}],
        },
    })  # fmt: skip
    assert (found.uid, found.kind, found.created_at, found.revision, found.owners[0].uid) == (
        "r",
        "ReplicaSet",
        "t",
        7,
        "d",
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ""),
        ({"spec": {"replicas": 2}}, ""),
        ({"spec": {"replicas": 3}}, "2 of 3 pods"),
        ({"spec": {"replicas": 2}, "desired": "4"}, "2 of 4 pods"),
        (
            {
                "spec": {"replicas": 3},
                "status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]},
            },
            "2 of 3 pods: exceeded quota",
        ),
    ],
)
def test_a_replica_set_with_fewer_pods_than_it_is_to_have_lacks_some(fields: dict[str, Any], expected: str):
    annotations = {"deployment.kubernetes.io/desired-replicas": fields.pop("desired", "")}
    made = intermediate({"kind": "ReplicaSet", "metadata": {"uid": "new", "annotations": annotations}, **fields})
    ended = replace(pod("d", owner="new"), phase="Failed")
    assert shortage([pod("a", owner="new"), pod("b", owner="new"), pod("c"), ended], {"new": made}) == expected


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("StatefulSet", {"spec": {"replicas": 3}}, "1 of 3 pods"),
        ("StatefulSet", {"spec": {"replicas": 1}}, ""),
        ("StatefulSet", {"spec": {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}}}, ""),
        ("StatefulSet", {"spec": {"replicas": 3, "updateStrategy": {"type": "OnDelete"}}}, ""),
        ("DaemonSet", {"status": {"desiredNumberScheduled": 2}}, "1 of 2 pods"),
        ("DaemonSet", {"status": {"desiredNumberScheduled": 1}}, ""),
        (
            "DaemonSet",
            {"spec": {"updateStrategy": {"type": "OnDelete"}}, "status": {"desiredNumberScheduled": 2}},
            "",
        ),
    ],
)
def test_what_makes_its_pods_itself_lacks_those_that_are_to_have_the_new_template(
    kind: str, fields: dict[str, Any], expected: str
):
    made = intermediate({"kind": kind, "metadata": {"uid": "new"}, **fields})
    assert shortage([pod("a", owner="new")], {"new": made}) == expected


def test_what_was_applied_and_has_no_pod_at_all_lacks_every_one():
    made = intermediate({"kind": "StatefulSet", "metadata": {"uid": "new"}, "spec": {"replicas": 2}})
    assert shortage([pod("a")], {"new": made}, applied=["new", "other"]) == "0 of 2 pods"
