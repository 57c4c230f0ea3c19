from collections.abc import Sequence

import pytest

from pytilt.cluster import objects
from pytilt.cluster.injection import MANAGED_BY, MANAGED_BY_LABEL
from pytilt.errors import ApplyError, ClusterUnreachableError
from pytilt.loop.teardown import Teardown
from pytilt.model.api.kubernetes_applies import KubernetesApply, KubernetesApplyCmd, KubernetesApplySpec
from pytilt.model.clusters import ObjectRef
from pytilt.model.names import ResourceName
from pytilt.model.resources import Declaration, KubeObject, ResourceSpec
from pytilt.testing.cluster import FakeCluster
from tests.loop.declaring import deployment, kubernetes, local, plain

SHOP = plain("Namespace", "shop")
KEPT = plain("ConfigMap", "kept", annotations={"tilt.dev/down-policy": "keep"})
CLAIM = plain("PersistentVolumeClaim", "data")


async def torn_down(
    *specs: ResourceSpec,
    cluster: FakeCluster | None = None,
    enabled: Sequence[str] | None = None,
    delete_namespaces: bool = False,
    delete_volumes: bool = False,
) -> tuple[list[str], list[str]]:
    """What is deleted, in order, and what is lines besides."""
    present, lines = cluster or FakeCluster(), list[str]()
    names = tuple(each.name for each in specs)
    chosen = names if enabled is None else tuple(map(ResourceName, enabled))
    tearing = Teardown(present, lines.append)
    await tearing.run(
        Declaration(resources=specs, enabled=chosen),
        delete_namespaces=delete_namespaces,
        delete_volumes=delete_volumes,
    )
    return list(map(str, present.deleted)), [line for line in lines if not line.startswith("Deleting")]


async def test_dependents_go_before_what_they_need_and_each_before_what_it_refers_to():
    web = kubernetes("web", plain("ConfigMap", "colors"), deployment("web"), resource_deps=(ResourceName("db"),))
    deleted, _ = await torn_down(web, kubernetes("db"), local("tool"))
    assert deleted == ["Deployment/web", "ConfigMap/colors", "Deployment/db"]


async def test_without_dependencies_the_order_is_the_reverse_of_the_tiltfile():
    deleted, _ = await torn_down(kubernetes("a"), kubernetes("b"), kubernetes("c"))
    assert deleted == ["Deployment/c", "Deployment/b", "Deployment/a"]


async def test_every_object_is_reported_before_it_goes():
    lines: list[str] = []
    declaration = Declaration(resources=(kubernetes("web"),), enabled=(ResourceName("web"),))
    await Teardown(FakeCluster(), lines.append).run(declaration, delete_namespaces=False, delete_volumes=False)
    assert lines == ["Deleting via kubectl: Deployment/web"]


async def test_an_object_whose_name_the_cluster_chose_is_left_and_reported_of():
    job = {**plain("Job", ""), "metadata": {"generateName": "migrate-"}}
    deleted, lines = await torn_down(kubernetes("web", job, deployment("web")))
    assert deleted == ["Deployment/web"]
    assert lines == ["Not deleting Job/migrate-…: the cluster has chosen its name"]


async def test_a_disabled_resource_is_left_alone():
    deleted, _ = await torn_down(kubernetes("web"), kubernetes("db"), enabled=["db"])
    assert deleted == ["Deployment/db"]


async def test_what_is_annotated_to_be_kept_stays():
    deleted, _ = await torn_down(kubernetes("web", deployment("web"), KEPT))
    assert deleted == ["Deployment/web"]


@pytest.mark.parametrize(("wanted", "expected"), [(False, []), (True, ["PersistentVolumeClaim/data"])])
async def test_volume_claims_go_only_when_that_is_asked_for(wanted: bool, expected: list[str]):
    deleted, _ = await torn_down(kubernetes("db", CLAIM), delete_volumes=wanted)
    assert deleted == expected


def shop_with(*others: KubeObject) -> FakeCluster:
    """A cluster with the namespace `shop`, what the cluster itself puts there, and this."""
    cluster = FakeCluster()
    for each in (SHOP, plain("ConfigMap", "kube-root-ca.crt", namespace="shop"), *others):
        cluster.put(each)
    return cluster


