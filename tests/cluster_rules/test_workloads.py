import pytest

from pytilt.cluster.workloads import (
    WorkloadKind,
    image_names,
    is_workload,
    makes_pods,
    pod_specs,
    readiness,
    references_in,
    runs,
    templates,
)
from pytilt.cluster.yaml import parse
from pytilt.model.resources import ImageLocator, PodReadiness
from tests.cluster_rules.shop import deployment, image, plain, service

CONTAINERS = "containers: [{name: a, image: web}]"


def yaml(text):
    return parse(text, "shop.yaml")[0]


def test_the_containers_of_every_built_in_kind_are_found():
    for kind, version in [
        ("Deployment", "apps/v1"),
        ("StatefulSet", "apps/v1"),
        ("DaemonSet", "apps/v1"),
        ("ReplicaSet", "apps/v1"),
        ("Job", "batch/v1"),
        ("ReplicationController", "v1"),
    ]:
        assert references_in(deployment("a", "web", kind=kind, api_version=version)) == ("web",)
    cron = f"{{spec: {{template: {{spec: {{{CONTAINERS}}}}}}}}}"
    head = "apiVersion: batch/v1, kind: CronJob, metadata: {name: a}"
    assert references_in(yaml(f"{{{head}, spec: {{jobTemplate: {cron}}}}}")) == ("web",)
    assert references_in(yaml(f"{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{{CONTAINERS}}}}}")) == (
        "web",
    )
    template = f"{{apiVersion: v1, kind: PodTemplate, metadata: {{name: a}}, template: {{spec: {{{CONTAINERS}}}}}}}"
    assert references_in(yaml(template)) == ("web",)


def test_every_place_of_an_image_in_a_pod_is_found():
    web = deployment("web", containers="[{name: a, image: a}, {name: b}]")
    spec = pod_specs(web)[0]
    spec["initContainers"] = [{"image": "i"}]
    spec["ephemeralContainers"] = [{"image": "e"}]
    spec["volumes"] = [{"image": {"reference": "v"}}, {"image": {}}, {"emptyDir": {}}]
    assert references_in(web) == ("i", "a", "e", "v")


def test_the_pod_templates_of_custom_resources_are_found_however_deep():
    job = yaml(f"""
apiVersion: kubeflow.org/v1
kind: PyTorchJob
metadata: {{name: train}}
spec:
  replicas:
    Master: {{template: {{metadata: {{labels: {{a: b}}}}, spec: {{{CONTAINERS}}}}}}}
  groups: [{{template: {{spec: {{{CONTAINERS}}}}}}}, {{podSpec: {{{CONTAINERS}}}}}, {{containers: [{{port: 1}}]}}]
status: {{template: {{spec: {{{CONTAINERS}}}}}}}
""")
    assert references_in(job) == ("web", "web", "web")
    assert [list(template) for template in templates(job)] == [["metadata", "spec"], ["spec"]]
    pod = yaml(f"{{apiVersion: x.io/v1, kind: Sandbox, metadata: {{name: a}}, spec: {{{CONTAINERS}}}}}")
    assert (references_in(pod), templates(pod)) == (("web",), [])


@pytest.mark.parametrize(
    ("kind", "spec", "status", "expected"),
    [
        ("Deployment", "replicas: 2, template: {spec: {}}", "readyReplicas: 2, updatedReplicas: 2", True),
        ("Deployment", "replicas: 2, template: {spec: {}}", "readyReplicas: 2, updatedReplicas: 1", False),
        ("Deployment", "template: {spec: {}}", "replicas: 1", False),
        ("StatefulSet", "template: {spec: {}}", "readyReplicas: 1", True),
        ("DaemonSet", "template: {spec: {}}", "desiredNumberScheduled: 2, numberReady: 1", False),
        ("DaemonSet", "template: {spec: {}}", "desiredNumberScheduled: 2, numberReady: 2", True),
        ("Job", "template: {spec: {}}", "succeeded: 1", True),
        ("Job", "template: {spec: {}}", "failed: 1", False),
        ("ConfigMap", "", "", True),
    ],
)
def test_whether_everything_of_an_object_runs_is_in_its_status(kind, spec, status, expected):
    version = {"Job": "batch/v1", "ConfigMap": "v1"}.get(kind, "apps/v1")
    text = f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{{spec}}}\nstatus: {{{status}}}"
    assert runs(yaml(text)) is expected


def test_of_a_pod_its_phase_counts_and_of_custom_resources_nobody_knows():
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nstatus: {{phase: {}}}"
    assert runs(yaml(pod.format("Running")))
    assert not runs(yaml(pod.format("Pending")))
    assert not runs(yaml("apiVersion: example.com/v1\nkind: Web\nmetadata: {name: a}"))


def test_odd_objects_have_no_containers():
    specs: tuple[object, ...] = (None, [], "x", {"template": None}, {"template": {"spec": {"containers": 1}}})
    for spec in specs:
        odd = plain("Deployment", "odd", api_version="apps/v1") | {"spec": spec}
        assert references_in(odd) == ()
        assert not is_workload(odd, [])
        custom = plain("Thing", "odd", api_version="example.com/v1") | {"spec": spec}
        assert templates(custom) == []


def test_an_object_names_images_in_containers_environments_and_located_places():
    web = deployment("web", containers="[{name: a, image: 'web:1', env: [{name: E, value: in-env}]}]")
    thing = plain("Thing", "t", api_version="example.com/v1") | {"spec": {"image": "located"}}
    images = [image("web"), image("in-env", match_in_env_vars=True), image("located"), image("absent")]
    locators = [ImageLocator(kind="thing", paths=("{.spec.image}",))]
    assert [one.name for one in image_names(web, images, locators)] == ["web", "in-env"]
    assert [one.name for one in image_names(thing, images, locators)] == ["located"]


def test_services_and_secrets_are_no_workloads():
    assert not is_workload(service("a"), [image("web")])
    assert not makes_pods(plain("Secret", "s"))
    assert makes_pods(deployment("web", "x"))


def test_kinds_say_what_pods_must_reach_and_waiting_wins():
    job = plain("Job", "j", api_version="batch/v1")
    cron = plain("CronJob", "c", api_version="batch/v1")
    thing = plain("Thing", "t", api_version="example.com/v1")
    kinds = [WorkloadKind(kind="Thing", pod_readiness=PodReadiness.WAIT)]
    assert readiness([service("a")]) is None
    assert readiness([service("a"), job]) is PodReadiness.SUCCEEDED
    assert readiness([job, cron]) is PodReadiness.IGNORE
    assert readiness([job, thing], kinds) is PodReadiness.WAIT
    assert readiness([thing], [WorkloadKind(kind="Thing", api_version="^other/")]) is None
