import pytest

from pytilt.model.images import CustomBuild
from pytilt.model.resources import KubernetesDeploy, LocalDeploy, PodReadiness
from pytilt.testing.project import Project
from tests.tiltfile.projects import DOCKERFILE, config_map, deployment, documents, service

JOB = (
    "apiVersion: batch/v1\nkind: {kind}\nmetadata: {{name: job}}\nspec: "
    "{{template: {{spec: {{containers: [{{name: c, image: busybox}}]}}}}, jobTemplate: {{spec: {{template: {{spec: "
    "{{containers: [{{name: c, image: busybox}}]}}}}}}}}}}\n"
)


def project(tmp_path, script, *objects, **files):
    made = {"Tiltfile": script, "d.yaml": documents(*objects), "Dockerfile": DOCKERFILE, **files}
    return Project(tmp_path, made)


def test_resources_come_in_the_order_kubernetes_local_uncategorized(tmp_path):
    script = "local_resource('l', 'x')\nk8s_yaml('d.yaml')\nk8s_resource(new_name='g', objects=['a:configmap'])"
    objects = [config_map("a"), config_map("b"), deployment("w", "w"), deployment("v", "v")]
    names = [resource.name for resource in project(tmp_path, script, *objects).declare().resources]
    assert names == ["w", "v", "g", "l", "uncategorized"]


def test_workloads_of_one_name_are_distinguished_by_kind_and_namespace(tmp_path):
    objects = [
        deployment("x", "a"),
        deployment("x", "a", kind="StatefulSet"),
        deployment("z", "a").replace("{name: z}", "{name: z, namespace: n1}"),
        deployment("z", "a").replace("{name: z}", "{name: z, namespace: n2}"),
    ]
    names = [resource.name for resource in project(tmp_path, "k8s_yaml('d.yaml')", *objects).declare().resources]
    assert names == ["x:deployment", "x:statefulset", "z:deployment:n1", "z:deployment:n2"]


@pytest.mark.parametrize(("kind", "readiness"), [("Job", PodReadiness.SUCCEEDED), ("CronJob", PodReadiness.IGNORE)])
def test_the_kind_of_a_workload_decides_what_its_pods_must_reach(tmp_path, kind, readiness):
    found = project(tmp_path, "k8s_yaml('d.yaml')", JOB.format(kind=kind)).resource("job").deploy
    assert isinstance(found, KubernetesDeploy)
    assert found.pod_readiness is readiness


def test_an_image_brings_the_images_that_it_builds_upon_first(tmp_path):
    script = """
        docker_build('app', '.', dockerfile_contents='ARG B=middle\\nFROM ${B}\\nCOPY --from=tools /a /b')
        docker_build('middle', '.', dockerfile_contents='FROM bottom:latest')
        docker_build('bottom', '.', dockerfile_contents='FROM scratch')
        custom_build('tools', 'make', ['.'], image_deps=['bottom'])
        k8s_yaml('d.yaml')
        """
    images = project(tmp_path, script, deployment("w", "app")).resource("w").images
    assert [image.name for image in images] == ["bottom", "middle", "tools", "app"]
    assert [image.deployed for image in images] == [False, False, False, True]
    assert images[-1].base_images == ("middle", "tools")


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("x:b", "x:b"),
        ("docker.io/library/x:b", "x:b"),
        ("x:other", None),
        ("x", None),
        ("y:c", "y:c"),
        ("y:other", None),
        ("y:latest", None),
        ("y", None),
        (f"y@sha256:{'0' * 64}", None),
        (f"y:c@sha256:{'0' * 64}", None),
        ("z", "z"),
        ("z:any", "z"),
        (f"z@sha256:{'0' * 64}", "z"),
        ("v", "v"),
        ("v:1", "v:1"),
        ("v:2", None),
    ],
)
def test_the_tag_counts_where_an_image_has_one_or_its_name_is_built_more_than_once(tmp_path, reference, found):
    names = ("x:a", "x:b", "y:c", "z", "v", "v:1")
    script = "".join(f"docker_build('{name}', '.')\n" for name in names) + "k8s_yaml('d.yaml')"
    (resource,) = project(tmp_path, script, deployment("w", f'"{reference}"')).declare().resources
    exact = found != "z"
    assert [(image.name, image.match_exact) for image in resource.images] == ([(found, exact)] if found else [])
    upon = f"docker_build('app', '.', dockerfile_contents='FROM {reference}')\n"
    (resource,) = project(tmp_path, upon + script, deployment("w", "app")).declare().resources
    assert resource.images[-1].base_images == ((found,) if found else ())


