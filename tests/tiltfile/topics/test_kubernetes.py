import pytest

from pytilt.model.resources import ImageLocator, KubernetesDeploy, PodReadiness, PortForwardSpec
from pytilt.testing.project import Project
from tests.tiltfile.projects import config_map, deployment, documents, service

CRD = "apiVersion: x.io/v1\nkind: Um\nmetadata: {name: um}\nspec: {image: img/um, at: {repo: img/um, tag: x}}\n"


def project(tmp_path, script, *objects):
    yaml = documents(*(objects or (deployment("web", "img/web"), service("web", "web"), config_map("cm"))))
    return Project(tmp_path, {"Tiltfile": f"k8s_yaml('d.yaml')\n{script}", "d.yaml": yaml})


def deploy(tmp_path, script, name, *objects):
    found = project(tmp_path, script, *objects).resource(name).deploy
    assert isinstance(found, KubernetesDeploy)
    return found


@pytest.mark.parametrize(
    ("written", "forwards"),
    [
        ("8000", [PortForwardSpec(local_port=8000)]),
        ("'8000'", [PortForwardSpec(local_port=8000)]),
        ("'8000:9000'", [PortForwardSpec(local_port=8000, container_port=9000)]),
        ("'0.0.0.0:8000:9000'", [PortForwardSpec(local_port=8000, container_port=9000, host="0.0.0.0")]),
        ("[1, port_forward(2, host='h')]", [PortForwardSpec(local_port=1), PortForwardSpec(local_port=2, host="h")]),
        ("None", []),
    ],
)
def test_port_forwards_may_be_written_in_many_ways(tmp_path, written, forwards):
    assert list(deploy(tmp_path, f"k8s_resource('web', port_forwards={written})", "web").port_forwards) == forwards


def test_calls_for_one_workload_add_up_and_the_last_word_counts(tmp_path):
    script = (
        "k8s_resource('web', labels='a', port_forwards=1, pod_readiness='wait', auto_init=False)\n"
        "k8s_resource('web', labels=['b', 'a'], port_forwards=2, pod_readiness='ignore')\n"
        "k8s_resource('web', resource_deps=['uncategorized'])\n"
    )
    resource = project(tmp_path, script).resource("web")
    assert isinstance(resource.deploy, KubernetesDeploy)
    assert resource.labels == ("a", "b")
    assert [forward.local_port for forward in resource.deploy.port_forwards] == [1, 2]
    assert resource.deploy.pod_readiness is PodReadiness.IGNORE
    assert resource.resource_deps == ("uncategorized",)
    assert not resource.trigger_mode.auto_init


def test_a_renamed_workload_is_known_by_its_new_name(tmp_path):
    script = "k8s_resource('web', new_name='shop')\nk8s_resource('shop', labels='a')\n"
    assert project(tmp_path, script).resource("shop").labels == ("a",)


def test_plain_objects_can_be_a_resource_or_join_one(tmp_path):
    script = "k8s_resource(new_name='settings', objects=['CM:configmap'])\n"
    found = deploy(tmp_path, script, "settings")
    assert ([o["kind"] for o in found.objects], found.pod_readiness) == (["ConfigMap"], PodReadiness.IGNORE)
    joined = deploy(tmp_path, "k8s_resource('web', objects=['cm'])", "web")
    assert [o["kind"] for o in joined.objects] == ["ConfigMap", "Service", "Deployment"]


def test_selectors_and_strategy_reach_the_resource(tmp_path):
    script = "k8s_resource('web', extra_pod_selectors=[{'b': '1', 'a': '2'}, {}], discovery_strategy='selectors-only')"
    found = deploy(tmp_path, script, "web")
    assert found.extra_pod_selectors == ((("a", "2"), ("b", "1")),)
    assert found.selectors_only


