from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from pytilt.model.files import Ignore
from pytilt.model.resources import ComposeDeploy, ComposeProject, Link, ResourceSpec, TriggerMode
from pytilt.testing.project import Project

FOLDER = Path(__file__).parent / "compose"
"""A project that uses most of what a Compose file can say."""

DOCKERFILE = "FROM x\n"


def project(tmp_path: Path, tiltfile: str, files: dict[str, str] | None = None, **named: str) -> Project:
    compose = {"docker-compose.yml": "services: {web: {image: w}, db: {image: d}}\n"}
    return Project(tmp_path, {"Tiltfile": tiltfile, **(compose if files is None else files), **named})


def aliases(form: str) -> str:
    """A file that is billions of values, each line ten times the one before it."""
    lines = ("x0: &x0 {a: 1}", *(f"x{n}: &x{n} {form.format(','.join([f'*x{n - 1}'] * 10))}" for n in range(1, 10)))
    return "\n".join((*lines, "services: {a: {image: x}}"))


def services(found: Project) -> dict[str, ResourceSpec]:
    return {str(each.name): each for each in found.declare().resources}


def deploy(resource: ResourceSpec) -> ComposeDeploy:
    assert isinstance(resource.deploy, ComposeDeploy)
    return resource.deploy


def config(text: str, tmp_path: Path, **environ: str) -> dict[str, object]:
    """The normal form of the service `a`."""
    found = Project(tmp_path, {"Tiltfile": "docker_compose('c.yml')", "c.yml": f"services:\n  a:\n{text}"})
    names = {str(each.name): each for each in found.declare(environ=environ).resources}
    loaded: dict[str, object] = yaml.safe_load(deploy(names["a"]).yaml)
    return loaded


def test_every_service_becomes_a_resource_after_those_that_it_depends_on(tmp_path: Path):
    files = {"docker-compose.yml": "services: {a: {image: x, depends_on: [b]}, b: {image: y}, c: {image: z}}\n"}
    found = services(project(tmp_path, "docker_compose('docker-compose.yml')", files))
    assert list(found) == ["b", "a", "c"]
    assert found["a"].resource_deps == ("b",)
    root = str(tmp_path)
    assert deploy(found["a"]).project == ComposeProject(
        name=tmp_path.name.lower().lstrip("_-"), path=root, config_paths=(f"{root}/docker-compose.yml",)
    )


def test_the_normal_form_is_that_of_compose(tmp_path: Path):
    web = FOLDER / "web.yml"
    files = {path.name: path.read_text() for path in FOLDER.iterdir() if path != web}
    files[".env"] = files.pop("dot.env", files.get(".env", ""))
    found = services(project(tmp_path, "docker_compose('docker-compose.yml')", files, **{"web/Dockerfile": DOCKERFILE}))
    assert list(found) == ["db", "cache", "web"]
    wanted = yaml.safe_load(web.read_text().replace("DIR", str(tmp_path)))
    assert yaml.safe_load(deploy(found["web"]).yaml) == wanted
    assert deploy(found["web"]).published_ports == (8000, 8001, 9000, 6)
    assert deploy(found["db"]).image == "postgres:15"


def test_what_compose_builds_itself_is_known(tmp_path: Path):
    files = {"c.yml": "services: {a: {build: ./a, volumes: ['./src:/src']}}\n"}
    found = project(tmp_path, "docker_compose('c.yml')", files, **{"a/Dockerfile": "x", "a/.dockerignore": "tmp\n"})
    build = deploy(services(found)["a"]).build
    root = str(tmp_path)
    assert build is not None
    assert build.context == f"{root}/a"
    assert build.ignores == (
        Ignore(base=f"{root}/a", patterns=("tmp",)),
        Ignore(base=f"{root}/a/Dockerfile"),
        Ignore(base=f"{root}/src"),
    )
    assert found.path("a/.dockerignore") in found.declare().config_files


def test_an_image_of_the_tiltfile_takes_the_place_of_the_one_of_compose(tmp_path: Path):
    tiltfile = "docker_compose('docker-compose.yml')\ndocker_build('w', '.')\ndocker_build('other', '.')\n"
    found = project(tmp_path, tiltfile, Dockerfile=DOCKERFILE)
    assert [image.name for image in deploy(services(found)["web"]).targets] == ["w"]
    assert found.evaluate().warnings[0].startswith("Image not used in any Docker Compose config:\n    ✕ other")


