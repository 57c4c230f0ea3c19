import http.server
import json
import threading
from contextlib import contextmanager

import pytest

from tests.end_to_end import texts
from tests.end_to_end.sessions import served

NEIGHBOUR = "local_resource('neighbour', cmd='cat word', deps=['word'])"
CONTAINER = '{name: main, image: IMAGE, imagePullPolicy: IfNotPresent, command: [busybox, httpd, -f, -p, "8000"]}'


def alone(*lines):
    """A project with a neighbour that must go on whatever happens."""
    return {"Tiltfile": "\n".join((*lines, NEIGHBOUR)), "word": "first\n"}


def pod(image="busybox", *lines):
    """A project with a pod and that neighbour."""
    return alone(*lines, "k8s_yaml('pod.yaml')") | {"pod.yaml": pod_text(image)}


def pod_text(image, name="web"):
    """A Pod that serves by what the image has."""
    return texts.pod(CONTAINER.replace("IMAGE", image), name)


def neighbour_goes_on(tilt, session):
    """A change of the neighbour's file is still taken."""
    before = session.counts()["neighbour"]
    tilt.save("word", f"after {before}\n")
    session.until(lambda: session.counts()["neighbour"] > before, "the neighbour's update")


@pytest.mark.parametrize(
    ("mistake", "place", "words", "hint"),
    [
        ("x = = 1", "Tiltfile:1:5", "got '='", ""),
        ("lokal_resource('x', cmd='true')", "Tiltfile:1:1", "undefined: lokal_resource", "local_resource"),
        ("docker_build('x', '.')", "Tiltfile:1:13", "Dockerfile: no such file", ""),
        ("k8s_yaml('bad.yaml')", "bad.yaml:2:1", "not YAML", "hint: "),
        ("k8s_resource('nobody')", "", '"nobody"', ""),
        ("local_resource('x', cmd='true', ddeps=['y'])", "Tiltfile:1:15", "ddeps", "did you mean deps?"),
    ],
)
def test_a_mistake_in_a_tiltfile_is_shown_with_its_place_and_heals_when_mended(tilt_alone, mistake, place, words, hint):
    tilt = tilt_alone(alone() | {"bad.yaml": "kind: [\n"})
    good = (tilt.project.root / "Tiltfile").read_text()
    with tilt.up() as session:
        session.settles("neighbour")
        tilt.save("Tiltfile", f"{mistake}\n{good}")
        error = session.fails("(Tiltfile)")
        assert place in error
        assert words in error
        assert hint in error
        assert len(error.splitlines()) < 12
        session.says(error.splitlines()[-1])
        neighbour_goes_on(tilt, session)
        tilt.save("Tiltfile", good)
        session.settles("(Tiltfile)", "neighbour")


def test_a_session_may_begin_with_a_mistake(tilt_alone):
    tilt = tilt_alone({"Tiltfile": "x = = 1"})
    with tilt.up() as session:
        assert "Tiltfile:1:5" in session.fails("(Tiltfile)")
        tilt.save("Tiltfile", "local_resource('a', cmd='true')")
        session.settles("(Tiltfile)", "a")


def test_a_tiltfile_that_is_no_text_is_refused(tilt_alone):
    tilt = tilt_alone(alone())
    with tilt.up() as session:
        session.settles("neighbour")
        (tilt.project.root / "Tiltfile").write_bytes(b"\xff\xfe")
        assert "Tiltfile:1:1" in session.fails("(Tiltfile)")
        assert "(Tiltfile)" in tilt.ok("get", "tiltfiles")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (alone("fail('stop here')"), "Error in fail: stop here"),
        (pod(), "does not answer at https://127.0.0.1:1"),
    ],
)
def test_what_keeps_down_from_its_work_is_reported(tilt_alone, files, words):
    cluster = {"name": "kind-gone", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "kind-gone", "context": {"cluster": "kind-gone", "user": ""}}
    tilt = tilt_alone(files)
    kubeconfig = {"clusters": [cluster], "contexts": [context], "current-context": "kind-gone"}
    tilt.project.write("../kubeconfig", json.dumps(kubeconfig))
    ended = tilt.run("down")
    assert ended.code == 1
    assert words in ended.output


def test_an_address_on_which_nobody_can_listen_is_named(tilt_alone):
    tilt = tilt_alone(alone(), environ={"TILT_HOST": "256.1.1.1"})
    ended = tilt.run("ci")
    assert ended.code == 1
    assert "Error: Tilt cannot listen on 256.1.1.1:" in ended.output


def test_a_missing_dockerfile_heals_when_it_is_there(tilt_on_cluster):
    tilt = tilt_on_cluster(pod("e2e/late", "docker_build('e2e/late', '.', only=['x'])"))
    with tilt.up() as session:
        error = session.fails("(Tiltfile)")
        assert str(tilt.project.root / "Dockerfile") in error
        tilt.save("Dockerfile", "FROM busybox\n")
        session.settles("web", "neighbour")


