import pytest

from pytilt.model.commands import Command, HttpGetAction, Probe
from pytilt.model.files import Ignore
from pytilt.model.images import DockerBuild, Run, Sync
from pytilt.model.resources import KubernetesDeploy, Link, LocalDeploy, PodReadiness, PortForwardSpec, TriggerMode
from pytilt.testing.project import Project
from tests.tiltfile.projects import DOCKERFILE, config_map, deployment, documents, secret, service


def shop(tmp_path):
    return Project(
        tmp_path,
        {
            "Tiltfile": """
                docker_build('img/web', '.', live_update=[sync('.', '/app'), run('touch /x', trigger=['a'])],
                    ignore=['b'], only=['src'])
                k8s_yaml('d.yaml')
                k8s_resource('web', links='foo',
                    port_forwards=['8000', port_forward(9000, 90, name='x', link_path='/y')])
                """,
            "Dockerfile": DOCKERFILE,
            "d.yaml": documents(
                deployment("web", "img/web"), service("web", "web"), secret("s", "k", "hello-world"), config_map("cm")
            ),
        },
    )


def test_a_workload_takes_its_service_and_the_rest_is_uncategorized(tmp_path):
    web, rest = shop(tmp_path).declare().resources
    assert isinstance(web.deploy, KubernetesDeploy)
    assert isinstance(rest.deploy, KubernetesDeploy)
    assert (web.name, [o["kind"] for o in web.deploy.objects]) == ("web", ["Service", "Deployment"])
    assert (rest.name, [o["kind"] for o in rest.deploy.objects]) == ("uncategorized", ["ConfigMap", "Secret"])
    assert (web.deploy.pod_readiness, rest.deploy.pod_readiness) == (PodReadiness.WAIT, PodReadiness.IGNORE)
    assert web.deploy.workload == "Deployment/web"


def test_a_built_image_knows_its_context_what_it_ignores_and_how_it_is_updated(tmp_path):
    project = shop(tmp_path)
    root = str(project.root)
    (image,) = project.resource("web").images
    ignores = (
        Ignore(base=project.path("Tiltfile")),
        Ignore(base=root, patterns=("b",)),
        Ignore(base=root, patterns=("**", "!src")),
    )
    assert isinstance(image.build, DockerBuild)
    assert (image.name, image.build.context, image.build.contents) == ("img/web", root, DOCKERFILE)
    assert image.build.context_ignores == ignores
    assert image.files.paths == (root,)
    assert image.files.ignores == (*ignores, Ignore(base=project.path("Dockerfile")))
    assert image.live_update is not None
    assert image.live_update.syncs == (Sync(local=root, remote="/app"),)
    assert image.live_update.runs == (
        Run(argv=("sh", "-c", "touch /x"), triggers=(Ignore(base=root, patterns=("a",)),)),
    )


def test_forwards_and_links_are_those_of_k8s_resource(tmp_path):
    web = shop(tmp_path).resource("web")
    assert isinstance(web.deploy, KubernetesDeploy)
    assert web.deploy.port_forwards == (
        PortForwardSpec(local_port=8000),
        PortForwardSpec(local_port=9000, container_port=90, name="x", path="y"),
    )
    assert web.links == (Link(url="http://foo", bare=True),)


def test_secrets_are_known_when_the_tiltfile_fails_after_them(tmp_path):
    project = Project(
        tmp_path, {"Tiltfile": "k8s_yaml('s.yaml')\nfail('no')", "s.yaml": secret("s", "k", "hello-world")}
    )
    assert dict(project.evaluate().secrets) == {"hello-world": "[redacted secret s:k]"}


def test_secrets_are_declared_with_what_to_print_instead(tmp_path):
    assert dict(shop(tmp_path).declare().secrets) == {
        "hello-world": "[redacted secret s:k]",
    }


def test_every_file_that_was_read_or_looked_for_is_a_config_file(tmp_path):
    project = shop(tmp_path)
    wanted = [".dockerignore", ".tiltignore", "Dockerfile", "Tiltfile", "d.yaml"]
    assert project.declare().config_files == tuple(project.path(name) for name in wanted)


def test_config_files_are_known_when_the_tiltfile_fails(tmp_path):
    project = Project(tmp_path, {"Tiltfile": "read_file('a')\nfail('no')\n", "a": ""})
    result = project.evaluate()
    assert result.declaration is None
    assert result.config_files == tuple(project.path(name) for name in (".tiltignore", "Tiltfile", "a"))