def test_a_custom_build_whose_command_is_a_colon_is_for_live_updates_only(tmp_path):
    script = """
        docker_build('v', '.', dockerfile_contents='FROM x')
        custom_build('x', ':', ['.'], live_update=[sync('.', '/app')])
        custom_build('u', ':', ['.'])
        custom_build('z', ['true'], ['.'], live_update=[sync('.', '/app')])
        k8s_yaml('d.yaml')
        """
    objects = [deployment(name, name) for name in ("v", "x", "u", "z")]
    v, x, u, z = project(tmp_path, script, *objects).declare().resources
    assert [image.live_update_only for each in (x, u, z) for image in each.images] == [True, False, False]
    assert [image.name for image in v.images] == ["v"]
    assert (x.deploy.images, x.built_images, u.deploy.images) == ((), (), ("u",))


def test_an_image_may_be_named_by_an_environment_variable(tmp_path):
    script = "docker_build('x', '.', match_in_env_vars=True)\ndocker_build('y', '.')\nk8s_yaml('d.yaml')"
    more = ', env: [{name: A, value: x}, {name: B, value: "y"}]'
    (resource,) = project(tmp_path, script, deployment("w", "z", more=more)).declare().resources
    assert [image.name for image in resource.images] == ["x"]


def test_images_that_build_upon_each_other_are_a_mistake(tmp_path):
    script = """
        docker_build('a', '.', dockerfile_contents='FROM b')
        docker_build('b', '.', dockerfile_contents='FROM a')
        k8s_yaml('d.yaml')
        """
    error = project(tmp_path, script, deployment("w", "a")).error()
    assert error == "Image dependency cycle: a\nhint: a -> b -> a"


def test_resources_that_wait_for_each_other_are_a_mistake(tmp_path):
    script = (
        "local_resource('a', 'x', resource_deps=['b'])\nlocal_resource('b', 'x', resource_deps=['c'])\n"
        "local_resource('c', 'x', resource_deps=['b'])"
    )
    assert project(tmp_path, script).error() == "cycle detected in resource dependency graph: b -> c -> b"


def test_a_resource_cannot_wait_for_itself(tmp_path):
    error = project(tmp_path, "local_resource('a', 'x', resource_deps=['a'])").error()
    assert error == "resource a specified a dependency on itself"


def test_a_workload_and_a_local_resource_need_different_names(tmp_path):
    script = "k8s_yaml('d.yaml')\nlocal_resource('w', 'x')"
    assert project(tmp_path, script, deployment("w", "a")).error() == (
        'error making resource for workload w:deployment:default:apps: local_resource named "w" already exists'
    )


SUPPRESS = "update_settings(suppress_unused_image_warnings=['x/weeb'])"
UNUSED = """\
Image not used in any Kubernetes config:
    ✕ x/weeb
Did you mean…
    - x/web
Skipping this image build
If this is deliberate, suppress this warning with: update_settings(suppress_unused_image_warnings=["x/weeb"])"""
NO_IMAGES = """\
No Kubernetes configs with images found.
If you are using CRDs, add k8s_kind() to tell Tilt how to find images.
https://docs.tilt.dev/api.html#api.k8s_kind"""
NO_DEPLOYMENT = """\
We could not find any deployment instructions, e.g. `k8s_yaml` or `docker_compose`.
Skipping all image builds until we know how to deploy them."""


@pytest.mark.parametrize(
    ("script", "objects", "warning"),
    [
        (
            "k8s_yaml('d.yaml')",
            [deployment("w", "x/web"), service("w", "w")],
            UNUSED,
        ),
        (f"k8s_yaml('d.yaml')\n{SUPPRESS}", [deployment("w", "x/web")], ""),
        (
            "k8s_yaml('d.yaml')",
            [config_map("a")],
            NO_IMAGES,
        ),
        (
            "local_resource('a', 'a')",
            [],
            NO_DEPLOYMENT,
        ),
    ],
)
def test_an_image_that_nothing_uses_is_reported(tmp_path, script, objects, warning):
    made = project(tmp_path, f"docker_build('x/weeb', '.', dockerfile_contents='FROM scratch')\n{script}", *objects)
    assert made.declare().warnings == ((warning,) if warning else ())


def test_commands_get_the_variables_that_the_tiltfile_set(tmp_path):
    script = """
        local_resource('a', 'x', serve_cmd='y', env={'B': 'own'})
        custom_build('i', 'z', [])
        os.putenv('A', '1')
        os.putenv('B', '2')
        k8s_yaml('d.yaml')
        """
    web, local = project(tmp_path, script, deployment("w", "i")).declare().resources
    assert isinstance(local.deploy, LocalDeploy)
    assert isinstance(web.images[0].build, CustomBuild)
    commands = [local.deploy.update, local.deploy.serve, web.images[0].build.command]
    assert [command and dict(command.env) for command in commands] == [
        {"A": "1", "B": "own"},
        {"A": "1", "B": "2"},
        {"A": "1", "B": "2"},
    ]
