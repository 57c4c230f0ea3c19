#!/usr/bin/env python3
"""Measure port forwards from outside: a request, a download, slow readers, and a pod that is deleted under downloads.

    forwards.py [--tool 'NAME=COMMAND' ...] [--context NAME] [--live]

COMMAND is how a tool of Tilt's command line is called up to its verb. `kubectl port-forward` is measured in the same
run, beside every tool; it needs a kube context. With `--context engine` only the tools are measured. With `--live` the
pod has a live update, so that its helper may carry connections past the cluster.
"""

import argparse
import contextlib
import http.client
import os
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

MIB = 1 << 20
BIG_MIB = 400
OBJECT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, labels: {{app: {name}}}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: {image}
        command:
        - sh
        - -c
        - mkdir /w; echo hello >/w/index.html; truncate -s {size}M /w/big; exec httpd -f -p 8000 -h /w
        ports: [{{containerPort: 8000}}]
"""

TILTFILE = """\
k8s_yaml('app.yaml')
k8s_resource('{name}', port_forwards='{port}:8000')
"""
BUILD = "docker_build('{name}', '.', only=['page'], live_update=[sync('page', '/page')])\n"

Process = subprocess.Popen[bytes]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def resident(pid: int, field: str = "VmRSS") -> float:
    """Resident memory in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return float("nan")


def get(port: int, path: str = "/") -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", path)
        return connection.getresponse().read()


def wait_for_answer(port: int, limit: float = 60) -> float:
    start = time.perf_counter()
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if get(port) == b"hello\n":
                return time.perf_counter() - start
        if time.perf_counter() - start > limit:
            sys.exit(f"no answer at port {port} in {limit} s")
        time.sleep(0.05)


@contextlib.contextmanager
def running(argv: list[str], folder: Path, env: dict[str, str]) -> Iterator[Process]:
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield process
    except SystemExit:
        print((folder / "out").read_text(errors="replace")[-2000:], file=sys.stderr)
        raise
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def latency(port: int) -> dict[str, float]:
    times = []
    for _ in range(200):
        start = time.perf_counter()
        get(port)
        times.append(1e3 * (time.perf_counter() - start))
    times.sort()
    return {"request_median_ms": statistics.median(times), "request_90_ms": times[179]}


def parallel(port: int) -> dict[str, float]:
    """Seconds until 200 requests that were sent at once are answered, and how many failed."""
    failed: list[Exception] = []

    def ask() -> None:
        try:
            assert get(port) == b"hello\n"
        except Exception as error:  # noqa: BLE001 - counted
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(200)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"parallel_200_s": time.perf_counter() - start, "parallel_failed": len(failed)}


def download(port: int, pid: int) -> dict[str, float]:
    start, size = time.perf_counter(), 0
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /big HTTP/1.0\r\n\r\n")
        while data := client.recv(MIB):
            size += len(data)
    took = time.perf_counter() - start
    assert size > BIG_MIB * MIB, size
    return {"download_mib_s": size / MIB / took, "download_peak_mib": resident(pid, "VmHWM")}


