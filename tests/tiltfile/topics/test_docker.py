import pytest

from pytilt.model.files import Ignore
from pytilt.model.images import CustomBuild, DockerBuild, HelperMode, Registry
from pytilt.testing.project import Project
from tests.tiltfile.projects import DOCKERFILE, deployment, documents


def project(tmp_path, script, *images, **files):
    """A project with a deployment for each image."""
    yaml = documents(*(deployment(f"d{number}", image) for number, image in enumerate(images)))
    return Project(
        tmp_path, {"Tiltfile": f"{script}\nk8s_yaml('d.yaml')\n", "d.yaml": yaml, "Dockerfile": DOCKERFILE, **files}
    )


def image(tmp_path, script, name, **files):
    """The image that a script declares."""
    (resource,) = project(tmp_path, script, name, **files).declare().resources
    return resource.images[-1]


def test_every_parameter_of_docker_build_reaches_the_image(tmp_path):
    built = image(
        tmp_path,
        "docker_build('a/b:c', 'ctx', build_args={'Y': '', 'X': '1'}, dockerfile='D', target='t', ssh='default', "
        "secret=['id=s'], network='host', extra_tag='a/b:d', cache_from=['x', 'y'], pull=True, platform='linux/arm64', "
        "extra_hosts=['h:1.2.3.4'], entrypoint='run it', container_args=['--a'], match_in_env_vars=True)",
        "a/b:c",
        D="FROM scratch\n",
        **{"ctx/x": ""},
    )
    assert (built.name, built.entrypoint, built.container_args) == ("a/b:c", ("sh", "-c", "run it"), ("--a",))
    assert built.match_in_env_vars
    ignores = built.files.ignores[:1]
    assert built.build == DockerBuild(
        context=str(tmp_path / "ctx"),
        dockerfile=str(tmp_path / "D"),
        contents="FROM scratch\n",
        build_args=(("X", "1"), ("Y", "")),
        target="t",
        ssh=("default",),
        secrets=("id=s",),
        network="host",
        extra_tags=("a/b:d",),
        cache_from=("x", "y"),
        pull=True,
        platform="linux/arm64",
        extra_hosts=("h:1.2.3.4",),
        context_ignores=ignores,
    )


def test_the_text_of_a_dockerfile_may_be_in_the_tiltfile(tmp_path):
    built = image(tmp_path, "docker_build('x', '.', dockerfile_contents=blob('FROM scratch'))", "x")
    assert isinstance(built.build, DockerBuild)
    assert (built.build.dockerfile, built.build.contents) == (None, "FROM scratch")


def test_a_dash_is_an_empty_context(tmp_path):
    built = image(tmp_path, "docker_build('x', '-', dockerfile_contents='FROM scratch')", "x")
    assert isinstance(built.build, DockerBuild)
    assert (built.build.context, built.files.paths) == ("-", ())


def test_the_platform_is_taken_from_the_environment(tmp_path):
    script = "os.environ['DOCKER_DEFAULT_PLATFORM'] = 'linux/s390x'\ndocker_build('x', '.')"
    built = image(tmp_path, script, "x")
    assert isinstance(built.build, DockerBuild)
    assert built.build.platform == "linux/s390x"


def test_a_dockerfile_may_have_an_ignore_file_of_its_own(tmp_path):
    files = {"Dockerfile.dockerignore": "# why\nown\n", ".dockerignore": "other\n"}
    built = image(tmp_path, "docker_build('x', '.')", "x", **files)
    assert Ignore(base=str(tmp_path), patterns=("own",)) in built.files.ignores
    assert all("other" not in ignore.patterns for ignore in built.files.ignores)


def test_the_files_of_git_belong_to_no_image(tmp_path):
    built = image(tmp_path, "docker_build('x', '.')", "x", **{".git/HEAD": ""})
    assert Ignore(base=str(tmp_path / ".git")) in built.files.ignores


def test_every_parameter_of_custom_build_reaches_the_image(tmp_path):
    script = (
        "custom_build('x', ['make', 'x'], ['src', 'lib'], tag='t', disable_push=True, skips_local_docker=True, "
        "ignore='*.o', env={'B': '2', 'A': '1'}, dir='src')"
    )
    built = image(tmp_path, script, "x", **{"src/a": "", "lib/a": ""})
    assert isinstance(built.build, CustomBuild)
    assert built.build.command.argv == ("make", "x")
    assert built.build.command.dir == str(tmp_path / "src")
    assert built.build.command.env == (("A", "1"), ("B", "2"))
    assert (built.build.tag, built.build.disable_push, built.build.skips_local_docker) == ("t", True, True)
    assert built.files.paths == (str(tmp_path / "src"), str(tmp_path / "lib"))
    assert Ignore(base=str(tmp_path / "lib"), patterns=("*.o",)) in built.files.ignores


def test_the_file_that_names_an_image_is_ignored_everywhere(tmp_path):
    written = project(tmp_path, "custom_build('x', 'make', ['.'], outputs_image_ref_to='out/ref')", "x")
    assert written.declare().ignores == (Ignore(base=written.path("out/ref")),)


