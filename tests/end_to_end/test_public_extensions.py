"""Tilt's public extensions, from a copy that PYTILT_TEST_EXTENSIONS names: each does what it is for.

Tools that a machine need not have (`ko`, `pack`, `kind`, what is on the internet) have stand-ins.
"""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pytilt.model.base import Value
from pytilt.settings import Settings
from tests.end_to_end.sessions import Tilt
from tests.end_to_end.test_api_objects import now
from tests.end_to_end.texts import deployment

COPY = Settings.from_environment().environ.get("PYTILT_TEST_EXTENSIONS", "")
pytestmark = pytest.mark.skipif(not COPY, reason="PYTILT_TEST_EXTENSIONS names no copy of tilt-dev/tilt-extensions")

WEB = deployment('{name: main, image: busybox, command: [sh, -c, "echo web is up; exec sleep 1000"]}')
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: colors}\ndata: {sky: blue}\n"
DOCKERFILE = "FROM busybox\nADD page /page\nENTRYPOINT sh -c 'echo built web is up; exec sleep 1000'\n"
SERVED = {"Dockerfile": DOCKERFILE, "page/index.html": "hello\n"}
BUILT = deployment("{name: main, image: e2e/ext}")
KO = """#!/bin/sh
[ "$1 $2" = "publish --local" ] || exit 2
printf 'FROM busybox\\nENTRYPOINT ["sh", "-c", "echo built web is up; exec sleep 1000"]\\n' |
  docker build -q -t ko.local/ext - >&2
echo ko.local/ext
"""
PACK = """#!/bin/sh
[ "$1" = build ] || exit 2
printf 'FROM busybox\\nENTRYPOINT ["sh", "-c", "echo built web is up; exec sleep 1000"]\\n' | docker build -q -t "$2" -
"""
HELM = """#!/bin/sh
[ "$1" = template ] && exec cat chart/templates/c.yaml
[ "$1" = version ] && echo v3.0.0
case "$*" in "search repo"*) echo "- {name: c/c, version: 0.1.0}";; esac
"""
CERT_MANAGER_TOOLS = {
    "kind": "#!/bin/sh\n",
    "docker": "#!/bin/sh\n",
    "kubectl": '#!/bin/sh\ncat > /dev/null; echo "$@" >> calls\n',
}
KNATIVE_KUBECTL = """#!/bin/sh
echo "$@" >> {folder}/calls
case "$*" in
  "apply -f https://"*) printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {{name: colors}}\\n' |
    {kubectl} apply -n {namespace} -f - -o yaml;;
esac
"""


class Case(Value):
    """What a project makes of an extension, and what is to come of it."""

    tiltfile: str
    says: tuple[str, ...]
    """In the output of `tilt ci`."""
    files: Mapping[str, str] = {}
    tools: Mapping[str, str] = {}
    """Programs that stand in for others."""
    needs: tuple[str, ...] = ()
    """Programs of this machine."""
    down: str = ""
    """In the output of `tilt down`."""