def big(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.sendall(b"GET /big HTTP/1.0\r\n\r\n")
    return client


def slow_readers(port: int, pid: int) -> dict[str, float]:
    """Memory while five clients read 640 KiB a second each, for ten seconds; a request beside them."""
    before = resident(pid)
    readers = [big(port) for _ in range(5)]
    peak, asked, got = 0.0, float("inf"), [0] * 5
    for turn in range(100):
        for number, reader in enumerate(readers):
            reader.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                got[number] += len(reader.recv(65536))
        peak = max(peak, resident(pid))
        if turn == 50:
            start = time.perf_counter()
            with contextlib.suppress(OSError, http.client.HTTPException):
                get(port)
                asked = 1e3 * (time.perf_counter() - start)
        time.sleep(0.1)
    for reader in readers:
        reader.close()
    time.sleep(2)
    starved = sum(not size for size in got)
    return {
        "idle_mib": before,
        "slow_starved": starved,
        "slow_peak_mib": peak,
        "slow_after_mib": resident(pid),
        "beside_slow_ms": asked,
    }


def deleted(port: int, name: str) -> dict[str, float]:
    """Seconds until the last of 50 downloads has ended whose pod was deleted, and how many went on for 15 s."""
    clients = [big(port) for _ in range(50)]
    deadline = [float("inf")]
    ends: list[float] = []

    def read(client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client.settimeout(1)
            while time.perf_counter() < deadline[0]:
                with contextlib.suppress(TimeoutError):
                    if not client.recv(16384):
                        break
                time.sleep(0.05)
            else:
                return
        ends.append(time.perf_counter())

    threads = [threading.Thread(target=read, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    time.sleep(1)
    subprocess.run(["kubectl", "delete", "pod", "-l", f"app={name}", "--wait=true"], check=True, capture_output=True)
    start = time.perf_counter()
    deadline[0] = start + 15
    for thread in threads:
        thread.join()
    return {
        "deleted_last_s": max(ends, default=start + 15) - start,
        "deleted_hang": len(clients) - len(ends),
        "again_s": wait_for_answer(port),
    }


def measure(tool: str, pid: int, port: int, name: str, *, cluster: bool) -> None:
    figures: dict[str, float] = {}
    figures |= latency(port)
    figures |= slow_readers(port, pid)
    figures |= download(port, pid)
    figures |= parallel(port)
    if cluster and tool != "kubectl":  # kubectl ends with its pod
        figures |= deleted(port, name)
    print(tool, *(f"{key}={value:.1f}" for key, value in figures.items()), flush=True)


def write_project(folder: Path, name: str, port: int, *, live: bool) -> None:
    (folder / "app.yaml").write_text(OBJECT.format(name=name, size=BIG_MIB, image=name if live else "busybox"))
    (folder / "Tiltfile").write_text((BUILD if live else "").format(name=name) + TILTFILE.format(name=name, port=port))
    (folder / "Dockerfile").write_text("FROM busybox\nCOPY page /page\n")
    (folder / "page").mkdir()
    (folder / "page" / "index.html").write_text("hello\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", action="append", default=[])
    parser.add_argument("--context", default="")
    parser.add_argument("--live", action="store_true")
    args = parser.parse_args()
    for tool in args.tool or ["pytilt=tilt"]:
        label, _, command = tool.partition("=")
        port, name = free_port(), f"forwards-{os.getpid()}"
        env = {**os.environ, "TILT_PORT": str(free_port())}
        with tempfile.TemporaryDirectory(prefix="bench-") as path:
            folder = Path(path)
            write_project(folder, name, port, live=args.live)
            words = ["--context", args.context] if args.context else []
            with running([*shlex.split(command), "up", "--stream", *words], folder, env) as process:
                wait_for_answer(port)
                if args.live:
                    time.sleep(3)  # until the helpers know each other
                    get(port)  # and the cluster has let a connection through since
                if not args.context:
                    ready = ["kubectl", "wait", "--for=condition=ready", "pod", "-l", f"app={name}", "--timeout=60s"]
                    subprocess.run(ready, check=True, capture_output=True)  # kubectl forwards to no pod before
                    other = free_port()
                    kubectl = ["kubectl", "port-forward", f"deployment/{name}", f"{other}:8000"]
                    with tempfile.TemporaryDirectory() as beside, running(kubectl, Path(beside), env) as reference:
                        wait_for_answer(other)
                        measure("kubectl", reference.pid, other, name, cluster=True)
                measure(label, process.pid, port, name, cluster=not args.context)
            down = [*shlex.split(command), "down", *words]
            subprocess.run(down, cwd=folder, env=env, capture_output=True, timeout=120, check=False)


if __name__ == "__main__":
    main()
