import copy

import pytest

from pytilt.cluster.injection import inject, template_hashes
from pytilt.cluster.workloads import templates
from pytilt.cluster.yaml import parse
from pytilt.errors import ApplyError
from pytilt.model.resources import ImageLocator
from tests.cluster_rules.shop import deployment, image, plain, service

MANAGED = "app.kubernetes.io/managed-by"


def injected(o, *specs, locators=(), reference="localhost:5001/web:tilt-1"):
    return inject([o], {spec.name: reference for spec in specs}, specs, locators)[0]


def yaml(text):
    return parse(text, "shop.yaml")[0]


def containers(o):
    return o["spec"]["template"]["spec"]["containers"]


def test_the_image_is_replaced_in_containers_and_init_containers_and_the_original_stays_as_it_was():
    web = deployment("web", containers="[{name: a, image: 'web:1'}, {name: b, image: other, imagePullPolicy: Always}]")
    web["spec"]["template"]["spec"]["initContainers"] = [{"name": "i", "image": "docker.io/library/web"}]
    before = copy.deepcopy(web)
    after = injected(web, image("web"))
    assert web == before
    assert [one["image"] for one in containers(after)] == ["localhost:5001/web:tilt-1", "other"]
    assert after["spec"]["template"]["spec"]["initContainers"][0]["image"] == "localhost:5001/web:tilt-1"
    assert {one["imagePullPolicy"] for one in containers(after)} == {"IfNotPresent"}


