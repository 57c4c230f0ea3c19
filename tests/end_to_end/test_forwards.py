import asyncio
import contextlib
import subprocess
import threading
import time
from pathlib import Path

import msgspec

from tests.end_to_end.forward_clients import PATIENCE_SECONDS, Ports, clients, open_download
from tests.end_to_end.sessions import served, until
from tests.end_to_end.texts import deployment

PAGE = "mkdir /w; echo hello >/w/index.html"
SOAK = f"{PAGE}; truncate -s 400M /w/big; nc -lk -p 8001 -e sleep 1000 & httpd -f -p 8000 -h /w"
LATE = f"{PAGE}; while [ ! -e /go ]; do sleep 0.1; done; exec httpd -f -p 8000 -h /w"
MEMORY_MIB = 200
"""Far more than the session needs, far less than what five readers of 400 MB leave in it without back-pressure."""


def project(script, ports):
    """A pod that runs a script, behind these forwards."""
    forwards = ", ".join(f"'{local}:{remote}'" for local, remote in ports.items())
    return {
        "Tiltfile": f"k8s_yaml('app.yaml')\nk8s_resource('web', port_forwards=[{forwards}])\n",
        "app.yaml": deployment(
            f'{{name: main, image: busybox, command: [sh, -c, "{script}"], ports: [{{containerPort: 8000}}]}}'
        ),
    }


def peak_memory(pid):
    """The most that a process ever had resident, in MiB."""
    line = next(each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


@contextlib.contextmanager
def kubectl_port_forward(settings, namespace, ports):
    """`kubectl port-forward` as people run it: in a loop, since it ends after an error."""
    pairs = " ".join(f"{local}:{remote}" for local, remote in ports.items())
    loop = f"while :; do kubectl -n {namespace} port-forward deployment/web {pairs}; done"
    process = subprocess.Popen(
        ["sh", "-c", loop],
        env=settings.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        subprocess.run(["kill", "-KILL", "--", f"-{process.pid}"], check=True)
        process.wait()


async def both(first, second):
    """What becomes of the clients of two forwards at the same time."""
    return await asyncio.gather(clients(first), clients(second))


def test_clients_of_every_kind_fare_no_worse_than_with_kubectl(tilt_on_cluster, cluster_settings, namespace, new_port):
    own = Ports(web=new_port(), closed=new_port(), silent=new_port())
    other = Ports(web=new_port(), closed=new_port(), silent=new_port())
    remote = {"web": 8000, "closed": 9999, "silent": 8001}
    tilt = tilt_on_cluster(project(SOAK, {getattr(own, name): port for name, port in remote.items()}))
    with tilt.up() as session:
        session.settles("web")
        session.until(lambda: served(own.web) == "hello\n", "an answer through the forward")
        pairs = {getattr(other, name): port for name, port in remote.items()}
        with kubectl_port_forward(cluster_settings, namespace, pairs):
            until(lambda: served(other.web) == "hello\n", "an answer through kubectl")
            report, reference = map(msgspec.structs.asdict, asyncio.run(both(own, other)))
        memory = peak_memory(session.process.pid)
    worse = {name: (report[name], reference[name]) for name in report if report[name] < reference[name]}
    assert worse == {}
    assert report == {
        "answered": 200,
        "refused": 20,
        "beside_refused": True,
        "half_closed": 20,
        "beside_slow": True,
        "beside_silent": True,
        "beside_reset": True,
        "silent": 10,
    }
    assert memory < MEMORY_MIB


def test_downloads_from_a_deleted_pod_end_and_the_next_request_goes_to_the_new_one(
    tilt_on_cluster, kubectl, namespace, new_port
):
    port = new_port()
    tilt = tilt_on_cluster(project(SOAK, {port: 8000}))
    with tilt.up() as session:
        session.settles("web")
        session.until(lambda: served(port) == "hello\n", "an answer through the forward")
        ended = []

        def read(client):
            with client, contextlib.suppress(OSError):
                while client.recv(16384):
                    time.sleep(0.05)
            ended.append(time.monotonic())

        readers = [threading.Thread(target=read, args=(open_download(port),)) for _ in range(50)]
        for reader in readers:
            reader.start()
        kubectl("delete", "pod", "-n", namespace, "-l", "app=web")
        deleted = time.monotonic()
        for reader in readers:
            reader.join(PATIENCE_SECONDS)
        assert len(ended) == len(readers)
        assert max(ended) - deleted < 10
        session.until(lambda: served(port) == "hello\n", "an answer of the new pod")


def test_a_forward_that_was_refused_often_serves_once_the_program_listens(
    tilt_on_cluster, kubectl, namespace, new_port
):
    port = new_port()
    tilt = tilt_on_cluster(project(LATE, {port: 8000}))
    with tilt.up() as session:
        session.settles("web")
        for _ in range(4):
            threads = [threading.Thread(target=served, args=(port,)) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        broken = session.rows()["web"]["endpointErrors"]
        assert [each["error"].partition(" of pod")[0] for each in broken] == ["nothing listens at port 8000"]
        kubectl("exec", "-n", namespace, "deployment/web", "--", "touch", "/go")
        session.until(lambda: "endpointErrors" not in session.rows()["web"], "the forward to heal by itself")
        assert served(port) == "hello\n"
