import asyncio
import contextlib
import json
import threading

import pytest

from tests.end_to_end.texts import SLEEPING

FILES = {"Tiltfile": "k8s_yaml('pod.yaml')\nlocal_resource('neighbour', cmd='echo hello')", "pod.yaml": SLEEPING}


@pytest.fixture
def config(kubectl):
    """The kubeconfig of the test cluster, to be changed."""
    return json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))


@pytest.fixture
def tilt(tilt_on_cluster, config, tmp_path):
    """The command with a kubeconfig of its own."""
    tilt = tilt_on_cluster(FILES, environ={"KUBECONFIG": str(tmp_path / "kubeconfig")})
    tilt.project.write("../kubeconfig", json.dumps(config))
    return tilt


def test_another_current_context_changes_nothing_for_a_running_session(tilt, config):
    with tilt.up() as session:
        session.settles("web")
        uid = session.pods("web")[0]["uid"]
        config["contexts"].append({"name": "other", "context": {"cluster": "nowhere", "user": "nobody"}})
        config["current-context"] = "other"
        tilt.save("../kubeconfig", json.dumps(config))
        tilt.edit("pod.yaml", "metadata: {name: web}", "metadata: {name: web, labels: {changed: yes-it-is}}")
        session.until(lambda: session.counts()["web"] == 2, "the update")
        session.settles("web")
        assert session.pods("web")[0]["uid"] == uid
        assert ["changed", "yes-it-is"] in session.pods("web")[0]["labels"]


def test_a_context_that_may_be_production_is_refused(tilt, config):
    config["contexts"][0]["name"] = config["current-context"] = "prod"
    config["contexts"][0]["context"]["cluster"] = config["clusters"][0]["name"] = "prod"
    tilt.save("../kubeconfig", json.dumps(config))
    ended = tilt.run("ci")
    assert ended.code == 1
    wording = (
        "Stop! prod might be production.\n"
        "If you're sure you want to deploy there, add:\n"
        "\tallow_k8s_contexts('prod')\n"
        "to your Tiltfile. Otherwise, switch k8s contexts and restart Tilt."
    )
    assert wording in ended.output
    tilt.edit("Tiltfile", "k8s_yaml(", "allow_k8s_contexts('prod')\nk8s_yaml(")
    tilt.ok("ci")


def test_credentials_that_are_not_accepted_are_named_and_only_the_cluster_suffers(tilt, config):
    config["users"][0]["user"] = {"token": "expired"}
    tilt.save("../kubeconfig", json.dumps(config))
    with tilt.up() as session:
        error = session.says("does not accept the credentials of the user")
        assert "hint: log in" in session.says("hint: ", times=error.count("hint: "))
        session.settles("neighbour")
        assert session.rows()["web"]["waiting"]["reason"] == "waiting-for-cluster"
    assert tilt.run("ci").code == 1


def test_a_cluster_that_did_not_answer_is_used_as_soon_as_it_does(tilt, config, new_port):
    server, port = config["clusters"][0]["cluster"]["server"], new_port()
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
    tilt.save("../kubeconfig", json.dumps(config))
    with tilt.up() as session:
        session.says(f"does not answer at https://127.0.0.1:{port}")
        session.settles("neighbour")
        with proxied(port, server.rpartition("//")[2]):
            session.settles("web", "neighbour")
            session.stop()


@contextlib.contextmanager
def proxied(port, target):
    """Carry connections from a port of this machine to a `host:port`."""
    host, _, number = target.partition(":")
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def carry(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connect(reader, writer):
        there, to = await asyncio.open_connection(host, int(number))
        async with asyncio.TaskGroup() as group:
            group.create_task(carry(reader, to))
            group.create_task(carry(there, writer))

    async def serve(end):
        async with await asyncio.start_server(connect, "127.0.0.1", port):
            ready.set()
            await end.wait()

    end = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=[serve(end)])
    thread.start()
    try:
        ready.wait()
        yield
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
        loop.close()
