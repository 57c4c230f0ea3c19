from pytilt.cluster.objects import (
    annotations,
    group,
    items,
    labels,
    mapping,
    name,
    namespace,
    namespace_or_default,
    ref,
)
from tests.cluster_rules.shop import deployment


def test_an_object_says_what_it_is():
    web = deployment("web", "x", namespace="shop")
    assert str(ref(web)) == "Deployment/web"
    assert (ref(web).api_version, ref(web).namespace) == ("apps/v1", "shop")
    assert namespace(deployment("web", "x")) == ""
    assert namespace_or_default(deployment("web", "x")) == "default"


def test_groups_are_what_is_before_the_slash():
    assert [group(version) for version in ("v1", "apps/v1", "example.com/v1beta1", "")] == [
        "",
        "apps",
        "example.com",
        "",
    ]


def test_what_is_missing_or_odd_is_empty():
    for odd in ({}, {"metadata": None}, {"metadata": "x"}, {"metadata": {"labels": None, "name": None}}):
        assert (name(odd), labels(odd), annotations(odd)) == ("", {}, {})
    assert mapping({"a": {"b": 1}}, "a", "b") == {}
    assert items({"a": [1, {}, None, {"x": 1}]}, "a") == [{}, {"x": 1}]
    assert items({"a": {}}, "a", "b") == []
