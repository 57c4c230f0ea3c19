"""Custom resources that hold a pod template: what is applied, and the pods that an operator makes of it."""

import json

import pytest

from tests.end_to_end.sessions import served

DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: rollouts.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: Rollout, plural: rollouts, singular: rollout}}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              paused: {{type: boolean}}
              template: {{type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
ROLLOUT = """
apiVersion: {group}/v1
kind: Rollout
metadata: {{name: web}}
spec:
  paused: true
  color: red
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {{name: web, image: e2e/rollout, ports: [{{containerPort: 8000}}]}}
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 8000}]}\n"
TILTFILE = """
k8s_yaml(['crd.yaml', 'rollout.yaml', 'service.yaml'])
docker_build('e2e/rollout', '.', only=['page'], live_update=[sync('page', '/page')],
    entrypoint=['sh', '-c', 'echo it serves; exec httpd -f -p 8000 -h /page'])
k8s_kind('Rollout', image_json_path='{{.spec.template.spec.containers[0].image}}')
k8s_resource('web', objects=['web:service'], port_forwards='{port}:8000')
"""


@pytest.fixture
def group(kubectl, namespace):
    """The API group of a kind that is this test's own."""
    yield f"{namespace}.example.com"
    kubectl("delete", "crd", f"rollouts.{namespace}.example.com", "--ignore-not-found", "--wait=false")


def test_a_custom_resource_is_built_its_pods_are_followed_updated_in_place_and_removed(
    tilt_on_cluster, kubectl, namespace, group, new_port
):
    port = new_port()
    tilt = tilt_on_cluster(
        {
            "crd.yaml": DEFINITION.format(group=group),
            "rollout.yaml": ROLLOUT.format(group=group),
            "service.yaml": SERVICE,
            "Dockerfile": "FROM busybox\nADD page /page\nENTRYPOINT exit 1\n",
            "page/index.html": "first\n",
            "Tiltfile": TILTFILE.format(port=port),
        }
    )

    def rollout():
        return json.loads(kubectl("get", f"rollouts.{group}", "web", "-n", namespace, "-o", "json"))

    with tilt.up() as session:
        session.says("web:rollout")
        session.says("Rollout/web is applied without fields that its kind does not have: .spec.color")
        operate(rollout(), kubectl, namespace)
        session.until(lambda: served(port) == "first\n", "the page")
        session.settles("web")
        container = session.container("web")
        tilt.save("page/index.html", "second\n")
        session.until(lambda: served(port) == "second\n", "the synced page")
        assert session.container("web") == container
        tilt.edit("rollout.yaml", "  paused: true\n", "")
        session.until(lambda: "paused" not in rollout()["spec"], "the field to go")
        assert session.strategies("web")[:2] == ["full", "live"]
    gone = tilt.ok("down")
    assert "Deleting via kubectl: Rollout/web\n" in gone
    assert "Deleting via kubectl: Service/web\n" in gone


def operate(o, kubectl, namespace):
    """Make of a Rollout what an operator would: a ReplicaSet of its own template."""
    owner = {key: o["metadata"][key] for key in ("name", "uid")} | {"apiVersion": o["apiVersion"], "kind": o["kind"]}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": o["spec"]["template"]}
    metadata = {"name": "web-1", "ownerReferences": [owner]}
    made = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec}
    kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(made))