async def test_the_claims_of_a_stateful_set_go_with_the_volumes_and_no_others():
    templates = [plain("PersistentVolumeClaim", "data")]
    database = {**plain("StatefulSet", "db"), "spec": {"volumeClaimTemplates": templates}}
    cluster = FakeCluster()
    for name in ("data-db-0", "data-db-1", "data-db-x", "data-other-0"):
        cluster.put(plain("PersistentVolumeClaim", name))
    deleted, _ = await torn_down(kubernetes("db", database), cluster=cluster, delete_volumes=True)
    assert deleted == [
        "StatefulSet/db",
        "PersistentVolumeClaim/data-db-0",
        "PersistentVolumeClaim/data-db-1",
    ]


async def test_a_namespace_that_only_the_project_uses_goes_last():
    web = deployment("web", namespace="shop")
    owned = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "u"}]
    cluster = shop_with(
        web,
        plain("Pod", "web-1", namespace="shop", ownerReferences=owned),
        plain("Secret", "ours", namespace="shop", labels={MANAGED_BY_LABEL: MANAGED_BY}),
    )
    deleted, lines = await torn_down(kubernetes("uncategorized", SHOP), kubernetes("web", web), cluster=cluster)
    assert deleted == ["Deployment/web", "Namespace/shop"]
    assert lines == []


async def test_a_namespace_with_something_of_anybody_else_stays_and_says_why():
    cluster = shop_with(plain("Secret", "theirs", namespace="shop"))
    deleted, lines = await torn_down(kubernetes("uncategorized", SHOP), cluster=cluster)
    assert deleted == []
    assert lines == [
        "Not deleting namespaces: shop (it has Secret/theirs)",
        "Run with --delete-namespaces to delete namespaces as well.",
    ]


async def test_a_kept_object_and_a_kept_claim_keep_their_namespace():
    for kept in (KEPT, CLAIM):
        inside = {**kept, "metadata": {**kept["metadata"], "namespace": "shop"}}
        deleted, _ = await torn_down(kubernetes("db", SHOP, inside), cluster=shop_with(inside))
        assert deleted == []


async def test_an_object_of_the_same_name_in_another_namespace_is_not_the_projects():
    cluster = shop_with(plain("ConfigMap", "colors", namespace="shop"))
    colors = plain("ConfigMap", "colors", namespace="default")
    deleted, _ = await torn_down(kubernetes("uncategorized", SHOP, colors), cluster=cluster)
    assert deleted == ["ConfigMap/colors"]


async def test_asked_for_a_namespace_goes_whatever_is_in_it():
    cluster = shop_with(plain("Secret", "theirs", namespace="shop"))
    deleted, _ = await torn_down(kubernetes("uncategorized", SHOP), cluster=cluster, delete_namespaces=True)
    assert deleted == ["Namespace/shop"]


async def test_a_cluster_that_does_not_answer_ends_it():
    cluster = FakeCluster()
    cluster.unreachable = "no route to host"
    with pytest.raises(ClusterUnreachableError):
        await torn_down(kubernetes("web"), cluster=cluster)


FINALIZED = plain("Cart", "one", "example.com/v1", finalizers=["example.com/empty"])
DEFINITION = {
    **plain("CustomResourceDefinition", "carts.example.com", "apiextensions.k8s.io/v1"),
    "spec": {"group": "example.com", "names": {"kind": "Cart"}, "versions": [{"name": "v1", "served": True}]},
}


async def test_custom_resources_go_before_their_operator_and_that_before_their_definition():
    cart = plain("Cart", "one", "example.com/v1")
    cluster = FakeCluster()
    for each in (cart, plain("Cart", "users", "example.com/v1", namespace="other")):
        cluster.put(each)
    operator = kubernetes("operator", deployment("operator"), plain("ServiceAccount", "operator"))
    deleted, _ = await torn_down(kubernetes("uncategorized", SHOP, DEFINITION, cart), operator, cluster=cluster)
    assert deleted == [
        "Cart/one",
        "Cart/users",
        "Deployment/operator",
        "ServiceAccount/operator",
        "CustomResourceDefinition/carts.example.com",
        "Namespace/shop",
    ]