def test_a_default_registry_is_declared_once(tmp_path):
    script = "default_registry('localhost:5001', host_from_cluster='reg:5000', single_name='all')"
    declared = project(tmp_path, script, "x").declare()
    assert declared.default_registry == Registry(host="localhost:5001", host_from_cluster="reg:5000", single_name="all")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("docker_build('img web', '.')", 'Argument 1 (ref): can\'t parse "img web": invalid reference format'),
        ("docker_build('x', 'no')", "error reading dockerfile: open ROOT/no/Dockerfile: no such file or directory"),
        (
            "docker_build('x', '.', dockerfile='D', dockerfile_contents='')",
            "Cannot specify both dockerfile and dockerfile_contents keyword arguments",
        ),
        (
            "docker_build('x', '.', only=['*.py'])",
            "'only' does not support '*' file globs. Must be a real path: *.py",
        ),
        ("docker_build('x', '.', ignore='a\\nb')", 'ignore cannot contain newlines; found ignore: "a\\nb"'),
        (
            "docker_build('x', '.', extra_tag='a b')",
            'Argument extra_tag="a b" not a valid image reference: invalid reference format',
        ),
        ("docker_build('x', '.')\ndocker_build('x', '.')", 'Image for ref "x" has already been defined'),
        (
            "docker_build('x', '.', container_args='a')",
            'docker_build: for parameter "container_args": got string, want a list',
        ),
        ("docker_build('x')", "docker_build: missing argument for context"),
        ("docker_build('x', '.', nope=1)", 'docker_build: unexpected keyword argument "nope"'),
        ("custom_build('x', '', [])", "Argument 2 (command) can't be empty"),
        (
            "custom_build('x', 'y', [], tag='a', outputs_image_ref_to='b')",
            "Cannot specify both tag= and outputs_image_ref_to=",
        ),
        ("custom_build('x', 'y', [], image_deps=['z'])", 'image "x": image dep "z" not found'),
        ("default_registry('a.b')\ndefault_registry('a.b')", "default registry already defined"),
        (
            "default_registry('a b')",
            'validating defaultRegistry: host: Invalid value: "a b": invalid reference format',
        ),
        ("default_registry('')", "validating defaultRegistry: host: Required value"),
    ],
)
def test_a_wrong_call_says_what_tilt_says(tmp_path, script, message):
    assert message in project(tmp_path, script).error()


def test_the_ignore_files_of_images_that_nothing_uses_are_not_watched(tmp_path):
    files = {"Tiltfile": "docker_build('a', 'a')\ndocker_build('b', 'b')\nk8s_yaml('d.yaml')\n"}
    files |= {"a/Dockerfile": DOCKERFILE, "b/Dockerfile": DOCKERFILE, "d.yaml": deployment("a", "a")}
    project = Project(tmp_path, files)
    watched = project.declare().config_files
    assert project.path("a/.dockerignore") in watched
    assert project.path("b/.dockerignore") not in watched
    project.write("Tiltfile", "docker_build('b', 'b')\nfail('no')\n")
    assert project.path("b/.dockerignore") in project.evaluate().config_files


@pytest.mark.parametrize(
    ("before", "argument", "expected"),
    [
        ("", "", HelperMode.AUTO),
        ("", ", synclet='off'", HelperMode.OFF),
        ("update_settings(synclet='stream')\n", "", HelperMode.STREAM),
        ("update_settings(synclet='off')\n", ", synclet='auto'", HelperMode.AUTO),
    ],
)
def test_the_helper_may_be_used_in_containers_unless_it_is_off(tmp_path, before, argument, expected):
    assert image(tmp_path, f"{before}docker_build('a', '.'{argument})", "a").helper is expected


def test_another_word_for_the_helper_is_refused(tmp_path):
    error = project(tmp_path, "docker_build('a', '.', synclet='on')", "a").error()
    assert 'docker_build: synclet must be "auto", "stream" or "off"; got "on"' in error


@pytest.mark.parametrize(("mode", "updates"), [("auto", True), ("container", True), ("exec", True), ("image", False)])
def test_a_mode_decides_how_what_changed_gets_into_what_runs(tmp_path, mode, updates):
    script = f"update_settings(update_mode='{mode}')\ndocker_build('a', '.', live_update=[sync('.', '/a')])"
    built = image(tmp_path, script, "a")
    assert (built.live_update is not None) is updates
    assert (built.helper is HelperMode.OFF) is (mode == "exec")


def test_another_mode_is_refused(tmp_path):
    error = project(tmp_path, "update_settings(update_mode='fast')\ndocker_build('a', '.')", "a").error()
    assert 'update_mode must be one of auto, image, container, exec; got "fast"' in error


def test_the_cache_of_the_first_versions_is_obsolete_and_a_warning_says_so(tmp_path):
    files = {"Dockerfile": DOCKERFILE, "Tiltfile": "docker_build('a', '.', cache='/x')\nlocal_resource('b', 'b')\n"}
    first, *_ = Project(tmp_path, files).declare().warnings
    assert first.startswith("docker_build(cache=...) is obsolete, and currently a no-op.\n")
