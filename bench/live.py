#!/usr/bin/env python3
"""Time live updates that are more than one small file in one pod, from outside; see `measure.py` for `--tool`.

    live.py WORKLOAD [-n N] [--tool 'NAME=COMMAND' ...]

Workloads (all need the test cluster; those with * run with `--tool 'here=tilt -- --context engine'` too):
    pods      save -> the new content is in every pod, with one replica and with 20; looks into the containers through
              /proc, as root on the machine of the cluster: 20 requests would take longer than what is measured
    files*    1,000 files of 10 KB are written -> all of them are served
    large*    one line of a file of 50 MB is replaced by a longer one -> that is served
    binary*   a Go program in an image from scratch is replaced -> the new one answers; needs `go`
    kills     save, then delete the pod at once, N times -> the content is right, and no image was built
"""

import argparse
import contextlib
import functools
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from bench.measure import DEPLOYMENT
from bench.tools import Figures, Process, Tool, free_port, session, show, spread, until

FILES, FILE_BYTES = 1000, 10_000
LINES = 1_000_000
SERVER = "FROM busybox\nWORKDIR /app\nADD www .\nENTRYPOINT busybox httpd -f -p 8000 -h /app\n"
PROGRAM = """
package main

import (
	"fmt"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "VERSION") })
	http.ListenAndServe(":8000", nil)
}
"""


def fetch(url: str, **headers: str) -> str | None:
    """What a server answers, None when it does not."""
    with contextlib.suppress(OSError):
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=2) as answer:
            return str(answer.read().decode())
    return None


def project(folder: Path, *, replicas: int = 1) -> tuple[str, int]:
    """A project that serves the folder `www`; its name, and the port of its forward."""
    port = free_port()
    name = f"bench-{port}"
    (folder / "www").mkdir()
    (folder / "www" / "index.html").write_text("start")
    (folder / "Dockerfile").write_text(SERVER)
    yaml = DEPLOYMENT.format(name=name, image=name).replace("spec:\n", f"spec:\n  replicas: {replicas}\n", 1)
    (folder / "app.yaml").write_text(yaml)
    (folder / "Tiltfile").write_text(
        f"docker_build('{name}', '.', only=['www'], live_update=[sync('www', '/app')])\n"
        f"k8s_yaml('app.yaml')\nk8s_resource('{name}', port_forwards='{port}:8000')\n"
    )
    return name, port


def addresses(name: str) -> list[str]:
    """Those of the pods that run."""
    words = ["kubectl", "get", "pods", "-l", f"app={name}", "--field-selector=status.phase=Running"]
    words.append("-o=jsonpath={range .items[*]}{.status.podIP} {end}")
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


def timed(process: Process, n: int, save: Callable[[int], Callable[[], bool]], pause: float = 0.001) -> list[float]:
    """The seconds from the end of each save until what it returns is true, which is asked with so long a pause."""
    times = []
    for i in range(n):
        done = save(i)
        times.append(until(done, 60, "new content", process, pause))
        time.sleep(1)
    return times


def pods(tool: Tool, n: int) -> None:
    medians = {replicas: float(every_pod(tool, n, replicas)["median_ms"]) for replicas in (1, 20)}
    show(tool, {"one_ms": medians[1], "twenty_ms": medians[20], "ratio": medians[20] / medians[1], "n": n})


def pages(content: str) -> list[Path]:
    """The pages with this content in containers of this machine."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            page = place / "root" / "app" / "index.html"
            if b"httpd" in (place / "cmdline").read_bytes() and page.read_text() == content:
                found.append(page)
    return found


def every_pod(tool: Tool, n: int, replicas: int) -> Figures:
    """The times until what was saved is in all of so many pods."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        name, _ = project(folder, replicas=replicas)
        with session(tool, folder) as (process, _):
            until(lambda: len(addresses(name)) == replicas, 120, "pods", process, 0.5)
            time.sleep(5)
            page = f"{folder.name}-start"
            (folder / "www" / "index.html").write_text(page)
            until(lambda: len(pages(page)) == replicas, 60, "first content", process, 0.2)
            time.sleep(2)
            with contextlib.ExitStack() as opened:
                found = [descriptor(each, opened) for each in pages(page)]

                def save(i: int) -> Callable[[], bool]:
                    (folder / "www" / "index.html").write_text(f"save {i}")
                    left = list(found)

                    def brought() -> bool:
                        # One at a time: to look into all of them kept half of a processor busy.
                        while left and contains(left[-1], f"save {i}".encode()):
                            left.pop()
                        return not left

                    return brought

                return spread(timed(process, n, save))


def descriptor(page: Path, opened: contextlib.ExitStack) -> int:
    """The directory of a page, opened: by its whole path twenty pages took a millisecond of what is measured."""
    directory = os.open(page.parent, os.O_RDONLY | os.O_DIRECTORY)
    opened.callback(os.close, directory)
    return directory


def contains(directory: int, content: bytes) -> bool:
    """Is this the content of the page in a directory?"""
    page = os.open("index.html", os.O_RDONLY, dir_fd=directory)
    try:
        return os.read(page, 100) == content
    finally:
        os.close(page)


