#!/usr/bin/env python3
"""Time a tool of Tilt's command line from outside, on workloads made fresh for every run.

    measure.py WORKLOAD [-n N] [--tool 'NAME=COMMAND' ...]

COMMAND is how the tool is called up to its verb, for example `tilt` or `.venv/bin/tilt`; words after `--` go
to the verb (`--tool 'ref=/opt/tilt -- --web-mode=prod'`). Two tools are measured in turn, so that their ratio holds
on a noisy machine.

Workloads (all need a kube context, `sync`, `rebuild` and `start` also a builder that can build FROM busybox):
    sync       save -> the new content is served through a port-forward; docker_build with live_update sync
    rebuild    the same without live_update: a tool that needs no rule for it may sync all the same
    image      the same where the program reads its files when it starts, so that a new image is needed
    start      `ci` of the project of `rebuild` to its end, nothing deployed, images built
    again      `ci` of N images and Deployments, after a `ci` of the same; counts builds and applies (default N 50)
    local      save -> a local_resource has run
    saves      the same N times, a different file each time, one right after the other    (default N 2000)
    syncs      `sync` N times, likewise                                                   (default N 2000)
    many       `ci` of N local_resources whose command is `true`           (default N 300)
    tiltfile   `alpha tiltfile-result` of N Kubernetes services            (default N 500)
    logs       `ci` of one command that prints N lines; counts those that arrive (default N 1000000)
    search     `logs --grep` for one of N lines of a running session                 (default N 1000000)
    idle       `up` of N local_resources that are done: work and memory of half a minute (default N 100)
    files      N files of which one in 25 counts: ready, save -> run, and a `git checkout` (default N 250000)
    verbs      `version`, `get uiresources`, `trigger`, `logs` against a running session
Figures: milliseconds or seconds as named, peak resident memory of the tool's process tree's root in MiB.
"""

import argparse
import contextlib
import http.client
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from bench.tools import Figures, Tool, environment, free_port, memory, session, show, spread, until

DOCKERFILE = "FROM busybox\nWORKDIR /app\nADD . .\nENTRYPOINT busybox httpd -f -p 8000\n"
DOCKERFILE_OF_READER = """\
FROM busybox
WORKDIR /app
ADD . .
ENTRYPOINT ["sh", "-c", "cp -r /app /page && exec busybox httpd -f -p 8000 -h /page"]
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, labels: {{app: {name}}}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {{name: c, image: {image}, ports: [{{containerPort: 8000}}]}}
"""


def server(folder: Path, *, live: bool, reads_at_start: bool = False) -> tuple[int, Path]:
    """Write a project that serves a page; its port and the page."""
    port = free_port()
    name = f"bench-{port}"
    (folder / "Dockerfile").write_text(DOCKERFILE_OF_READER if reads_at_start else DOCKERFILE)
    (folder / "app.yaml").write_text(DEPLOYMENT.format(name=name, image=name))
    page = folder / "index.html"
    page.write_text("start\n")
    update = ", live_update=[sync('.', '/app')]" if live else ""
    (folder / "Tiltfile").write_text(
        f"docker_build('{name}', '.', ignore=['up.out', 'ci.out']{update})\nk8s_yaml('app.yaml')\n"
        f"k8s_resource('{name}', port_forwards='{port}:8000')\n"
    )
    return port, page


def served(tool: Tool, folder: Path, n: int, *, live: bool, reads_at_start: bool = False) -> None:
    port, page = server(folder, live=live, reads_at_start=reads_at_start)

    def content() -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/index.html", timeout=1) as answer:
                return str(answer.read().decode().strip())
        except (OSError, http.client.HTTPException):  # it may come while the server goes
            return None

    def shows(value: str) -> bool:
        return content() == value

    start = time.perf_counter()
    with session(tool, folder) as (process, _):
        until(partial(shows, "start"), 120, "first answer", process, 0.01)
        cold = time.perf_counter() - start
        time.sleep(3)
        times = []
        for i in range(n):
            value = f"{i}-{time.time()}"
            page.write_text(value + "\n")
            times.append(until(partial(shows, value), 60, "new content", process))
            time.sleep(1)
        show(tool, {"cold_s": cold, **spread(times), "memory_mib": memory(process.pid), "n": n})


def local(tool: Tool, folder: Path, n: int) -> None:
    source, target = folder / "in.txt", folder / "out.txt"
    source.write_text("start\n")
    (folder / "Tiltfile").write_text("local_resource('copy', cmd='cp in.txt out.txt', deps=['in.txt'])\n")

    def shows(value: str) -> bool:
        return target.exists() and target.read_text().strip() == value

    start = time.perf_counter()
    with session(tool, folder) as (process, _):
        until(partial(shows, "start"), 60, "first run", process)
        cold, times = time.perf_counter() - start, []
        time.sleep(2)
        for i in range(n):
            value = f"{i}-{time.time()}"
            source.write_text(value + "\n")
            times.append(until(partial(shows, value), 30, "run", process, 0.0005))
            time.sleep(0.7)
        show(tool, {"cold_s": cold, **spread(times), "memory_mib": memory(process.pid), "n": n})


