"""The engine ends under a running session, and is back."""

import json
import signal

import pytest

from tests.end_to_end.docker_daemon import docker_daemon, obstacle
from tests.end_to_end.engine_side import EngineSide
from tests.end_to_end.sessions import served
from tests.end_to_end.texts import READY_AT_8080, deployment, service

FRONT = r"""
mkdir -p /www/cgi-bin && cd /www/cgi-bin
printf '#!/bin/sh\necho; wget -q -O- http://web/' > ask
chmod +x ask
trap exit TERM
httpd -f -p 8080 -h /www &
while :; do
  wget -q -O /dev/null http://$WEB_SERVICE_HOST/ && echo answered || echo left alone
  sleep 0.01
done
"""
PROJECT = {
    "Tiltfile": """
        docker_build("page", ".", only=["www"], live_update=[sync("www", "/www")])
        k8s_yaml("app.yaml")
        k8s_resource("front", port_forwards="PORT:8080", resource_deps=["web"])
        """,
    "Dockerfile": """
        FROM busybox
        COPY www /www
        STOPSIGNAL KILL
        CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
        """,
    "www/index.html": "first",
    "app.yaml": service("web")
    + deployment(f"{{name: web, image: page, {READY_AT_8080}}}")
    + "---\n"
    + deployment(f"{{name: front, image: busybox, command: [sh, -c, {json.dumps(FRONT)}]}}", name="front"),
}


def asked(port):
    """What the first deployment serves, by way of the second."""
    return served(port, "/cgi-bin/ask")


@pytest.fixture
def daemon(request, engine_host):
    if why := obstacle():
        pytest.skip(why)
    with docker_daemon(engine_host, "busybox", live_restore=getattr(request, "param", False)) as running:
        yield running


@pytest.fixture
def tilt(daemon, tilt_on_engine, port):
    files = {**PROJECT, "Tiltfile": PROJECT["Tiltfile"].replace("PORT", str(port))}
    return tilt_on_engine(files, environ={"DOCKER_HOST": daemon.host})


@pytest.fixture
def port(new_port):
    return new_port()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_engine_that_ended_is_missed_and_what_ran_on_it_is_back_when_it_is(number, daemon, tilt, port):
    with tilt.up() as session:
        session.settles("web", "front")
        session.until(lambda: asked(port) == "first", "the first page")
        tilt.save("www/index.html", "second")
        session.until(lambda: asked(port) == "second", "the second page")
        session.settles("web", "front")
        daemon.end(number)
        session.until(lambda: not any(session.is_settled(name) for name in ("web", "front")), "both to be missed")
        daemon.start()
        session.settles("web", "front")
        session.until(lambda: asked(port) == "second", "the second page again")
        restarts = [pod["containers"][0]["restarts"] for name in ("web", "front") for pod in session.pods(name)]
        assert len(restarts) == 2
        assert all(restarts), "both were started again, on a busy machine more than once"
        tilt.save("www/index.html", "third")
        session.until(lambda: asked(port) == "third", "the third page")
        assert set(session.strategies("web")[1:]) == {"live"}
    tilt.ok("down")
    assert EngineSide(daemon.host, str(tilt.project.root)).left() == []


@pytest.mark.parametrize("daemon", [True], indirect=True, ids=["live-restore"])
def test_an_engine_that_is_started_anew_beside_its_containers_finds_them_serving(daemon, tilt):
    with tilt.up() as session:
        session.settles("web", "front")
        before = session.container("web"), session.container("front")
        session.says("answered")
        daemon.end()
        session.until(lambda: not session.is_settled("web"), "it to be missed")
        assert "does not answer" in session.pods("web")[0]["message"]
        daemon.start()
        session.settles("web", "front")
        assert (session.container("web"), session.container("front")) == before
        session.says("answered", times=session.output.count("answered") + 3)
        assert "left alone" not in session.output