CASES = {
    "dotenv": Case(
        tiltfile="load('ext://dotenv', 'dotenv')\ndotenv()\nlocal_resource('a', 'echo it is $COLOR')",
        files={".env": "COLOR='light blue'\n"},
        says=("it is light blue",),
    ),
    "local_output": Case(
        tiltfile="load('ext://local_output', 'local_output')\n"
        "print(local_output('echo abc') + 'def')\nlocal_resource('a', 'true')",
        says=("abcdef",),
    ),
    "min_tilt_version": Case(
        tiltfile="load('ext://min_tilt_version', 'min_tilt_version')\n"
        "min_tilt_version('0.30.0')\nlocal_resource('a', 'echo new enough')",
        says=("new enough",),
    ),
    "namespace": Case(
        tiltfile="load('ext://namespace', 'namespace_create', 'namespace_inject')\nname = k8s_namespace() + '-more'\n"
        "namespace_create(name)\nk8s_yaml(namespace_inject(read_file('web.yaml'), name))",
        files={"web.yaml": WEB},
        says=("more:namespace", "web is up"),
        down="Namespace/",
    ),
    "configmap": Case(
        tiltfile="load('ext://configmap', 'configmap_create', 'configmap_from_dict')\n"
        "configmap_create('files', from_file=['a.ini=./a.ini'])\n"
        "k8s_yaml(configmap_from_dict('words', inputs={'hello': 'world'}))",
        files={"a.ini": "[a]\nb = 1\n"},
        says=("files:configmap", "words:configmap"),
        down="ConfigMap/files",
    ),
    "secret": Case(
        tiltfile="load('ext://secret', 'secret_from_dict', 'secret_create_generic')\n"
        "k8s_yaml(secret_from_dict('keys', inputs={'TOKEN': 'hush hush'}))\n"
        "secret_create_generic('pgpass', from_file='.pgpass=./.pgpass')",
        files={".pgpass": "very secret\n"},
        says=("keys:secret", "pgpass:secret"),
        down="Secret/keys",
    ),
    "deployment": Case(
        tiltfile="load('ext://deployment', 'deployment_create', 'job_create')\n"
        "deployment_create('web', 'busybox', command=['sleep', '1000'])\n"
        "job_create('once', image='busybox', command=['echo', 'job is done'], resource_deps=['web'])",
        says=("web:deployment", "job is done"),
        down="Job/once",
    ),
    "k8s_attach": Case(
        tiltfile="load('ext://k8s_attach', 'k8s_attach')\nlocal(['kubectl', 'apply', '-f', 'web.yaml'])\n"
        "k8s_attach('web', 'deployment/web')",
        files={"web.yaml": WEB},
        says=("web:deployment", "web is up"),
        down="Skipping delete",
    ),
    "file_sync_only": Case(
        tiltfile="load('ext://file_sync_only', 'file_sync_only')\n"
        "file_sync_only('busybox', 'web.yaml', deps=['page'], live_update=[sync('page', '/page')])",
        files={"web.yaml": WEB, "page/a": "a"},
        says=("web:deployment", "web is up"),
    ),
    "restart_process": Case(
        tiltfile="load('ext://restart_process', 'docker_build_with_restart')\nk8s_yaml('web.yaml')\n"
        "docker_build_with_restart('e2e/ext', '.', only=['page'], live_update=[sync('page', '/page')],\n"
        "  entrypoint=['sh', '-c', 'echo built web is up; exec sleep 1000'])",
        files={"web.yaml": BUILT, **SERVED},
        says=("built web is up",),
    ),
    "ko": Case(
        tiltfile="load('ext://ko', 'ko_build')\nk8s_yaml('web.yaml')\nko_build('e2e/ext', './cmd', deps=['page'])",
        files={"web.yaml": BUILT, **SERVED},
        tools={"ko": KO},
        needs=("docker", "bash"),
        says=("Building Custom Build: [e2e/ext]", "built web is up"),
    ),
    "pack": Case(
        tiltfile="load('ext://pack', 'pack')\nk8s_yaml('web.yaml')\npack('e2e/ext', deps=['page'])",
        files={"web.yaml": BUILT, **SERVED},
        tools={"pack": PACK},
        needs=("docker",),
        says=("Building Custom Build: [e2e/ext]", "built web is up"),
    ),
    "podman": Case(
        tiltfile="load('ext://podman', 'podman_build')\nk8s_yaml('web.yaml')\npodman_build('e2e/ext', '.')",
        files={"web.yaml": BUILT, **SERVED},
        tools={"podman": '#!/bin/sh\n[ "$1" = build ] && exec docker "$@"\n[ "$1" = push ] && exec docker push "$3"\n'},
        needs=("docker",),
        says=("+ podman build -t", "+ podman push --format=docker", "built web is up"),
    ),
    "git_resource": Case(
        tiltfile="os.putenv('TILT_GIT_RESOURCE_CHECKOUT_DIR', os.path.abspath('./checkouts'))\n"
        "load('ext://git_resource', 'git_checkout', 'deploy_from_dir')\n"
        "local('cd source && [ -d .git ] || (git init -q . && git add -A && "
        "git -c user.name=a -c user.email=a@b commit -qm a)')\n"
        "there = git_checkout(os.path.abspath('source'))\n"
        "deploy_from_dir('web', there, namespace=k8s_namespace())",
        files={f"source/{name}": text for name, text in SERVED.items()},
        needs=("git",),
        says=("web:deployment", "built web is up"),
        down="Deployment/web",
    ),
    "helm_resource": Case(
        tiltfile="load('ext://helm_resource', 'helm_resource')\nhelm_resource('colors', './chart', deps=['chart'])\n"
        "k8s_resource('colors', pod_readiness='ignore')",
        files={"chart/Chart.yaml": "apiVersion: v2\nname: c\nversion: 0.1.0\n", "chart/templates/c.yaml": CONFIG},
        needs=("helm", "kubectl"),
        says=("'upgrade', '--install', 'colors'", "colors:configmap"),
        down="uninstalled",
    ),
    "helm_remote": Case(
        tiltfile="os.putenv('TILT_HELM_REMOTE_CACHE_DIR', os.path.abspath('./cache'))\n"
        "load('ext://helm_remote', 'helm_remote')\n"
        "local('mkdir -p cache/c/latest && cp -r chart cache/c/latest/c')\n"
        "helm_remote('c', repo_name='c', repo_url='http://localhost:1')\nlocal_resource('a', 'true')",
        files={"chart/Chart.yaml": "apiVersion: v2\nname: c\nversion: 0.1.0\n", "chart/templates/c.yaml": CONFIG},
        tools={
            "helm": HELM,
        },
        says=("colors:configmap",),
    ),
    "cert_manager": Case(
        tiltfile="load('ext://cert_manager', 'deploy_cert_manager')\n"
        "deploy_cert_manager(load_to_kind=True)\nlocal_resource('a', 'cat calls')",
        tools=CERT_MANAGER_TOOLS,
        says=("apply -f https://github.com/cert-manager", "wait --for=condition=Ready"),
    ),
    "knative": Case(
        tiltfile="load('ext://knative', 'knative_install', 'knative_yaml')\nknative_install('v1.8.0')\n"
        "k8s_resource('knative-core', pod_readiness='ignore')\n"
        "local_resource('calls', 'cat calls', resource_deps=['knative-core'])",
        tools={"kubectl": KNATIVE_KUBECTL},
        needs=("kubectl",),
        says=("colors:configmap", "wait --for=condition=Established", "serving-core.yaml"),
        down="delete --ignore-not-found",
    ),
}