def test_dc_resource_changes_a_service(tmp_path: Path):
    tiltfile = """
        docker_compose('docker-compose.yml')
        dc_resource('web', labels=['l'], links=['http://x'], trigger_mode=TRIGGER_MODE_MANUAL, auto_init=False)
        dc_resource('web', new_name='front', resource_deps=['db'], infer_links=False)
        """
    front = services(project(tmp_path, dedent(tiltfile)))["front"]
    assert (front.labels, front.links) == (("l",), (Link(url="http://x"),))
    assert (front.trigger_mode, front.resource_deps) == (TriggerMode.MANUAL_NO_INIT, ("db",))
    assert (deploy(front).service, deploy(front).infer_links) == ("web", False)


def test_others_depend_on_a_service_by_its_new_name(tmp_path: Path):
    files = {"c.yml": "services: {a: {image: x, depends_on: [b]}, b: {image: y}}\n"}
    found = services(project(tmp_path, "docker_compose('c.yml')\ndc_resource('b', new_name='c')\n", files))
    assert found["a"].resource_deps == ("c",)


def test_later_files_and_blobs_change_earlier_ones(tmp_path: Path):
    files = {
        "a.yml": "services: {a: {image: x, command: one, environment: {A: '1'}, ports: [80]}}\n",
        "b.yml": "services: {a: {image: y, environment: [B=2], ports: ['81:81', 80]}}\n",
    }
    tiltfile = "docker_compose(['a.yml', 'b.yml', blob('services: {a: {command: two}, b: {image: z}}')])"
    found = services(project(tmp_path, tiltfile, files))
    assert list(found) == ["a", "b"]
    made = yaml.safe_load(deploy(found["a"]).yaml)
    assert (made["image"], made["command"], made["environment"]) == ("y", ["two"], {"A": "1", "B": "2"})
    assert [port["target"] for port in made["ports"]] == [80, 81]


@pytest.mark.parametrize(
    ("arguments", "environ", "names"),
    [
        ("", {}, ["a"]),
        (", profiles=['p']", {}, ["a", "b"]),
        ("", {"COMPOSE_PROFILES": "q,p"}, ["a", "b"]),
        (", profiles=[]", {"COMPOSE_PROFILES": "p"}, ["a"]),
    ],
)
def test_profiles_choose_services(tmp_path: Path, arguments: str, environ: dict[str, str], names: list[str]):
    files = {"c.yml": "services: {a: {image: x}, b: {image: y, profiles: [p]}}\n"}
    found = project(tmp_path, f"docker_compose('c.yml'{arguments})", files)
    assert [each.name for each in found.declare(environ=environ).resources] == names


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("$V", "v"), ("${V}", "v"), ("${NONE}", ""), ("${NONE:-d}", "d"), ("${EMPTY:-d}", "d"), ("${EMPTY-d}", ""),
        ("${V:+x}", "x"), ("${NONE+x}", ""), ("${NONE:-${V}}", "v"), ("$$V", "$V"), ("a${V}b", "avb"),
    ],
)  # fmt: skip
def test_variables_are_put_in(tmp_path: Path, written: str, value: str):
    found = config(f"    {{image: x, command: ['{written}']}}\n", tmp_path, V="v", EMPTY="")
    assert found["command"] == [value]