def test_a_kind_can_be_a_workload_with_images_at_a_path(tmp_path):
    script = "k8s_kind('Um', image_json_path='{.spec.image}', pod_readiness='ignore')"
    found = deploy(tmp_path, script, "um", CRD)
    assert found.locators == (ImageLocator(kind="Um", paths=("{.spec.image}",)),)
    assert (found.workload, found.pod_readiness) == ("Um/um", PodReadiness.IGNORE)


def test_a_kind_can_have_images_in_two_fields(tmp_path):
    script = "k8s_kind('Um', image_object={'json_path': '{.spec.at}', 'repo_field': 'repo', 'tag_field': 'tag'})"
    locator = ImageLocator(kind="Um", object_path="{.spec.at}", repo_field="repo", tag_field="tag")
    assert deploy(tmp_path, script, "um", CRD).locators == (locator,)


def test_a_path_can_be_said_for_objects_of_a_name(tmp_path):
    script = "k8s_image_json_path(['{.spec.image}'], name='um')"
    assert deploy(tmp_path, script, "um", CRD).locators == (ImageLocator(name="um", paths=("{.spec.image}",)),)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("k8s_kind('Um', image_json_path='{.spec.imge}')", "imge is not found"),
        ("k8s_kind('Um', image_json_path=['{.spec.image}', '{.spec.nope.image}'])", "nope is not found"),
        ("k8s_image_json_path('{.spec}', name='um')", "`{.spec}` may only match strings, and matches `"),
        ("k8s_image_json_path('{.metadata.labels}', kind='Um')", "labels is not found"),
        (
            "k8s_kind('Um', image_object={'json_path': '{.spec.image}', 'repo_field': 'r', 'tag_field': 't'})",
            "match maps",
        ),
        (
            "k8s_kind('Um', image_object={'json_path': '{.spec}', 'repo_field': 'r', 'tag_field': 't'})",
            "parsing image ''",
        ),
    ],
)
def test_a_path_that_leads_to_no_image_is_an_error(tmp_path, script, reason):
    error = project(tmp_path, script, CRD).error()
    assert "finding image in Um/um: " in error
    assert reason in error


def test_a_path_need_not_lead_anywhere_in_other_objects(tmp_path):
    assert deploy(tmp_path, "k8s_image_json_path('{.spec.nope}', kind='Other')", "web").workload


ROLLOUT = deployment("web", "img/web", kind="Rollout").replace("apps/v1", "argoproj.io/v1alpha1")


def groups(tmp_path, script, *objects):
    """The names of the objects of every resource."""
    files = {"Tiltfile": f"k8s_yaml('d.yaml')\ndocker_build('img/web', '.')\n{script}", "Dockerfile": "FROM busybox\n"}
    made = Project(tmp_path, {**files, "d.yaml": documents(*objects)}).declare()
    return {each.name: [f"{o['kind']}/{o['metadata']['name']}" for o in each.deploy.objects] for each in made.resources}


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ("", {"web": ["Service/web", "Rollout/web"]}),
        ("k8s_resource('web', objects=['web:service'])", {"web": ["Service/web", "Rollout/web"]}),
        (
            "k8s_resource(new_name='svc', objects=['web:service'])",
            {"web": ["Rollout/web"], "svc": ["Service/web"]},
        ),
    ],
)
def test_a_service_of_a_custom_resource_joins_it_unless_the_tiltfile_says_where_it_belongs(tmp_path, script, wanted):
    script = f"k8s_kind('Rollout', image_json_path='{{.spec.template.spec.containers[*].image}}')\n{script}"
    assert groups(tmp_path, script, ROLLOUT, service("web", "web")) == wanted


@pytest.mark.parametrize(
    ("script", "more", "wanted"),
    [
        ("k8s_resource('web', links='x')", (), {"web": ["Rollout/web"]}),
        ("k8s_resource(new_name='web', objects=['web:rollout'])", (), {"web": ["Rollout/web"]}),
        (
            "k8s_resource('web', links='x')",
            (deployment("web", "busybox"),),
            {"web": ["Deployment/web"], "web:rollout": ["Rollout/web"]},
        ),
    ],
)
def test_a_custom_resource_that_runs_an_image_takes_no_name_from_others(tmp_path, script, more, wanted):
    assert groups(tmp_path, script, ROLLOUT, *more) == wanted


