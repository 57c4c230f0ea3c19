import base64
import json
import shutil

import pytest

from pytilt.settings import Settings
from pytilt.testing.project import Project
from tests.end_to_end.sessions import EXAMPLES, Tilt, served


@pytest.fixture
def own(namespace, kubectl):
    """The name of a namespace that the project declares itself."""
    name = f"{namespace}-own"
    yield name
    kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")


@pytest.fixture
def oneup(tilt_on_cluster, own, new_port):
    """The command in the example, and the port of its forward."""
    tilt, port = tilt_on_cluster(example="oneup"), new_port()
    tilt.edit("Tiltfile", "8100", str(port))
    tilt.edit("oneup.yaml", "tilt-integration", own)
    return tilt, port


def test_the_smallest_example_is_built_deployed_changed_and_removed(oneup, kubectl, own):
    tilt, port = oneup
    assert "SUCCESS. All workloads are healthy." in tilt.ok("ci")
    with tilt.up() as session:
        session.settles("oneup")
        container = session.container("oneup")
        tilt.edit("web/index.html", "</", "!</")
        session.until(lambda: "!</" in served(port), "the new page")
        session.settles("oneup")
        assert session.container("oneup") == container
        tilt.edit("Dockerfile", "ADD web /web", "ADD web /web\nENV CHANGED=yes")
        session.until(lambda: session.strategies("oneup")[-1] == "full" and session.is_settled("oneup"), "a build")
        assert session.container("oneup")[0] not in ("", container[0])
        session.until(lambda: "!</" in served(port), "the page of the build")
    assert "oneup" in kubectl("get", "deployments", "-n", own)
    said = tilt.ok("down")
    assert "Deleting via kubectl: Deployment/oneup\n" in said
    assert f"Deleting via kubectl: Namespace/{own}\n" in said
    assert is_going(kubectl, own)


def test_a_declared_namespace_stays_while_something_else_is_in_it(oneup, kubectl, own):
    tilt, _ = oneup
    tilt.ok("ci")
    kubectl("create", "configmap", "foreign", "-n", own)
    said = tilt.ok("down")
    assert "Deleting via kubectl: Deployment/oneup\n" in said
    assert f"Not deleting namespaces: {own} (it has ConfigMap/foreign)\n" in said
    assert "Run with --delete-namespaces to delete namespaces as well.\n" in said
    assert not is_going(kubectl, own)
    tilt.ok("down", "--delete-namespaces")
    assert is_going(kubectl, own)


def is_going(kubectl, namespace):
    found = kubectl("get", "namespace", namespace, "--ignore-not-found", "-o", "jsonpath={.status.phase}")
    return found in ("", "Terminating")


def test_the_shop_is_healthy_in_one_round(tilt_on_cluster):
    assert "SUCCESS. All workloads are healthy." in tilt_on_cluster(example="shop").ok("ci")


def test_processes_of_this_machine_need_neither_cluster_nor_engine(tilt_alone, new_port):
    tilt, port = tilt_alone(example="local"), str(new_port())
    tilt.edit("Tiltfile", "8300", port)
    said = tilt.ok("ci")
    assert "made a page of 3 words" in said
    assert "SUCCESS. All workloads are healthy." in said


def give_login(folder, registry):
    """Log this machine in, as `docker login` does."""
    (folder / "docker").mkdir(exist_ok=True)
    auth = base64.b64encode(f"{registry.username}:{registry.password}".encode()).decode()
    (folder / "docker/config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))


@pytest.fixture
def remote(remote_settings, namespace, private_registry, tmp_path, new_port):
    """The command in the example `remote`, for a registry behind a login to which this machine is logged in."""
    shutil.copytree(EXAMPLES / "remote", tmp_path / "project")
    give_login(tmp_path, private_registry)
    environ = {
        "REMOTE_CONTEXT": "remote",
        "REMOTE_REGISTRY": f"{private_registry.host}/team",
        "TILT_DEV_DIR": str(tmp_path / "tilt-dev"),
        "TILT_PORT": str(new_port()),
    }
    settings = Settings.from_environment({**remote_settings.environ, **environ})
    return Tilt(Project(tmp_path / "project", {}), settings.environ, namespace)


def log_in(kubectl, namespace, registry):
    words = ["create", "secret", "docker-registry", "registry-login", "-n", namespace]
    server = f"--docker-server={registry.host}"
    kubectl(*words, server, f"--docker-username={registry.username}", f"--docker-password={registry.password}")


def test_a_cluster_elsewhere_pulls_from_a_registry_behind_a_login(remote, kubectl, namespace, private_registry):
    log_in(kubectl, namespace, private_registry)
    said = remote.ok("ci")
    image = kubectl("get", "pods", "-n", namespace, "-o", "jsonpath={.items[0].spec.containers[0].image}")
    assert image.startswith(f"{private_registry.host}/team/fra.ocir.io_mytenancy_demo_hello:tilt-")
    assert "Successfully pulled image" in said


def test_a_cluster_that_may_not_pull_fails_with_the_reason_of_the_registry(remote, private_registry):
    remote.edit("web/index.html", "</", "!</")  # an image that the node has not pulled for another test
    ended = remote.run("ci")
    assert ended.code == 1
    last = next(line for line in ended.output.splitlines() if line.startswith("Error: "))
    assert last.startswith("Error: hello: pod hello-")
    assert f"pulling from host {private_registry.host} failed" in last
    assert "401 Unauthorized" in last


def test_a_registry_without_login_refuses_the_push_until_somebody_logs_in(
    remote, kubectl, namespace, private_registry, new_port, tmp_path
):
    log_in(kubectl, namespace, private_registry)
    (tmp_path / "docker/config.json").unlink()
    remote.edit("Tiltfile", "8400:", f"{new_port()}:")
    with remote.up() as session:
        assert f"docker login {private_registry.host}" in session.fails("hello")
        give_login(tmp_path, private_registry)
        remote.ok("trigger", "hello")
        session.settles("hello")
