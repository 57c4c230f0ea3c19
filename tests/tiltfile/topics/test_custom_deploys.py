import pytest

from pytilt.model.resources import KubernetesDeploy, PodReadiness
from pytilt.testing.project import Project
from tests.tiltfile.projects import deployment

START = "k8s_custom_deploy('web', apply_cmd='cat web.yaml', delete_cmd=['rm', 'x'], deps=['web']"


def project(tmp_path, script, **files):
    return Project(tmp_path, {"Tiltfile": script, "web/a": "", **files})


def deploy(resource) -> KubernetesDeploy:
    assert isinstance(resource.deploy, KubernetesDeploy)
    return resource.deploy


def test_a_resource_may_be_deployed_by_commands(tmp_path):
    resource = project(tmp_path, f"{START}, apply_dir='web', apply_env={{'A': 'b'}})").resource("web")
    commands = deploy(resource).commands
    assert commands is not None
    assert (commands.apply.argv, commands.apply.dir) == (("sh", "-c", "cat web.yaml"), str(tmp_path / "web"))
    assert commands.apply.env == (("A", "b"),)
    assert (commands.delete.argv, commands.delete.dir) == (("rm", "x"), str(tmp_path))
    assert resource.deploy.files.paths == (str(tmp_path / "web"),)
    assert (resource.deploy.objects, deploy(resource).pod_readiness) == ((), PodReadiness.WAIT)


def test_it_comes_before_the_workloads_of_the_yaml_and_can_be_configured(tmp_path):
    script = f"""
        k8s_yaml('d.yaml')
        {START})
        k8s_resource('web', new_name='site', port_forwards=8000, labels=['l'], resource_deps=['x'])
        """
    site, other = project(tmp_path, script, **{"d.yaml": deployment("x", "x")}).declare().resources
    assert (site.name, other.name) == ("site", "x")
    assert deploy(site).commands is not None
    assert [forward.local_port for forward in site.deploy.port_forwards] == [8000]
    assert (site.labels, site.resource_deps) == (("l",), ("x",))


def test_its_images_are_built_first_in_the_order_given(tmp_path):
    script = f"""
        docker_build('a', '.', dockerfile_contents='FROM x')
        docker_build('b', '.', dockerfile_contents='FROM a')
        {START}, image_deps=['b', 'a'])
        """
    resource = project(tmp_path, script).resource("web")
    assert deploy(resource).images == ("b", "a")
    assert [image.name for image in resource.images] == ["a", "b"]


@pytest.mark.parametrize(
    ("selector", "name", "container"),
    [
        ("image_selector='reg/web'", "reg/web", ""),
        ("container_selector='main'", "k8s_custom_deploy:web", "main"),
    ],
)
def test_its_containers_are_updated_in_place(tmp_path, selector, name, container):
    script = f"{START}, live_update=[sync('web', '/web')], {selector})"
    resource = project(tmp_path, script).resource("web")
    (image,) = resource.images
    assert (image.name, image.container_name, image.live_update_only) == (name, container, True)
    assert image.files.paths == (str(tmp_path / "web"),)
    assert deploy(resource).images == ()
    (ignore,) = resource.deploy.files.ignores
    assert (ignore.base, ignore.patterns) == ("/", (str(tmp_path / "web")[1:],))


def test_where_nothing_is_synced_what_a_trigger_names_is_mounted_and_deploys_nothing(tmp_path):
    script = f"{START}, live_update=[run('make', trigger='src')], container_selector='main')"
    resource = project(tmp_path, script).resource("web")
    (image,) = resource.images
    assert image.live_update.mounted
    (ignore,) = resource.deploy.files.ignores
    assert (ignore.base, ignore.patterns) == (str(tmp_path), ("src",))


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (f"{START})\n{START})", 'k8s_resource named "web" already exists'),
        (f"{START})\nlocal_resource('web', 'true')", 'named "web" already exists'),
        ("k8s_custom_deploy('web', '', 'x', [])", "k8s_custom_deploy: apply_cmd cannot be empty"),
        ("k8s_custom_deploy('web', 'x', [], [])", "k8s_custom_deploy: delete_cmd cannot be empty"),
        ("k8s_custom_deploy('web', 1, 'x', [])", "apply_cmd: a command must be a string or list of strings"),
        ("k8s_custom_deploy('web')", "missing argument"),
        (f"{START}, live_update=[sync('web', '/w')])", "no Live Update selector specified"),
        (
            f"{START}, live_update=[sync('web', '/w')], image_selector='a', container_selector='b')",
            "cannot specify more than one Live Update selector",
        ),
        (f"{START}, live_update=[sync('web', '/w')], image_selector='A B')", 'can\'t parse "A B"'),
        (
            f"custom_build('a', ':', ['.'])\n{START}, live_update=[sync('web', '/w')], image_selector='library/a')",
            'Image for ref "a" has already been defined',
        ),
        (
            f"{START}, live_update=[sync('web', '/w')], image_selector='a')\ncustom_build('a', ':', ['.'])",
            'Image for ref "a" has already been defined',
        ),
    ],
)
def test_what_cannot_be_deployed_says_why(tmp_path, script, expected):
    assert expected in project(tmp_path, script).error()