class Day:
    """How a save early in a session compares with a late one, in time and in work of the tool's own process."""

    def __init__(self, pid: int, n: int) -> None:
        self._pid = pid
        self._part = max(1, n // 10)
        self._cpu = [self._ticks()]
        self._times: list[float] = []

    def note(self, seconds: float) -> None:
        """A save has been live after so many seconds."""
        self._times.append(seconds)
        if len(self._times) % self._part == 0:
            self._cpu.append(self._ticks())

    def figures(self) -> Figures:
        """The medians of the first and the last tenth, and the processor time of a save in them."""
        tenths = {
            "first": (self._times[: self._part], self._cpu[:2]),
            "last": (self._times[-self._part :], self._cpu[-2:]),
        }
        found: Figures = {}
        for name, (times, (before, after)) in tenths.items():
            found[f"{name}_tenth_ms"] = statistics.median(times) * 1e3
            found[f"{name}_tenth_cpu_ms"] = (after - before) * 1e3 / os.sysconf("SC_CLK_TCK") / self._part
        return {**found, "memory_mib": memory(self._pid), "n": len(self._times)}

    def _ticks(self) -> int:
        return sum(map(int, Path(f"/proc/{self._pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))


def saves(tool: Tool, folder: Path, n: int) -> None:
    """A day's work: every save is of another file, and comes when the one before is live."""
    sources, runs = folder / "in", folder / "runs.txt"
    sources.mkdir()
    files = [sources / f"{i}.txt" for i in range(n)]
    for file in files:
        file.write_text("start\n")
    (folder / "Tiltfile").write_text("local_resource('count', cmd='echo >> runs.txt', deps=['in'])\n")

    def has_run(times: int) -> bool:
        return runs.exists() and runs.stat().st_size >= times

    with session(tool, folder) as (process, _):
        until(partial(has_run, 1), 60, "first run", process)
        time.sleep(2)
        day = Day(process.pid, n)
        for i, file in enumerate(files):
            file.write_text(f"{i}\n")
            day.note(until(partial(has_run, i + 2), 30, "run", process, 0.0005))
            time.sleep(0.01)
        show(tool, day.figures())


def syncs(tool: Tool, folder: Path, n: int) -> None:
    """The same in a running container, which must not lose what was saved since its image was built."""
    port, _ = server(folder, live=True)
    pages = [folder / f"{i}.txt" for i in range(n)]
    for page in pages:
        page.write_text("start\n")

    def shows(i: int, value: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{i}.txt", timeout=1) as answer:
                return str(answer.read().decode().strip()) == value
        except OSError:
            return False

    with session(tool, folder) as (process, _):
        until(partial(shows, 0, "start"), 120, "first answer", process, 0.01)
        time.sleep(3)
        day = Day(process.pid, n)
        for i, page in enumerate(pages):
            page.write_text(f"{i} saved\n")
            day.note(until(partial(shows, i, f"{i} saved"), 60, "new content", process))
            time.sleep(0.01)
        show(tool, day.figures())


def ci(tool: Tool, folder: Path) -> Figures:
    """Run `ci` in the folder."""
    start = time.perf_counter()
    with (folder / "ci.out").open("wb") as out:
        process = subprocess.Popen(
            tool.argv("ci"), cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "exit": process.returncode,
        "wall_s": time.perf_counter() - start,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "memory_mib": usage.ru_maxrss / 1024,
    }


def start(tool: Tool, folder: Path, n: int) -> None:
    server(folder, live=True)
    times = []
    for _ in range(n + 1):
        figures = ci(tool, folder)
        if figures["exit"]:
            sys.exit(f"{tool.name}: exit {figures['exit']}\n{(folder / 'ci.out').read_text(errors='replace')[-2000:]}")
        times.append(float(figures["wall_s"]))
        words = tool.down()
        subprocess.run(words, cwd=folder, env=environment(), capture_output=True, timeout=120, check=False)
        time.sleep(1)
    show(tool, {**spread(times[1:]), "n": n})


def again(tool: Tool, folder: Path, n: int) -> None:
    text = [f"docker_build('bench/again{i}', 'app{i}')" for i in range(n)]
    objects = []
    for i in range(n):
        (folder / f"app{i}").mkdir()
        (folder / f"app{i}" / "Dockerfile").write_text(f"FROM busybox\nRUN echo {i} > /number\nCMD sleep 10000\n")
        objects.append(DEPLOYMENT.format(name=f"again{i}", image=f"bench/again{i}"))
    (folder / "all.yaml").write_text("---\n".join(objects))
    (folder / "Tiltfile").write_text("\n".join([*text, "k8s_yaml('all.yaml')\n"]))
    try:
        first = ci(tool, folder)
        second = ci(tool, folder)
        said = (folder / "ci.out").read_text(errors="replace")
        done = {"built": said.count("Building image"), "applied": said.count("Objects applied to cluster")}
        show(tool, {"first_s": first["wall_s"], **second, **done, "n": n})
    finally:
        words = tool.down()
        subprocess.run(words, cwd=folder, env=environment(), capture_output=True, timeout=300, check=False)


def many(tool: Tool, folder: Path, n: int) -> None:
    (folder / "Tiltfile").write_text(
        f"for i in range({n}):\n  local_resource('r%d' % i, cmd='true', allow_parallel=True)\n"
    )
    show(tool, {**ci(tool, folder), "n": n})


def logs(tool: Tool, folder: Path, n: int) -> None:
    (folder / "Tiltfile").write_text(f"local_resource('count', cmd='seq 1 {n}')\n")
    figures = ci(tool, folder)
    arrived: set[int] = set()
    for line in (folder / "ci.out").open(errors="replace"):
        word = line.rsplit(None, 1)[-1:]
        if word and word[0].isdigit():
            arrived.add(int(word[0]))
    show(tool, {**figures, "lines": n, "arrived": len(arrived), "lost_percent": 100.0 * (n - len(arrived)) / n})


def tiltfile(tool: Tool, folder: Path, n: int) -> None:
    objects, lines = [], ["k8s_yaml('all.yaml')"]
    for i in range(n):
        objects.append(DEPLOYMENT.format(name=f"svc{i}", image=f"img{i}"))
        objects.append(
            f"apiVersion: v1\nkind: Service\nmetadata: {{name: svc{i}}}\n"
            f"spec: {{selector: {{app: svc{i}}}, ports: [{{port: 80, targetPort: 8000}}]}}\n"
        )
        lines.append(f"docker_build('img{i}', '.', live_update=[sync('.', '/app')])")
        lines.append(f"k8s_resource('svc{i}', port_forwards='{20000 + i}:8000', labels=['g{i % 10}'])")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "all.yaml").write_text("---\n".join(objects))
    (folder / "Tiltfile").write_text("\n".join(lines) + "\n")
    times = []
    for _ in range(4):
        start = time.perf_counter()
        words = tool.argv("alpha tiltfile-result", tail=False)
        result = subprocess.run(words, cwd=folder, capture_output=True, check=False)
        times.append(time.perf_counter() - start)
        if result.returncode:
            sys.exit(f"{tool.name}: exit {result.returncode}\n{result.stderr.decode()[-2000:]}")
    show(tool, {**spread(times[1:]), "n": n})


def verbs(tool: Tool, folder: Path, n: int) -> None:
    (folder / "Tiltfile").write_text("local_resource('hello', cmd='echo hello')\n")
    with session(tool, folder) as (process, env):

        def up() -> bool:
            words = tool.argv("get", "uiresources", tail=False)
            run = subprocess.run(words, env=env, capture_output=True, check=False)
            return run.returncode == 0 and b"hello" in run.stdout

        until(up, 60, "session", process, 0.1)
        common = (
            "version",
            "get uiresources",
            "describe uiresource hello",
            "trigger hello",
            "logs hello",
            "enable hello",
        )
        for verb in (*common, "wait --for=condition=Ready uiresource/hello", "args a"):
            times = []
            for _ in range(n):
                start = time.perf_counter()
                subprocess.run(tool.argv(verb, tail=False), env=env, capture_output=True, check=False)
                times.append(time.perf_counter() - start)
            show(tool, {"verb": verb.replace(" ", "_"), **spread(times)})


def search(tool: Tool, folder: Path, n: int) -> None:
    """Find one line in many; where a tool cannot search, `logs` is piped through `grep`."""
    last = f"{n - 1} a line that is as long as they are"
    command = f"seq -f '%.0f a line that is as long as they are' 0 {n - 1}; touch done.txt"
    (folder / "Tiltfile").write_text(f'local_resource("count", cmd="{command}")\n')
    with session(tool, folder) as (process, env):
        until((folder / "done.txt").exists, 120, "end of the command", process, 0.05)
        time.sleep(2)
        own = tool.argv("logs", "--grep", f"^{last}$", tail=False)
        piped = ["sh", "-c", f"{shlex.join(tool.argv('logs', tail=False))} | grep '{last}$'"]
        answers = subprocess.run(own, env=env, capture_output=True, check=False).returncode == 0
        words = own if answers else piped
        times = []
        for _ in range(5):
            start = time.perf_counter()
            found = subprocess.run(words, env=env, capture_output=True, check=False)
            times.append(time.perf_counter() - start)
        lines = found.stdout.count(b"\n")
        show(tool, {"searches": str(answers), "found": lines, **spread(times), "n": n})


def ticks(pid: int) -> int:
    """The processor time of a process so far, in ticks of the clock."""
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))


def idle(tool: Tool, folder: Path, n: int) -> None:
    """What a session costs while nothing happens."""
    (folder / "Tiltfile").write_text(
        f"for i in range({n}):\n  local_resource('r%d' % i, cmd='echo >> runs.txt', allow_parallel=True)\n"
    )
    runs, seconds = folder / "runs.txt", 30
    with session(tool, folder) as (process, _):
        until(lambda: runs.exists() and runs.stat().st_size >= n, 120, "end of the first runs", process, 0.05)
        time.sleep(5)
        before = ticks(process.pid)
        time.sleep(seconds)
        percent = 100 * (ticks(process.pid) - before) / os.sysconf("SC_CLK_TCK") / seconds
        status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        now = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))
        figures: Figures = {"percent_of_a_core": f"{percent:.2f}", "memory_mib": now, "n": n}
        show(tool, {**figures, "peak_mib": memory(process.pid)})