async def test_a_custom_resource_that_is_kept_is_not_deleted_by_name():
    kept = plain("Cart", "one", "example.com/v1", annotations={"tilt.dev/down-policy": "keep"})
    cluster = FakeCluster()
    cluster.put(kept)
    deleted, _ = await torn_down(kubernetes("uncategorized", DEFINITION, kept), cluster=cluster)
    assert deleted == ["CustomResourceDefinition/carts.example.com"]


async def test_what_has_finalizers_is_waited_for_before_the_rest_goes():
    cluster, lines = FakeCluster(), list[str]()
    cluster.put(FINALIZED)

    def notify(line: str) -> None:
        lines.append(line)
        if line.startswith("Waiting"):
            cluster.remove(objects.ref(FINALIZED))

    declaration = Declaration(
        resources=(kubernetes("web", deployment("web"), FINALIZED),), enabled=(ResourceName("web"),)
    )
    tearing = Teardown(cluster, notify, seconds=0.2)
    await tearing.run(declaration, delete_namespaces=False, delete_volumes=False)
    assert lines == [
        "Deleting via kubectl: Cart/one",
        "Waiting up to 0.2s until they are gone: Cart/one",
        "Deleting via kubectl: Deployment/web",
    ]


async def test_what_does_not_go_is_named_with_its_finalizer_after_the_rest_went():
    cluster = FakeCluster()
    held = plain("ConfigMap", "colors", finalizers=["example.com/paint", "kubernetes.io/x"])
    used = plain("Secret", "used", finalizers=["kubernetes.io/pvc-protection"])
    for each in (FINALIZED, held, used):
        cluster.put(each)
    declaration = Declaration(
        resources=(kubernetes("web", deployment("web"), held, used, FINALIZED),), enabled=(ResourceName("web"),)
    )
    tearing = Teardown(cluster, lambda _: None, seconds=0.05)
    with pytest.raises(ApplyError) as caught:
        await tearing.run(declaration, delete_namespaces=False, delete_volumes=False)
    assert caught.value.message == (
        "still being deleted after 0.05s: Cart/one (finalizer `example.com/empty`), "
        "ConfigMap/colors (finalizers `example.com/paint`, `kubernetes.io/x`)"
    )
    assert "Deployment/web" in map(str, cluster.deleted)


async def test_what_objects_of_the_api_apply_goes_too_and_a_broken_one_stops_nothing():
    def apply(name: str, **spec: object) -> KubernetesApply:
        return KubernetesApply(name=name, spec=KubernetesApplySpec(**spec))  # type: ignore[arg-type]  # as each is

    colors = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: colors}\n"
    command = KubernetesApplyCmd(args=("apply",), dir="/p")
    applies = (apply("a", yaml=colors), apply("b", yaml="a: [b"), apply("c", apply_cmd=command))
    cluster, lines, web = FakeCluster(), list[str](), kubernetes("web")
    declaration = Declaration(resources=(web,), enabled=(web.name,), objects=applies)
    with pytest.raises(ApplyError, match=r"kubernetesapply b: spec\.yaml"):
        await Teardown(cluster, lines.append).run(declaration, delete_namespaces=False, delete_volumes=False)
    assert list(map(str, cluster.deleted)) == ["ConfigMap/colors", "Deployment/web"]
    assert "Not deleting what kubernetesapply c applied: it has no delete command" in lines


async def test_nothing_that_is_printed_shows_a_secret():
    lines: list[str] = []
    declaration = Declaration(
        resources=(kubernetes("web", plain("ConfigMap", "hush-hush"), deployment("web")),),
        enabled=(ResourceName("web"),),
        secrets=(("hush-hush", "[key]"),),
    )

    class Refusing(FakeCluster):
        async def delete(self, ref: ObjectRef, *, wait: bool = False) -> bool:  # noqa: ARG002 - as in the seam
            raise ApplyError(f"{ref}: t0ken-1 is wrong")

    tearing = Teardown(Refusing(), lines.append)
    with pytest.raises(ApplyError, match=r"\[token\] is wrong"):
        await tearing.run(declaration, delete_namespaces=False, delete_volumes=False, secrets=[("t0ken-1", "[token]")])
    assert "Deleting via kubectl: ConfigMap/[key]" in lines