def test_objects_and_templates_are_labelled_as_managed_but_not_claims():
    db = deployment("db", "db", kind="StatefulSet")
    db["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
    after = injected(db)
    assert after["metadata"]["labels"] == {MANAGED: "tilt"}
    assert after["spec"]["template"]["metadata"]["labels"][MANAGED] == "tilt"
    assert after["spec"]["volumeClaimTemplates"] == [{"metadata": {"name": "data"}}]
    assert after["spec"]["selector"] == {"matchLabels": {"app": "db"}}


def test_selectors_by_the_managed_label_follow_it():
    web = deployment("web", "x", labels=f"app: web, {MANAGED}: Helm")
    front = service("web", f"{MANAGED}: Helm")
    monitor = plain("Monitor", "m", api_version="example.com/v1") | {"spec": {"matchLabels": {MANAGED: "Helm"}}}
    assert injected(web)["spec"]["selector"]["matchLabels"][MANAGED] == "tilt"
    assert injected(front)["spec"]["selector"][MANAGED] == "tilt"
    assert injected(monitor)["spec"]["matchLabels"][MANAGED] == "Helm"


def test_without_an_image_of_the_tiltfile_pull_policy_and_pod_management_stay():
    db = deployment("db", "db", kind="StatefulSet")
    assert "imagePullPolicy" not in containers(injected(db))[0]
    assert "podManagementPolicy" not in injected(db)["spec"]
    assert injected(db, image("db"))["spec"]["podManagementPolicy"] == "Parallel"


def test_the_template_hash_changes_with_the_template_and_only_with_it():
    web = deployment("web", "web")
    one, same, other = (injected(web, image("web"), reference=f"web:{tag}") for tag in ("a", "a", "b"))
    assert template_hashes([one]) == template_hashes([same]) != template_hashes([other])
    assert len(template_hashes([one])[0]) == 20
    assert template_hashes(inject([one], {}, [])) == template_hashes(inject([inject([one], {}, [])[0]], {}, []))
    assert template_hashes([service("web")]) == ()


def test_a_cron_job_is_labelled_on_all_levels():
    cron = yaml("""
apiVersion: batch/v1
kind: CronJob
metadata: {name: tick}
spec: {schedule: "* * * * *", jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: web}]}}}}}
""")
    after = injected(cron, image("web"))
    assert after["spec"]["jobTemplate"]["metadata"]["labels"] == {MANAGED: "tilt"}
    assert set(templates(after)[0]["metadata"]["labels"]) == {MANAGED, "tilt.dev/pod-template-hash"}
    assert templates(after)[0]["spec"]["containers"][0]["image"] == "localhost:5001/web:tilt-1"


def test_a_pod_gets_image_and_label_but_no_hash():
    after = injected(
        yaml("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{image: web}]}}"), image("web")
    )
    assert after["spec"]["containers"] == [{"image": "localhost:5001/web:tilt-1", "imagePullPolicy": "IfNotPresent"}]
    assert after["metadata"]["labels"] == {MANAGED: "tilt"}


def test_volumes_made_from_an_image_get_it_too():
    web = deployment("web", "other")
    web["spec"]["template"]["spec"]["volumes"] = [
        {"name": "v", "image": {"reference": "web"}},
        {"name": "e", "emptyDir": {}},
    ]
    volumes = injected(web, image("web"))["spec"]["template"]["spec"]["volumes"]
    assert volumes[0]["image"] == {"reference": "localhost:5001/web:tilt-1", "pullPolicy": "IfNotPresent"}


def test_environment_values_are_replaced_only_where_the_image_asks_for_it():
    web = deployment(
        "web", containers="[{name: a, image: other, env: [{name: I, value: web}, {name: J, value: 5}, {name: K}]}]"
    )
    after = injected(web, image("web", match_in_env_vars=True))
    assert containers(after)[0]["env"][0]["value"] == "localhost:5001/web:tilt-1"
    with pytest.raises(ApplyError):
        injected(web, image("web"))


def test_exact_images_match_with_their_tag():
    web = deployment("web", containers="[{name: a, image: 'web:a'}, {name: b, image: 'web:b'}]")
    specs = [image("web:a", match_exact=True), image("web:b", match_exact=True)]
    after = inject([web], {specs[0].name: "web:tilt-1", specs[1].name: "web:tilt-2"}, specs)[0]
    assert [one["image"] for one in containers(after)] == ["web:tilt-1", "web:tilt-2"]


def test_entrypoint_and_args_replace_those_of_the_containers_of_the_image():
    web = deployment("web", containers="[{name: a, image: web, args: [x]}, {name: b, image: other}]")
    after = injected(web, image("web", entrypoint=("run", "it")))
    assert containers(after)[0] | {"command": ["run", "it"], "args": ["x"]} == containers(after)[0]
    assert "command" not in containers(after)[1]
    after = injected(web, image("web", container_args=()))
    assert containers(after)[0]["args"] == []
    assert "command" not in containers(after)[0]


def test_images_of_custom_resources_are_found_by_path():
    thing = yaml("""
apiVersion: example.com/v1
kind: Thing
metadata: {name: t}
spec: {parts: [{image: web, imagePullPolicy: Always}, {image: other}], run: {repo: web, tag: v1}}
""")
    locators = [
        ImageLocator(kind="thing", paths=("{.spec.parts[*].image}",)),
        ImageLocator(kind="thing", object_path="{.spec.run}", repo_field="repo", tag_field="tag"),
        ImageLocator(kind="other", paths=("{.metadata.name}",)),
    ]
    after = injected(thing, image("web"), locators=locators)
    assert after["spec"] == {
        "parts": [{"image": "localhost:5001/web:tilt-1", "imagePullPolicy": "IfNotPresent"}, {"image": "other"}],
        "run": {"repo": "localhost:5001/web", "tag": "tilt-1"},
    }
    with pytest.raises(ApplyError, match="only supported on containers"):
        injected(thing, image("web", entrypoint=("x",)), locators=locators)


def test_the_template_of_a_custom_resource_is_touched_only_if_an_image_is_in_it():
    rollout = deployment("web", "web", kind="Rollout", api_version="argoproj.io/v1alpha1")
    assert injected(rollout)["spec"] == rollout["spec"]
    containers(rollout).append({"name": "side", "image": "busybox"})
    after = injected(rollout, image("web", entrypoint=("run",)))
    first, side = containers(after)
    assert (first["image"], first["command"]) == ("localhost:5001/web:tilt-1", ["run"])
    assert (first["imagePullPolicy"], "imagePullPolicy" in side) == ("IfNotPresent", False)
    assert template_hashes([after])


def test_what_an_image_is_located_in_gets_its_command_where_it_has_one():
    flow = yaml("""
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: flow-}
spec: {templates: [{name: a, container: {image: web, command: [old]}}, {name: b, container: {image: other, args: [x]}}]}
""")
    locators = [ImageLocator(kind="Workflow", paths=("{.spec.templates[*].container.image}",))]
    after = injected(flow, image("web", entrypoint=("new",), container_args=("y",)), locators=locators)
    first, second = (each["container"] for each in after["spec"]["templates"])
    assert first == {"image": "localhost:5001/web:tilt-1", "command": ["new"], "args": ["y"]}
    assert second == {"image": "other", "args": ["x"]}


def test_an_image_that_is_nowhere_is_an_error():
    with pytest.raises(ApplyError) as caught:
        injected(deployment("web", "other"), image("shop/web"))
    assert caught.value.message == "Docker image missing from yaml: shop/web"


def test_a_command_of_the_yaml_is_started_by_the_helper_where_that_is_the_images_first_process():
    text = "[{name: a, image: web, command: [/run, $(A)], args: [x]}, {name: b, image: web}, {name: c, image: other}]"
    spec = image("web")
    after = inject([deployment("web", containers=text)], {spec.name: "web:1"}, [spec], supervised={spec.name})[0]
    first, second, other = containers(after)
    assert first["command"] == ["/synclet", "supervise", "--", "/run", "$(A)"]
    assert first["args"] == ["x"]
    assert "command" not in second
    assert "command" not in other
