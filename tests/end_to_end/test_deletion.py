"""What is deleted, in which order, and what is said of what does not go: on a cluster with an operator."""

import json
import secrets
from collections.abc import Iterator

import pytest

from tests.conftest import Kubectl
from tests.end_to_end.conftest import InFolder

DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: carts.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {kind: Cart, plural: carts}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
CART = """\
apiVersion: GROUP/v1
kind: Cart
metadata: {name: one, finalizers: [GROUP/empty]}
"""
OPERATOR = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: operator}
"""


@pytest.fixture
def group(kubectl: Kubectl) -> Iterator[str]:
    """An API group for this test alone; afterwards nothing of it is left, whatever hangs."""
    name = f"d{secrets.token_hex(3)}.pytilt.dev"
    yield name
    if kubectl("get", "crd", f"carts.{name}", "--ignore-not-found", "-o", "name"):
        release(kubectl, name)
        kubectl("delete", "crd", f"carts.{name}", "--ignore-not-found", "--wait=false")


def release(kubectl: Kubectl, group: str) -> None:
    """Do what an operator does: take the finalizers away."""
    for cart in json.loads(kubectl("get", f"carts.{group}", "-A", "-o", "json"))["items"]:
        where = ("-n", cart["metadata"]["namespace"], f"carts.{group}", cart["metadata"]["name"])
        kubectl("patch", *where, "--type=merge", "-p", json.dumps({"metadata": {"finalizers": None}}))


def project(group: str) -> dict[str, str]:
    texts = [DEFINITION, CART, OPERATOR]
    return {"Tiltfile": "k8s_yaml('app.yaml')", "app.yaml": "---\n".join(texts).replace("GROUP", group)}


def test_down_waits_for_custom_resources_while_their_operator_runs(
    tilt_on_cluster: InFolder, kubectl: Kubectl, namespace: str, group: str
):
    tilt = tilt_on_cluster(project(group))
    tilt.ok("ci")
    with tilt.start("down") as session:
        session.says("Waiting up to 30s until they are gone: Cart/one")
        assert kubectl("get", "configmap/operator", "-n", namespace, "-o", "name")
        release(kubectl, group)
        assert session.process.wait(30) == 0
    said = session.output
    order = [said.index(name) for name in ("Cart/one", "ConfigMap/operator", f"CustomResourceDefinition/carts.{group}")]
    assert order == sorted(order)
    assert not kubectl("get", "crd", f"carts.{group}", "--ignore-not-found", "-o", "name")


def test_an_apply_says_that_it_waits_for_what_is_being_deleted(tilt_on_cluster: InFolder, kubectl: Kubectl, group: str):
    tilt = tilt_on_cluster(project(group))
    tilt.ok("ci")
    kubectl("delete", "crd", f"carts.{group}", "--wait=false")
    with tilt.start("ci") as session:
        session.says(f"CustomResourceDefinition/carts.{group} is being deleted")
        session.says("waiting up to 60s until it is gone")
        release(kubectl, group)
        assert session.process.wait(40) == 0


def test_a_forced_update_deletes_neither_namespaces_nor_definitions_nor_claims(
    tilt_on_cluster: InFolder, kubectl: Kubectl, namespace: str, group: str
):
    own = f"{namespace[:50]}-own"
    text = (
        DEFINITION.replace("GROUP", group)
        + f"""\
---
apiVersion: v1
kind: Namespace
metadata: {{name: {own}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}
---
{OPERATOR}"""
    )
    tilt = tilt_on_cluster({"Tiltfile": "k8s_yaml('app.yaml')", "app.yaml": text})
    kinds = (f"namespace/{own}", f"crd/carts.{group}", "persistentvolumeclaim/data", "configmap/operator")

    def uids() -> list[str]:
        return kubectl("get", *kinds, "-n", namespace, "-o", "jsonpath={.items[*].metadata.uid}").split()

    try:
        with tilt.up() as session:
            session.until(lambda: session.counts().get("uncategorized") == 1, "the first update")
            before = uids()
            kubectl("create", "configmap", "foreign", "-n", own)
            tilt.ok("trigger", "uncategorized")
            session.until(lambda: session.counts().get("uncategorized") == 2, "the forced update")
            after = uids()
        assert before[:3] == after[:3]
        assert before[3] != after[3]
        assert kubectl("get", "configmap/foreign", "-n", own, "-o", "name")
    finally:
        kubectl("delete", "namespace", own, "--wait=false", "--ignore-not-found")