def test_a_step_that_fails_turns_its_resource_red_alone_and_heals_when_mended(tilt_on_cluster):
    files = pod("e2e/step", "docker_build('e2e/step', '.', only=['x'])")
    tilt = tilt_on_cluster(files | {"Dockerfile": "FROM busybox\nRUN echo because; false\n"})
    with tilt.up() as session:
        error = session.fails("web")
        assert "RUN echo because; false" in error
        assert "because" in error.splitlines()
        assert "hint: " in error
        session.settles("neighbour")
        neighbour_goes_on(tilt, session)
        tilt.save("Dockerfile", "FROM busybox\n")
        session.settles("web", "neighbour")


def test_without_a_container_engine_what_has_an_image_is_red_alone(tilt_on_cluster):
    files = pod("e2e/step", "docker_build('e2e/step', '.', only=['x'])") | {"Dockerfile": "FROM busybox\n"}
    with tilt_on_cluster(files, environ={"DOCKER_HOST": "unix:///nowhere"}).up() as session:
        error = session.fails("web")
        assert "the container engine at `unix:///nowhere` (from `DOCKER_HOST`) does not answer" in error
        assert "hint: start it" in error
        session.settles("(Tiltfile)", "neighbour")


def test_an_image_that_nothing_uses_is_a_warning_with_the_name_that_was_meant(tilt_on_cluster):
    files = pod("busybox", "docker_build('bussybox', '.', only=['x'])") | {"Dockerfile": "FROM busybox\n"}
    with tilt_on_cluster(files).up() as session:
        warning = session.says("WARNING: Image not used in any Kubernetes config:")
        assert "✕ bussybox" in warning
        assert session.says("Did you mean…\n").splitlines()[1].strip() == "- busybox"
        session.settles("web", "neighbour")


@contextmanager
def listening(port):
    """A server that has the port until the end of the block."""
    server = http.server.HTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_forward_whose_port_is_taken_says_by_whom_and_works_once_it_is_free(tilt_on_cluster, new_port):
    port = new_port()
    tilt = tilt_on_cluster(pod("busybox") | {"index.html": ""})
    tilt.edit("Tiltfile", NEIGHBOUR, f"k8s_resource('web', port_forwards='{port}:8000')\n{NEIGHBOUR}")
    with tilt.up() as session:
        with listening(port):
            session.says(f"cannot listen on localhost:{port}: it is taken by ")
            session.settles("web", "neighbour")
        session.until(lambda: "404" in served(port), "an answer through the forward")


def test_a_session_whose_port_is_taken_says_by_whom(tilt_alone):
    tilt = tilt_alone(alone())
    with tilt.up() as session:
        session.settles("neighbour")
        second = tilt.run("up", "--stream")
        assert second.code == 1
        port = tilt.environ["TILT_PORT"]
        assert f"Error: Tilt cannot start because you already have another process on port {port}: " in second.output
        assert f"(process {session.process.pid})" in second.output
        assert "hint: " in second.output
        assert session.is_settled("neighbour")


def test_without_an_engine_only_what_has_an_image_fails(tilt_on_cluster):
    files = pod("busybox", "docker_build('e2e/image', '.')", "k8s_yaml('other.yaml')")
    files["other.yaml"] = pod_text("e2e/image", "other")
    tilt = tilt_on_cluster(
        files | {"Dockerfile": "FROM busybox\n"}, environ={"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    )
    with tilt.up() as session:
        error = session.fails("other")
        assert "unix:///nonexistent/docker.sock" in error
        assert "hint: " in error
        session.settles("web", "neighbour")


def test_a_resource_that_is_not_there_is_refused_with_those_that_are(tilt_alone):
    ended = tilt_alone(alone()).run("ci", "neighbor")
    assert ended.code == 1
    assert 'You specified some resources that could not be found: "neighbor"' in ended.output
    assert 'Is this a typo? Existing resources in Tiltfile: "neighbour"' in ended.output


def test_a_command_that_changes_what_it_depends_on_is_run_no_more_than_is_useful(tilt_alone):
    project = alone(
        "local_resource('same', 'echo same > same.out', deps=['src', 'same.out'])",
        "local_resource('stamp', 'date +%N > stamp.out', deps=['src', 'stamp.out'])",
        "local_resource('objects', 'rm -rf o/obj; mkdir -p o/obj', deps=['o', 'src'], ignore=['**/obj/**'])",
    )
    tilt = tilt_alone(project | {"src/a": "a\n", "o/x": "x\n"})
    with tilt.up() as session:
        session.says("Paused: each run changes `stamp.out`")
        neighbour_goes_on(tilt, session)
        before = session.counts()
        assert before["stamp"] <= 6
        assert before["same"] <= 2
        assert before["objects"] <= 3
        tilt.save("src/a", "b\n")
        names = ("same", "stamp", "objects")
        session.until(lambda: all(session.counts()[name] > before[name] for name in names), "a run of each")
        neighbour_goes_on(tilt, session)
        assert [session.counts()[name] - before[name] for name in names] == [1, 1, 1]