def inotify_watches(pid: int) -> int:
    """How many watches of the kernel a process has."""
    count = 0
    for entry in Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(OSError):
            count += entry.read_text().count("inotify wd:")
    return count


def files(tool: Tool, folder: Path, n: int) -> None:
    """A large project of which nearly all is ignored."""
    for part, count in (("node_modules", n - n // 25), ("src", n // 25)):
        for number in range(count):
            if number % 100 == 0:
                below = folder / part / f"d{number // 5000}" / f"e{number // 100}"
                below.mkdir(parents=True)
            (below / f"f{number % 100}.txt").touch()
    for name in (".tiltignore", ".gitignore"):
        (folder / name).write_text("node_modules\nup.out\nruns.txt\n")
    (folder / "Tiltfile").write_text("local_resource('count', cmd='echo >> runs.txt', deps=['.'])\n")
    runs = folder / "runs.txt"
    git = partial(subprocess.run, cwd=folder, check=True, capture_output=True)
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=b", "-c", "user.email=b", "commit", "-qm", "a"]):
        git(["git", *words])
    half = sorted((folder / "src").rglob("*.txt"))[: n // 50]
    git(["git", "checkout", "-qb", "other"])
    for file in half:
        file.write_text("other\n")
    git(["git", "-c", "user.name=b", "-c", "user.email=b", "commit", "-qam", "b"])

    def has_run(times: int) -> bool:
        return runs.exists() and runs.stat().st_size >= times

    start = time.perf_counter()
    with session(tool, folder) as (process, _):
        until(partial(has_run, 1), 120, "first run", process, 0.005)
        ready = time.perf_counter() - start
        time.sleep(3)
        times = []
        for number in range(10):
            half[-number - 1].write_text(f"saved {number}\n")
            times.append(until(partial(has_run, number + 2), 30, "run", process, 0.0005))
            time.sleep(0.5)
        watches, before = inotify_watches(process.pid), runs.stat().st_size
        git(["git", "checkout", "-qf", "HEAD~1"])
        until(partial(has_run, before + 1), 60, "run after the checkout", process)
        time.sleep(5)
        after = {"runs_of_checkout": runs.stat().st_size - before, "watches": watches, "n": n}
        show(tool, {"ready_s": ready, **spread(times), **after, "memory_mib": memory(process.pid)})


WORKLOADS: dict[str, tuple[Callable[[Tool, Path, int], None], int]] = {
    "sync": (partial(served, live=True), 15),
    "rebuild": (partial(served, live=False), 6),
    "image": (partial(served, live=False, reads_at_start=True), 6),
    "start": (start, 5),
    "again": (again, 50),
    "local": (local, 20),
    "saves": (saves, 2000),
    "syncs": (syncs, 2000),
    "many": (many, 300),
    "tiltfile": (tiltfile, 500),
    "logs": (logs, 1_000_000),
    "search": (search, 1_000_000),
    "idle": (idle, 100),
    "files": (files, 250_000),
    "verbs": (verbs, 10),
}
"""What can be measured, each with its default N."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("-n", type=int)
    parser.add_argument("--rounds", type=int, default=1, help="how often each tool is measured, in turn")
    parser.add_argument("--tool", action="append", type=Tool)
    args = parser.parse_args()
    for _ in range(args.rounds):
        for tool in args.tool or [Tool("tilt=tilt")]:
            with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
                measure, default = WORKLOADS[args.workload]
                measure(tool, Path(name), args.n or default)


if __name__ == "__main__":
    main()
