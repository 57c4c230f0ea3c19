import functools

import pytest

from pytilt.cluster.grouping import assign, group, rename, unique_names
from pytilt.cluster.objects import kind, name
from pytilt.cluster.workloads import WorkloadKind, is_workload
from pytilt.errors import UserError
from pytilt.model.names import ResourceName
from pytilt.model.resources import ImageLocator
from tests.cluster_rules.shop import deployment, image, plain, service


def grouped(*wanted, images=(), kinds=(), locators=(), workload_name=None):
    rule = functools.partial(is_workload, images=images, kinds=kinds, locators=locators)
    return group(wanted, is_workload=rule, workload_name=workload_name)


def shown(groups):
    return {one.name: [f"{kind(o)}/{name(o)}" for o in one.objects] for one in groups.groups}


def test_a_service_joins_the_workload_whose_pods_it_selects_and_is_listed_before_it():
    groups = grouped(
        deployment("web", "img/web"), service("front", "app: web"), plain("Secret", "s"), plain("ConfigMap", "c")
    )
    assert shown(groups) == {"web": ["Service/front", "Deployment/web"]}
    assert [name(o) for o in groups.rest] == ["s", "c"]


def test_a_service_of_another_namespace_or_without_selector_joins_nothing():
    web = deployment("web", "img/web", namespace="a")
    other, same = service("other", "app: web", namespace="b"), service("same", "app: web", namespace="a")
    unnamed = service("unnamed", "app: web")
    bare = plain("Service", "bare")
    groups = grouped(web, other, same, unnamed, bare)
    assert shown(groups) == {"web": ["Service/same", "Service/unnamed", "Deployment/web"]}
    assert groups.rest == (other, bare)


def test_a_service_joins_only_the_first_of_two_workloads():
    groups = grouped(
        deployment("a", "x", labels="app: w"), deployment("b", "y", labels="app: w"), service("s", "app: w")
    )
    assert shown(groups) == {"a": ["Service/s", "Deployment/a"], "b": ["Deployment/b"]}


def test_a_service_joins_no_bare_pod():
    pod = plain("Pod", "web") | {"spec": {"containers": [{"image": "x"}]}}
    pod["metadata"]["labels"] = {"app": "web"}
    groups = grouped(pod, service("web"))
    assert shown(groups) == {"web": ["Pod/web"]}
    assert len(groups.rest) == 1


def test_names_grow_until_they_are_unique():
    wanted = [
        deployment("solo", "x"),
        deployment("web", "x"),
        deployment("web", "x", kind="DaemonSet"),
        deployment("db", "x", kind="StatefulSet", namespace="a"),
        deployment("db", "x", kind="StatefulSet", namespace="b"),
        deployment("job", "x", api_version="apps/v1"),
        deployment("job", "x", api_version="extensions/v1"),
        deployment("twin", "x"),
        deployment("twin", "x"),
    ]
    assert grouped(*wanted).names == (
        "solo",
        "web:deployment",
        "web:daemonset",
        "db:statefulset:a",
        "db:statefulset:b",
        "job:deployment:default:apps",
        "job:deployment:default:extensions",
        "twin:deployment:default:apps:7",
        "twin:deployment:default:apps:8",
    )


def test_names_in_lists_have_at_least_their_kind():
    assert unique_names([service("a"), plain("Pod", "b")], parts=2) == ("a:service", "b:pod")


def test_a_function_of_the_user_names_workloads():
    wanted = (deployment("a", "x"), deployment("b", "x"))
    assert grouped(*wanted, workload_name=lambda o: f"my-{name(o)}").names == ("my-a", "my-b")
    with pytest.raises(UserError) as caught:
        grouped(*wanted, workload_name=lambda _: "same")
    assert (
        caught.value.message
        == "both 'b:deployment:default:apps' and 'a:deployment:default:apps' mapped to resource name 'same'"
    )


def test_a_custom_resource_is_a_workload_by_its_kind_its_located_image_or_an_image_that_is_built():
    rollout = deployment("web", "img/web", kind="Rollout", api_version="argoproj.io/v1alpha1")
    other = plain("Thing", "thing", api_version="example.com/v1") | {"spec": {"image": "x"}}
    assert grouped(rollout, other).names == ()
    assert grouped(rollout, other, images=[image("img/web")]).names == ("web",)
    assert grouped(rollout, other, kinds=[WorkloadKind(kind="thing")]).names == ("thing",)
    assert grouped(rollout, other, locators=[ImageLocator(kind="Thing", paths=("{.spec.image}",))]).names == ("thing",)


def test_an_object_that_makes_pods_without_an_image_gets_a_group_of_its_own():
    bare = deployment("bare", containers="[{name: a}]")
    groups = grouped(bare, service("bare"))
    assert shown(groups) == {"bare": ["Service/bare", "Deployment/bare"]}
    assert not groups.rest


def test_fragments_give_objects_to_a_resource_whatever_their_case():
    groups = grouped(deployment("web", "x"), plain("Secret", "s"), plain("ConfigMap", "s"), plain("Role", "a:b"))
    groups = assign(groups, ResourceName("web"), ["S:secret"])
    groups = assign(groups, ResourceName("more"), [r"a\:b", "s:ConfigMap:default"])
    assert shown(groups) == {"web": ["Secret/s", "Deployment/web"], "more": ["Role/a:b", "ConfigMap/s"]}
    more = groups.get("more")
    assert more
    assert more.workload is None
    assert not groups.rest
    assert rename(groups, "more", ResourceName("most")).names == ("web", "most")


@pytest.mark.parametrize(
    ("fragment", "message"),
    [
        (
            "foo",
            (
                'No object identified by the fragment "foo" could be found. Possible objects are: '
                '"web:Deployment:default", "s:Secret:default", "s:ConfigMap:default"'
            ),
        ),
        ("s", '"s" is not a unique fragment. Objects that match "s" are "s:Secret:default", "s:ConfigMap:default"'),
        (
            "web",
            (
                'No object identified by the fragment "web" could be found in remaining YAML. '
                'Valid remaining fragments are: "s:Secret:default", "s:ConfigMap:default"'
            ),
        ),
        ("", 'Error making selector from string "": selector can\'t be empty'),
        (
            "a:b:c:d",
            (
                'Error making selector from string "a:b:c:d": Too many parts in selector. '
                "Selectors must contain between 1 and 3 parts (colon separated), found 4 parts in a:b:c:d"
            ),
        ),
    ],
)
def test_a_fragment_that_names_no_single_free_object_is_refused_in_the_words_of_tilt(fragment, message):
    groups = grouped(deployment("web", "x"), plain("Secret", "s"), plain("ConfigMap", "s"))
    with pytest.raises(UserError) as caught:
        assign(groups, ResourceName("new"), [fragment])
    assert caught.value.message == message