def test_a_local_resource_has_a_command_and_a_server(tmp_path):
    project = Project(
        tmp_path,
        {
            "Tiltfile": """
                local_resource("a", cmd="echo hi", serve_cmd="sleep 100", deps=["x"], labels=["l1"],
                    readiness_probe=probe(period_secs=5, http_get=http_get_action(port=80)),
                    links=["localhost:80", link("http://x", "n")])
                """
        },
    )
    resource = project.resource("a")
    root = str(project.root)
    deploy = resource.deploy
    assert isinstance(deploy, LocalDeploy)
    assert deploy.update == Command(argv=("sh", "-c", "echo hi"), dir=root)
    assert deploy.serve == Command(argv=("sh", "-c", "sleep 100"), dir=root)
    assert deploy.files.paths == (project.path("x"),)
    assert deploy.readiness_probe == Probe(http_get=HttpGetAction(port=80), period_seconds=5)
    assert resource.trigger_mode is TriggerMode.AUTO
    assert resource.labels == ("l1",)
    assert resource.links == (Link(url="localhost:80"), Link(url="http://x", name="n"))


def test_a_manual_resource_without_first_run_has_trigger_mode_2(tmp_path):
    project = Project(
        tmp_path,
        {"Tiltfile": "local_resource('b', cmd=['echo', '1'], trigger_mode=TRIGGER_MODE_MANUAL, auto_init=False)"},
    )
    assert project.resource("b").trigger_mode == 2


def test_types_have_the_names_that_tilt_gives_them(tmp_path):
    project = Project(
        tmp_path,
        {
            "Tiltfile": """
                print(type(local('true')), type(blob('')), type(probe(exec=exec_action([]))), type(link('x')))
                s = sync('.', '/a')
                print(type(s), type(TRIGGER_MODE_AUTO))
                docker_build('x', '.', dockerfile_contents='FROM a', live_update=s)
                """
        },
    )
    project.evaluate()
    assert "blob blob Probe struct\nlive_update_sync_step TriggerMode\n" in project.log


def test_a_missing_tiltfile_is_named(tmp_path):
    project = Project(tmp_path, {})
    assert (
        project.error() == "No Tiltfile found at paths 'ROOT/Tiltfile'. Check out https://docs.tilt.dev/tutorial.html"
    )
    assert project.path("Tiltfile") in project.evaluate().config_files


def test_a_tiltfile_that_declares_nothing_is_an_error_where_something_is_to_run(tmp_path):
    project = Project(tmp_path, {"Tiltfile": ""})
    assert project.error().startswith("No resources found. Check out ")
    assert project.evaluate(subcommand="down").error is None


def test_a_loaded_file_runs_once_and_has_its_own_directory(tmp_path):
    project = Project(
        tmp_path,
        {
            "Tiltfile": """
                load('lib/Tiltfile', 'where', here='name')
                print(where, here, __name__, __file__ == os.path.join(os.getcwd(), 'Tiltfile'))
                include('lib/Tiltfile')
                print(load_dynamic('lib/Tiltfile')['where'])
                local_resource('x', 'x')
                """,
            "lib/Tiltfile": "print('loaded')\nwhere = os.getcwd()\nname = __name__\n",
        },
    )
    project.declare()
    lib = project.path("lib")
    expected = f"Loading Tiltfile at: {project.tiltfile}\nloaded\n{lib} Tiltfile __main__ True\n{lib}\n"
    assert project.log == expected
    assert project.path("lib/Tiltfile") in project.declare().config_files


def test_a_function_of_a_loaded_file_works_for_the_file_that_calls_it(tmp_path):
    project = Project(
        tmp_path,
        {
            "Tiltfile": "load('lib/Tiltfile', 'f')\nf()\n",
            "lib/Tiltfile": "def f():\n  local_resource('x', 'true', deps='d')\n",
        },
    )
    assert project.resource("x").files[0].paths == (project.path("d"),)


def test_a_circular_load_is_named(tmp_path):
    project = Project(tmp_path, {"Tiltfile": "include('a')", "a": "include('b')", "b": "include('a')"})
    assert project.error().endswith("Circular load: ROOT/a")