def files(tool: Tool, n: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _, port = project(folder)
        places = [folder / "www" / f"{i:04}.txt" for i in range(FILES)]
        made_up = random.Random(1)
        words = [f"word{made_up.randrange(10_000)} " for _ in range(5000)]
        for file in places:
            file.write_text("start")

        def save(i: int) -> Callable[[], bool]:
            for file in places:
                file.write_text(f"{i} {''.join(made_up.choices(words, k=1200))}"[:FILE_BYTES])
            return lambda: all(
                (fetch(f"http://127.0.0.1:{port}/{each.name}") or "").startswith(f"{i} ") for each in ends
            )

        ends = [places[0], places[FILES // 2], places[-1]]
        with session(tool, folder) as (process, _):
            until(lambda: fetch(f"http://127.0.0.1:{port}/") == "start", 120, "first answer", process, 0.01)
            time.sleep(3)
            show(tool, {**spread(timed(process, n, save)), "n": n})


def large(tool: Tool, n: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _, port = project(folder)
        lines = [b"line %07d of a file of some fifty million bytes\n" % i for i in range(LINES)]
        middle = len(lines) // 2
        start = sum(map(len, lines[:middle]))
        big = folder / "www" / "big"
        big.write_bytes(b"".join(lines))

        def save(i: int) -> Callable[[], bool]:
            lines[middle] = b"save %d, %s\n" % (i, b"longer " * i)
            big.write_bytes(b"".join(lines))
            wanted = f"bytes={start}-{start + 7}"
            expected = f"save {i}, "[:8]
            return lambda: fetch(f"http://127.0.0.1:{port}/big", Range=wanted) == expected

        with session(tool, folder) as (process, _):
            until(lambda: fetch(f"http://127.0.0.1:{port}/") == "start", 120, "first answer", process, 0.01)
            time.sleep(3)
            timed(process, 1, save)  # after the first one the container knows what the file consists of
            # A request takes 5 ms of processor time on the way through the cluster: asking all the time would slow the
            # update by half.
            times = timed(process, n, lambda i: save(i + 1), pause=0.005)
            show(tool, {**spread(times), "bytes": big.stat().st_size, "n": n})


def binary(tool: Tool, n: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _, port = project(folder)
        built = [folder / f"app{i}" for i in range(2)]
        (folder / "go.mod").write_text("module app\n")
        for i, target in enumerate(built):
            (folder / "main.go").write_text(PROGRAM.replace("VERSION", f"version {i}"))
            environ = {**os.environ, "CGO_ENABLED": "0"}
            subprocess.run(["go", "build", "-o", str(target), "."], cwd=folder, env=environ, check=True)
        shutil.copy(built[0], folder / "www" / "app")
        (folder / "Dockerfile").write_text('FROM scratch\nCOPY www/app /app\nENTRYPOINT ["/app"]\n')
        tiltfile = (folder / "Tiltfile").read_text()
        steps = "[sync('www/app', '/app'), restart_container()]"
        (folder / "Tiltfile").write_text(tiltfile.replace("[sync('www', '/app')]", steps))

        def save(i: int) -> Callable[[], bool]:
            version = (i + 1) % 2
            shutil.copy(built[version], folder / "new")
            (folder / "new").rename(folder / "www" / "app")
            return lambda: fetch(f"http://127.0.0.1:{port}/") == f"version {version}"

        with session(tool, folder) as (process, _):
            until(lambda: fetch(f"http://127.0.0.1:{port}/") == "version 0", 120, "first answer", process, 0.01)
            time.sleep(3)
            show(tool, {**spread(timed(process, n, save)), "n": n})


def kills(tool: Tool, n: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        name, port = project(folder)
        page = folder / "www" / "index.html"
        with session(tool, folder) as (process, _):
            until(lambda: fetch(f"http://127.0.0.1:{port}/") == "start", 120, "first answer", process, 0.01)
            time.sleep(3)
            times = []
            for i in range(n):
                before = addresses(name)
                page.write_text(f"save {i}")
                words = ["kubectl", "delete", "pod", "-l", f"app={name}", "--grace-period=0", "--wait=false"]
                subprocess.run(words, capture_output=True, check=True)

                def served(i: int = i, before: list[str] = before) -> bool:
                    now = [address for address in addresses(name) if address not in before]
                    return bool(now) and all(fetch(f"http://{address}:8000/") == f"save {i}" for address in now)

                times.append(until(served, 60, "the saved content in the new pod", process, 0.05))
            built = (folder / "up.out").read_text(errors="replace").count("— Building Dockerfile: [")
            median = float(spread(times)["median_ms"]) / 1000
            show(tool, {"builds_after_the_first": built - 1, "median_s": median, "n": n})


WORKLOADS = {"pods": pods, "files": files, "large": large, "binary": binary, "kills": kills}
DEFAULT_N = {"kills": 20}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("-n", type=int, default=0, help="how often; default 10, of `kills` 20")
    parser.add_argument("--tool", action="append", type=Tool, metavar="NAME=COMMAND")
    args = parser.parse_args()
    for tool in args.tool or [Tool("tilt=tilt")]:
        functools.partial(WORKLOADS[args.workload], tool, args.n or DEFAULT_N.get(args.workload, 10))()
    sys.stdout.flush()


if __name__ == "__main__":
    main()
