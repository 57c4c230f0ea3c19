import pytest

from pytilt.cluster import finalizers, objects
from tests.cluster_rules.shop import plain


def with_finalizers(*names):
    o = plain("ConfigMap", "colors")
    return {**o, "metadata": {**o["metadata"], "finalizers": list(names)}}


@pytest.mark.parametrize(
    ("o", "text"),
    [
        (plain("ConfigMap", "colors"), "ConfigMap/colors"),
        (with_finalizers("a.b/c"), "ConfigMap/colors (finalizer `a.b/c`)"),
        (with_finalizers("a.b/c", "d"), "ConfigMap/colors (finalizers `a.b/c`, `d`)"),
    ],
)
def test_what_keeps_an_object_is_said(o, text):
    assert finalizers.described(objects.ref(o), o) == text


def test_a_namespace_says_itself_what_it_still_holds():
    conditions = [
        {
            "type": "NamespaceContentRemaining",
            "status": "True",
            "message": "carts has 1 instance",
        },
        {"type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "all fine"},
    ]
    o = plain("Namespace", "shop") | {"status": {"conditions": conditions}}
    assert finalizers.held_by(o) == "carts has 1 instance"


@pytest.mark.parametrize(
    ("finalizer", "foreign"),
    [
        ("example.com/x", True),
        ("kubernetes.io/pvc-protection", False),
        ("service.kubernetes.io/load-balancer-cleanup", False),
        ("foregroundDeletion", False),
        ("customresourcecleanup.apiextensions.k8s.io", False),
    ],
)
def test_the_finalizers_of_kubernetes_itself_are_not_waited_for(finalizer, foreign):
    assert finalizers.is_foreign(finalizer) is foreign