@pytest.mark.parametrize(
    ("files", "tiltfile", "message"),
    [
        ({}, "docker_compose([])", "Nothing to compose"),
        ({}, "docker_compose('none.yml')", "open {}/none.yml: no such file or directory"),
        ({"c.yml": "services: ["}, "docker_compose('c.yml')", "failed to parse {}/c.yml"),
        ({"c.yml": aliases("[{0}]")}, "docker_compose('c.yml')", "c.yml: document contains excessive aliasing"),
        ({"c.yml": aliases("{{<<: [{0}]}}")}, "docker_compose('c.yml')", "c.yml: document contains excessive aliasing"),
        (
            {"c.yml": "x: &a [*a]"},
            "docker_compose('c.yml')",
            "c.yml: line 1: an alias stands for something that holds it",
        ),
        ({"c.yml": "- a"}, "docker_compose('c.yml')", "top-level object must be a mapping"),
        ({"c.yml": "services: {a: {image: '${V:?give it}'}}"}, "docker_compose('c.yml')", "missing a value: give it"),
        ({"c.yml": "services: {a: {image: '${V'}}"}, "docker_compose('c.yml')", "invalid interpolation format"),
        ({"c.yml": "services: {a: {image: x, depends_on: [b]}}"}, "docker_compose('c.yml')", "undefined service"),
        (
            {"c.yml": "services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}"},
            "docker_compose('c.yml')",
            "dependency cycle detected: a -> b -> a",
        ),
        ({"c.yml": "services: {a: {extends: a}}"}, "docker_compose('c.yml')", "circular reference"),
        ({"c.yml": "services: {a: {image: A B}}"}, "docker_compose('c.yml')", "Error parsing image name"),
        ({"c.yml": "services: {a: {image: x, ports: [x]}}"}, "docker_compose('c.yml')", "invalid port"),
        ({"c.yml": "include: [c.yml]"}, "docker_compose('c.yml')", "include cycle detected: {0}/c.yml -> {0}/c.yml"),
        ({"c.yml": "include: [{a: b}]"}, "docker_compose('c.yml')", "include: every entry must be a path"),
        (
            {"c.yml": "include: [d.yml]\nservices: {a: {image: x}}", "d.yml": "services: {a: {image: y}}"},
            "docker_compose('c.yml')",
            "services.a conflicts with imported resource",
        ),
        ({"c.yml": "services: {a: {ports: 5}}"}, "docker_compose('c.yml')", "services.a.ports must be a list"),
        ({"c.yml": "services: {a: {ports: [{}]}}"}, "docker_compose('c.yml')", "services.a.ports.0.target must be"),
        ({"c.yml": "services: {a: {build: [x]}}"}, "docker_compose('c.yml')", "build must be a string or a mapping"),
        ({"c.yml": "services: {a: {environment: [[x]]}}"}, "docker_compose('c.yml')", "environment.0 must be a string"),
        ({"c.yml": "services: {a: {image: x}}"}, "docker_compose('c.yml')\ndc_resource('b')", 'name "b"'),
        (
            {"c.yml": "services: {a: {image: x}}"},
            "local_resource('a', 'true')\ndocker_compose('c.yml')",
            'local_resource named "a" already exists',
        ),
        (
            {"c.yml": "services: {a: {image: x}}"},
            "default_registry('localhost:5000')\ndocker_compose('c.yml')",
            "default_registry is not supported with docker compose",
        ),
    ],
)
def test_what_is_wrong_is_reported(tmp_path: Path, files: dict[str, str], tiltfile: str, message: str):
    error = project(tmp_path, tiltfile, files).evaluate().error
    assert error is not None
    assert message.format(tmp_path) in error


def test_an_included_project_has_its_own_directory_and_variables(tmp_path: Path):
    files = {
        "c.yml": "include:\n- sub/inner.yml\n- {path: [more.yml], project_directory: other, env_file: m.env}\n"
        "services: {a: {image: x, depends_on: [b]}}\n",
        "sub/inner.yml": "services: {b: {image: 'y:${TAG}', build: ., volumes: ['./d:/d'], env_file: v.env}}\n",
        "sub/.env": "TAG=inner\n",
        "sub/v.env": "V=1\n",
        "more.yml": "services: {c: {image: 'z:${TAG}', build: app}}\n",
        "m.env": "TAG=more\n",
    }
    found = services(project(tmp_path, "docker_compose('c.yml')", files))
    assert list(found) == ["b", "a", "c"]
    b, c = (yaml.safe_load(deploy(found[name]).yaml) for name in "bc")
    assert (b["image"], b["build"]["context"], b["environment"]) == ("y:inner", f"{tmp_path}/sub", {"V": "1"})
    assert b["volumes"][0]["source"] == f"{tmp_path}/sub/d"
    assert (c["image"], c["build"]["context"]) == ("z:more", f"{tmp_path}/other/app")


