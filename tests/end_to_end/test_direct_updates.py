"""Live updates that go straight from this machine to the pods, where it has a route to these."""

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from pytilt.host.routes import has_own_route
from tests.end_to_end.sessions import is_running, served
from tests.end_to_end.texts import DEPLOYMENT

FILES = {
    "web.yaml": DEPLOYMENT,
    "Dockerfile": """
        FROM busybox
        ADD page /page
        ENTRYPOINT ["busybox", "httpd", "-f", "-p", "8000", "-h", "/page"]
        """,
    "page/index.html": "first\n",
}


def helper_of(session):
    """The process that sends straight to the pods, a child of the session."""
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (place / "cmdline").read_bytes().split(b"\0")
            parent = (place / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == session.process.pid and words[1:2] == [b"relay"]:
                return int(place.name)
    return None


def test_on_a_cluster_a_save_goes_straight_to_the_pod_and_through_the_stream_where_that_is_cut(
    tilt_on_cluster, new_port
):
    is_cut_and_heals(tilt_on_cluster, new_port())


def test_on_an_engine_a_save_goes_straight_to_the_pod_and_through_the_stream_where_that_is_cut(
    tilt_on_engine, new_port
):
    is_cut_and_heals(tilt_on_engine, new_port())


def is_cut_and_heals(in_folder, port):
    tiltfile = f"""
        docker_build('e2e/web', '.', only=['page'], live_update=[sync('page', '/page')])
        k8s_yaml('web.yaml')
        k8s_resource('web', port_forwards='{port}:8000')
        """
    tilt = in_folder({**FILES, "Tiltfile": tiltfile})

    def reach():
        found = json.loads(tilt.ok("get", "liveupdates.pytilt.dev", "web", "-o", "json"))
        return [each.get("reach") for each in found["status"]["containers"]]

    def saved(text):
        tilt.save("page/index.html", text)
        session.until(lambda: served(port) == text, "the new page")

    with tilt.up() as session:
        session.settles("web")
        if not has_own_route(session.pods("web")[0]["ip"]):
            pytest.skip("this machine has no route to the pods")
        session.until(lambda: reach() == ["direct"], "the connection to the pod")
        helper = helper_of(session)
        saved("second\n")
        os.kill(helper, signal.SIGKILL)
        saved("third\n")
        session.until(lambda: reach() == ["direct"] and helper_of(session) not in (None, helper), "another connection")
        saved("fourth\n")
        session.settles("web")
        assert session.strategies("web") == ["full", "live", "live", "live"]
        steps = [step["name"] for step in session.updates("web")[-1]["steps"]]
        assert steps[-2:] == ["send", "acknowledge"]
        helper = helper_of(session)
        session.kill()
        session.until(lambda: not is_running(helper), "the end of the helper")
