"""What goes straight from this machine into pods, where it has a route to these: live updates, port forwards."""

import json
import os
import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from pytilt.host.ports import is_free
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


def holds(process, port):
    """Does a process of this machine have a connection that came in by a port?"""
    ends = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{end[9]}]" for end in ends if end[1].endswith(f":{port:04X}") and end[3] == "01"}
    found = set()
    for place in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):
            found.add(str(place.readlink()))
    return bool(sockets & found)


def echoed(port, content):
    """What comes back for content and its end, while the other side takes it and sends it back."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:

        def send():
            client.sendall(content)
            client.shutdown(socket.SHUT_WR)

        sending = threading.Thread(target=send)
        sending.start()
        received = bytearray()
        with suppress(ConnectionResetError):
            while piece := client.recv(1 << 20):
                received += piece
        sending.join()
    return bytes(received)


def test_a_forward_goes_straight_into_the_pod_and_through_the_cluster_where_that_is_cut(tilt_on_cluster, new_port):
    port = new_port()
    tilt = tilt_on_cluster(
        {
            **FILES,
            "Dockerfile": """
                FROM busybox
                ADD page /page
                ENTRYPOINT ["sh", "-c", "nc -ll -p 9000 -e cat || exec nc -lk -p 9000 -e cat"]
                """,
            "Tiltfile": f"""
                docker_build('e2e/web', '.', only=['page'], live_update=[sync('page', '/page')])
                k8s_yaml('web.yaml')
                k8s_resource('web', port_forwards='{port}:9000')
                """,
        }
    )

    def connected():
        client = socket.create_connection(("127.0.0.1", port), timeout=20)
        client.sendall(b"ping")
        assert client.recv(4) == b"ping"
        return client

    def is_direct():
        helper = helper_of(session)
        with connected():
            return helper is not None and holds(helper, port)

    with tilt.up() as session:
        session.settles("web")
        if not has_own_route(session.pods("web")[0]["ip"]):
            pytest.skip("this machine has no route to the pods")
        session.until(lambda: echoed(port, b"first") == b"first", "an answer through the cluster")
        session.until(is_direct, "a connection that is carried directly")
        content = os.urandom(50 << 20)
        assert echoed(port, content) == content
        with connected() as client:
            assert holds(helper_of(session), port)
            os.kill(helper_of(session), signal.SIGKILL)
            with suppress(ConnectionResetError):
                assert client.recv(1) == b""
        assert echoed(port, b"meanwhile") == b"meanwhile"
        session.until(is_direct, "another connection that is carried directly")
        assert echoed(port, b"again") == b"again"
        os.kill(helper_of(session), signal.SIGSTOP)
        assert echoed(port, b"stopped") == b"stopped"
        session.until(is_direct, "one carried by the next helper")
        session.kill()
        session.until(lambda: is_free(port, "127.0.0.1"), "the end of the helper, which accepts at the port")