@pytest.fixture
def prepared(tilt_on_cluster, tmp_path: Path, namespace: str) -> Callable[[str, Case], Tilt]:
    """The command in a project that takes its extensions from the copy."""

    def make(name: str, case: Case) -> Tilt:
        missing = [tool for tool in case.needs if not shutil.which(tool)]
        if missing:
            pytest.skip(f"ext://{name} needs {', '.join(missing)}")
        tools = tmp_path / "tools"
        tools.mkdir()
        for tool, text in case.tools.items():
            fields = {"folder": tmp_path / "project", "namespace": namespace, "kubectl": shutil.which("kubectl")}
            (tools / tool).write_text(text.format(**fields) if tool == "kubectl" and "{kubectl}" in text else text)
            (tools / tool).chmod(0o755)
        inherited = Settings.from_environment().environ["PATH"]
        path = os.pathsep.join([str(tools), str(Path(sys.executable).parent), inherited])
        repository = f"v1alpha1.extension_repo(name='default', url='file://{COPY}')\n"
        files = {"Tiltfile": repository + case.tiltfile, **case.files}
        made: Tilt = tilt_on_cluster(files, environ={"PATH": path})
        return made

    return make


@pytest.mark.parametrize("name", CASES)
def test_an_extension_does_what_it_is_for(prepared: Callable[[str, Case], Tilt], name: str):
    case = CASES[name]
    tilt = prepared(name, case)
    said = tilt.ok("ci")
    assert [text for text in case.says if text not in said] == [], said
    assert "hush" not in said
    gone = tilt.ok("down", "--delete-namespaces")
    assert case.down in gone