def test_the_environment_goes_before_the_variables_of_an_included_project(tmp_path: Path):
    files = {
        "c.yml": "include: [sub/i.yml]",
        "sub/i.yml": "services: {b: {image: 'y:${TAG}'}}",
        "sub/.env": "TAG=inner",
    }
    made = project(tmp_path, "docker_compose('c.yml')", files)
    (found,) = made.declare(environ={"TAG": "outer"}).resources
    assert yaml.safe_load(deploy(found).yaml)["image"] == "y:outer"
    assert f"{tmp_path}/sub/i.yml" in made.evaluate().config_files


def test_what_extends_a_service_of_another_folder_keeps_that_folders_paths(tmp_path: Path):
    files = {
        "c.yml": "services: {a: {extends: {file: sub/base.yml, service: base}, command: x}}\n",
        "sub/base.yml": "services: {base: {build: ., env_file: [v.env]}}\n",
        "sub/v.env": "V=1\n",
    }
    (found,) = project(tmp_path, "docker_compose('c.yml')", files).declare().resources
    config = yaml.safe_load(deploy(found).yaml)
    assert (config["build"]["context"], config["environment"]) == (f"{tmp_path}/sub", {"V": "1"})


@pytest.mark.parametrize(
    ("field", "normal"),
    [
        ("links: [db, 'mail:smtp']", {"db": True, "mail": True}),
        ("network_mode: 'service:db'\n    pid: 'service:mail'", {"db": True, "mail": True}),
        ("volumes_from: [db, 'mail:ro', 'container:x']", {"db": False, "mail": False}),
    ],
)
def test_links_and_shared_namespaces_are_dependencies(tmp_path: Path, field: str, normal: dict[str, bool]):
    text = f"services:\n  a:\n    image: x\n    {field}\n  db: {{image: y}}\n  mail: {{image: z}}\n"
    found = services(project(tmp_path, "docker_compose('c.yml')", {"c.yml": text}))
    assert found["a"].resource_deps == ("db", "mail")
    depends = yaml.safe_load(deploy(found["a"]).yaml)["depends_on"]
    assert {name: each["restart"] for name, each in depends.items()} == normal


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("stop_grace_period: 90s", "1m30s"),
        ("healthcheck: {test: x, interval: 60s}", {"test": ["CMD-SHELL", "x"], "interval": "1m0s"}),
        (
            "deploy: {restart_policy: {delay: 90s}, update_config: {monitor: 60s}}",
            {"restart_policy": {"delay": "1m30s"}, "update_config": {"monitor": "1m0s"}},
        ),
        ("secrets: [s]", [{"source": "s", "target": "/run/secrets/s"}]),
        ("configs: [c]", [{"source": "c"}]),
        (
            "devices: ['/dev/x', '/dev/y:/dev/z:r']",
            [
                {"source": "/dev/x", "target": "/dev/x", "permissions": "rwm"},
                {"source": "/dev/y", "target": "/dev/z", "permissions": "r"},
            ],
        ),
        ("gpus: all", [{"count": -1}]),
        ("pull_policy: if_not_present", "missing"),
        (
            "ports: ['80', '80-81']",
            [
                {"mode": "ingress", "target": 80, "protocol": "tcp"},
                {"mode": "ingress", "target": 81, "protocol": "tcp"},
            ],
        ),
        (
            "volumes: ['named:/a/:nocopy']",
            [{"type": "volume", "source": "named", "target": "/a", "volume": {"nocopy": True}}],
        ),
        (
            (
                "build: {context: ., labels: [a=b], extra_hosts: ['h:1'], shm_size: 1gb, args: [UNSET, A=1], "
                "additional_contexts: {i: 'docker-image://x'}}"
            ),
            {
                "context": "ROOT",
                "dockerfile": "Dockerfile",
                "labels": {"a": "b"},
                "extra_hosts": ["h=1"],
                "shm_size": str(2**30),
                "args": {"A": "1"},
                "additional_contexts": {"i": "docker-image://x"},
            },
        ),
    ],
)
def test_fields_have_the_form_that_compose_gives_them(tmp_path: Path, written: str, normal: object):
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    found = config(f"    image: x\n    {written}\n", tmp_path)[written.partition(":")[0]]
    assert found == (
        normal | {"context": str(tmp_path)} if isinstance(normal, dict) and "context" in normal else normal
    )