def test_files_that_load_each_other_in_a_long_row_are_explained(tmp_path):
    def row(length: int) -> Project:
        files = {f"f{each}": f"load('f{each + 1}', y='x')\nx = 1" for each in range(length)} | {f"f{length}": "x = 1"}
        return Project(tmp_path / str(length), {"Tiltfile": "load('f0', 'x')\nprint(x)", **files})

    assert row(98).evaluate(subcommand="down").error is None
    assert "more than 100 files load each other in a row\nhint: load from the Tiltfile itself" in row(200).error()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_of_another_encoding_is_named(tmp_path, encoding):
    project = Project(tmp_path, {"Tiltfile": "include('a')"})
    (tmp_path / "a").write_bytes("print(1)\n".encode(encoding))
    assert "ROOT/a:1:1: the file is UTF-16, not UTF-8\nhint: save it as UTF-8" in project.error()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("include('nope')", "error reading file ROOT/nope: open ROOT/nope: no such file or directory"),
        (
            "load('nope', 'x')",
            "cannot load nope: error reading file ROOT/nope: open ROOT/nope: no such file or directory",
        ),
        ("load('ext://restart_process', 'x')", "cannot load ext://restart_process: extension repository"),
        ("docker_compose('x')", "open ROOT/x: no such file or directory"),
    ],
)
def test_what_cannot_be_loaded_says_why(tmp_path, script, message):
    assert message in Project(tmp_path, {"Tiltfile": script}).error()


def test_exit_keeps_what_was_declared_before(tmp_path):
    project = Project(tmp_path, {"Tiltfile": "local_resource('a', 'a')\nexit('done')\nlocal_resource('b', 'b')"})
    assert [resource.name for resource in project.declare().resources] == ["a"]
    assert '"done"' in project.log


def test_warnings_are_logged_and_kept(tmp_path):
    project = Project(tmp_path, {"Tiltfile": "warn('careful')\nlocal_resource('a', 'a', resource_deps=['b'])"})
    assert project.declare().warnings == (
        "careful",
        "resource a specified a dependency on unknown resource b - dependency ignored",
    )


def test_a_trace_names_every_frame_and_the_function_that_failed(tmp_path):
    project = Project(tmp_path, {"Tiltfile": "def f():\n  fail('no')\nf()\n"})
    assert project.error() == (
        "Traceback (most recent call last):\n"
        "  ROOT/Tiltfile:3:2: in <toplevel>\n"
        "  ROOT/Tiltfile:2:7: in f\n"
        "    fail('no')\n"
        "        ^\n"
        "Error in fail: no"
    )


@pytest.mark.parametrize("name", [".dockerignore", "Dockerfile.dockerignore", ".tiltignore"])
@pytest.mark.parametrize("pattern", ["!", "[", "d/["])
def test_a_bad_line_of_an_ignore_file_is_a_warning_with_its_place(tmp_path, name: str, pattern: str):
    script = "docker_build('x', '.')\ndocker_build('y', '.')\nlocal_resource('a', 'true')"
    project = Project(tmp_path, {"Tiltfile": script, "Dockerfile": DOCKERFILE, name: f"ok\n{pattern}\nalso\n"})
    result = project.evaluate()
    assert result.declaration is not None
    (warning,) = [text for text in result.warnings if "pattern" in text]
    assert warning.startswith(f"{project.path(name)}:2: ")
    assert "hint: " in warning


@pytest.mark.parametrize(
    "call",
    [
        "local_resource('a', 'true', ignore=['{}'])",
        "docker_build('x', '.', ignore='{}')",
        "docker_build('x', '.', only='{}')",
        "custom_build('x', 'true', ['.'], ignore=['ok', '{}'])",
        "watch_settings(ignore='{}')",
        "run('true', trigger=['{}'])",
    ],
)
@pytest.mark.parametrize("pattern", ["!", "[", "d/["])
def test_a_bad_pattern_in_the_tiltfile_is_its_error_with_the_place(tmp_path, call: str, pattern: str):
    if "only" in call and pattern == "!":
        pattern = "x["
    error = Project(tmp_path, {"Tiltfile": call.format(pattern), "Dockerfile": DOCKERFILE}).error()
    assert f"pattern: `{pattern}`" in error or f"pattern `{pattern}`" in error
    assert "Tiltfile:1:" in error
    assert "hint: " in error


def test_a_byte_order_mark_is_no_part_of_a_tiltfile_nor_of_what_it_reads(tmp_path):
    files = {
        "Tiltfile": "\ufeffload('b', 'x')\nprint(x, read_json('c.json'))",
        "b": "\ufeffx = 1",
        "c.json": "\ufeff[2]",
    }
    project = Project(tmp_path, files)
    project.evaluate()
    assert "1 [2]\n" in project.log
