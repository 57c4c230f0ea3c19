"""The same projects without any cluster: on the container engine of this machine."""

import pytest

from tests.end_to_end.engine_side import EngineSide
from tests.end_to_end.sessions import served


@pytest.fixture
def side(engine_host, tmp_path):
    return EngineSide(engine_host, str(tmp_path / "project"))


def test_the_smallest_example_runs_without_a_cluster_and_leaves_nothing(tilt_on_engine, new_port, side):
    tilt, port = tilt_on_engine(example="oneup"), new_port()
    tilt.edit("Tiltfile", "8100", str(port))
    assert "SUCCESS. All workloads are healthy." in tilt.ok("ci")
    with tilt.up() as session:
        session.settles("oneup")
        container = session.container("oneup")
        tilt.edit("web/index.html", "</", "!</")
        session.until(lambda: "!</" in served(port), "the new page")
        assert session.container("oneup") == container
        session.says("Using the built-in context `engine`")
    said = tilt.ok("down")
    assert "Deleting via kubectl: Deployment/oneup\n" in said
    assert side.left() == []


def test_the_shop_runs_without_a_cluster_and_a_second_session_restarts_nothing(tilt_on_engine, new_port, side):
    tilt, port = tilt_on_engine(example="shop"), new_port()
    tilt.edit("Tiltfile", "8200:", f"{port}:")
    names = ("catalog", "cart", "web", "settings", "lint")
    with tilt.up() as session:
        session.settles(*names)
        page = served(port, "/cgi-bin/index.cgi")
        assert "mushroom" in page
        assert "does not answer" not in page
        before = {name: session.container(name) for name in ("catalog", "cart", "web")}
    with tilt.up() as session:
        session.settles(*names)
        assert {name: session.container(name) for name in before} == before
    tilt.ok("down")
    assert side.left() == []


def test_a_project_of_processes_needs_no_engine(tilt_alone, new_port):
    tilt, port = tilt_alone(example="local"), new_port()
    tilt.edit("Tiltfile", "8300", str(port))
    assert "SUCCESS. All workloads are healthy." in tilt.ok("ci")


def test_an_object_that_needs_a_cluster_turns_its_resource_red_and_the_rest_runs(tilt_on_engine, new_port):
    tilt, port = tilt_on_engine(example="oneup"), new_port()
    tilt.edit("Tiltfile", "8100", str(port))
    tilt.edit("Tiltfile", "k8s_yaml(", "k8s_yaml('widget.yaml')\nk8s_yaml(")
    tilt.save("widget.yaml", "apiVersion: example.com/v1\nkind: Widget\nmetadata:\n  name: cog\n")
    with tilt.up() as session:
        session.settles("oneup")
        session.says("needs a Kubernetes cluster")
        assert session.rows()["uncategorized"]["updateStatus"] == "error"