def test_a_function_can_name_resources(tmp_path):
    script = "workload_to_resource_function(lambda id: '-'.join([id.name, id.kind, id.namespace, id.group]))"
    assert deploy(tmp_path, script, "web-Deployment-default-apps").workload == "Deployment/web"


def test_yaml_can_be_split(tmp_path):
    script = (
        "web, rest = filter_yaml('d.yaml', kind='deploy', name='^we')\n"
        "print([o['kind'] for o in decode_yaml_stream(web)], [o['kind'] for o in decode_yaml_stream(rest)])\n"
    )
    written = project(tmp_path, script)
    written.declare()
    assert '["Deployment"] ["Service", "ConfigMap"]' in written.log


def test_objects_may_be_declared_twice_where_that_is_said(tmp_path):
    assert (
        len(deploy(tmp_path, "k8s_yaml('d.yaml', allow_duplicates=True)", "uncategorized", config_map("a")).objects)
        == 2
    )


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("k8s_yaml(None)", "Empty YAML passed to k8s_yaml"),
        ("k8s_yaml(blob(''))", "Empty YAML passed to k8s_yaml"),
        ("k8s_yaml('no.yaml')", "error reading yaml file: open ROOT/no.yaml: no such file or directory"),
        ("k8s_yaml('d.yaml')", "Duplicate YAML: Deployment web\nIgnore this error with k8s_yaml(..., allow_duplicates"),
        ("k8s_resource()", "Resource name missing. Must give a name for an existing resource or a new_name"),
        ("k8s_resource(new_name='x')", "k8s_resource doesn't specify a workload or any objects."),
        (
            "k8s_resource('x')",
            'ROOT/Tiltfile:2:13: k8s_resource specified unknown resource "x". known k8s resources: web',
        ),
        (
            "k8s_resource('web', port_forwards='a')",
            'k8s_resource "web": portForward port value "a" is not in the valid range [0-65535]',
        ),
        ("k8s_resource('web', port_forwards=65536)", "portForward port value 65536 is not in the valid range"),
        ("k8s_resource('web', port_forwards='_:1:2')", 'portForward host value "_" is not a valid hostname or IP'),
        ("k8s_resource('web', objects=['nope'])", 'No object identified by the fragment "nope" could be found.'),
        (
            "k8s_resource('web', trigger_mode=3)",
            'k8s_resource: for parameter "trigger_mode": got int, want TriggerMode',
        ),
        ("k8s_resource('web', pod_readiness='x')", 'k8s_resource: for parameter "pod_readiness": Invalid value.'),
        ("k8s_resource('web', labels='a/b')", 'Invalid label "a/b": a valid label must be an empty string or consist'),
        ("k8s_resource('web', new_name='a/b')", "invalid value \"a/b\": may not contain '/'"),
        (
            "local_resource('x', 'x')\nk8s_resource('web', new_name='x')",
            'Tiltfile:3:13: k8s_resource specified to rename "web" to "x": local_resource named "x" already exists',
        ),
        ("k8s_kind('A', 'b')", "k8s_kind: got 2 arguments, want at most 1"),
        ("k8s_kind('A('  )", "error parsing kind regexp"),
        ("k8s_image_json_path('{.a}')", "at least one of kind, name, or namespace must be specified"),
        ("workload_to_resource_function(lambda a, b: a)", "arg must take 1 argument. lambda takes 2"),
        ("workload_to_resource_function(lambda a: 3)", "invalid return value. wanted: string. got: int"),
    ],
)
def test_a_wrong_call_says_what_tilt_says(tmp_path, script, message):
    assert message in project(tmp_path, script).error()