class Edit(Value):
    """A change of a project, and what it brings about."""

    file: str
    present: str
    wanted: str
    says: str = ""
    """In the output of the session, once more than before."""
    config: str = ""
    """The ConfigMap that has the new text."""


EDITS = {
    "namespace": Edit(file="web.yaml", present="web is up", wanted="web is changed", says="web is changed"),
    "configmap": Edit(file="a.ini", present="b = 1", wanted="b = 2", config="files"),
    "helm_resource": Edit(file="chart/templates/c.yaml", present="blue", wanted="grey", config="colors"),
    "restart_process": Edit(file="page/index.html", present="hello", wanted="changed", says="built web is up"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_reaches_what_an_extension_has_deployed(
    prepared: Callable[[str, Case], Tilt], kubectl: Callable[..., str], namespace: str, name: str
):
    case, edit = CASES[name], EDITS[name]
    tilt = prepared(name, case)
    with tilt.up() as session:
        for text in case.says:
            session.says(text)
        before = session.output.count(edit.says)
        tilt.edit(edit.file, edit.present, edit.wanted)
        if edit.config:
            words = ("get", "configmap", edit.config, "-n", namespace, "-o", "yaml")
            session.until(lambda: edit.wanted in kubectl(*words), f"`{edit.wanted}` in the cluster")
        else:
            session.says(edit.says, times=before + 1)
    assert case.down in tilt.ok("down", "--delete-namespaces")


def test_uibutton_runs_its_command_with_what_is_given(prepared: Callable[[str, Case], Tilt]):
    tiltfile = (
        "load('ext://uibutton', 'cmd_button', 'location', 'text_input')\nlocal_resource('a', 'echo a is done')\n"
        "cmd_button('go', argv=['sh', '-c', 'echo hello $WHO'], location=location.NAV, text='Go', icon_name='star',\n"
        "  resource='a', inputs=[text_input('WHO')])"
    )
    tilt = prepared("uibutton", Case(tiltfile=tiltfile, says=()))
    with tilt.up() as session:
        session.says("a is done")
        click = (
            f'{{"status": {{"lastClickedAt": "{now()}", "inputs": [{{"name": "WHO", "text": {{"value": "Ann"}}}}]}}}}'
        )
        tilt.ok("patch", "uibutton", "go", "--subresource", "status", "-p", click)
        session.says("hello Ann")
        tilt.edit("Tiltfile", "echo hello", "echo bye to")
        session.says("Successfully loaded Tiltfile", times=2)
        later = '{"status": {"lastClickedAt": "2099-01-01T00:00:00.000000Z"}}'
        tilt.ok("patch", "uibutton", "go", "--subresource", "status", "-p", later)
        session.says("bye to")
    tilt.ok("down")


def test_cancel_ends_a_command_by_its_button(prepared: Callable[[str, Case], Tilt]):
    tilt = prepared(
        "cancel",
        Case(tiltfile="include('ext://cancel')\nlocal_resource('long', 'sleep 1000')", says=(), needs=("jq", "bash")),
    )
    with tilt.up() as session:
        session.says("cmd.tilt.dev/long:update:cancel created")
        session.until(lambda: tilt.run("get", "uibutton", "long:update:cancel").code == 0, "the button")
        tilt.ok(
            "patch",
            "uibutton",
            "long:update:cancel",
            "--subresource",
            "status",
            "-p",
            f'{{"status": {{"lastClickedAt": "{now()}"}}}}',
        )
        assert "signal" in session.fails("long")
