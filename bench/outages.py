"""The API server fails, and pods die during updates: what a session says meanwhile, how it heals, what it loses."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.live import fetch, project
from bench.races import Asking, content_of, kubectl, live_pods
from bench.tcp_proxy import Gate, before_the_cluster
from bench.tools import Figures, Part, Tool, session, until

TICKING = (
    "FROM busybox\nWORKDIR /app\nADD www .\n"
    'ENTRYPOINT ["sh", "-c", "(i=0; while true; do i=$((i+1)); echo tick $i of $HOSTNAME; usleep 10000; done) & '
    'exec busybox httpd -f -p 8000 -h /app"]\n'
)
HEAL_SECONDS = 60.0
LISTEN_SECONDS = 5.0
TICK = re.compile(r"tick (\d+) of (\S+)")


class Run:
    """A session behind a gate, with one pod that serves a page and logs a number a hundred times a second."""

    def __init__(self, tool: Tool, folder: Path, env: dict[str, str], gate: Gate, name: str, port: int) -> None:
        self.gate, self.name, self.url = gate, name, f"http://127.0.0.1:{port}/"
        self.asking = Asking(tool, folder, env, name)
        self._page, self._output = folder / "www" / "index.html", folder / "up.out"
        self.wanted = "start"
        self.stale = 0
        self.greens = 0

    def save(self, text: str) -> None:
        """Save another page."""
        self.wanted = text
        self._page.write_text(text)

    def figures(self, healed: Sequence[float]) -> Figures:
        """What a run has come to.

        Args:
            healed: after how many seconds all was well again, each time; -1 for never.
        """
        return {
            "slowest_s": max(healed),
            "stale_greens": self.stale,
            "unhealed": healed.count(-1.0),
            "missing_lines": self.missing_lines(),
        }

    def look(self) -> bool:
        """Ask once; count an answer that is green while something else runs, or nothing."""
        wanted, green = self.wanted, self.asking.http()
        if green:
            self.greens += 1
            present = live_pods(self.name)
            found = _served(present) if present else None
            if found != wanted and self.asking.http():  # a pod may have died after the answer
                self.stale += 1
                print(f"stale: green with {found!r} instead of {wanted!r}, pods {sorted(present)}")
        return green

    def watch(self, seconds: float) -> float:
        """Look for so long; after how many seconds it was not green any more."""
        began, unknown = time.monotonic(), -1.0
        while (passed := time.monotonic() - began) < seconds:
            if not self.look() and unknown < 0:
                unknown = passed
            time.sleep(0.1)
        return unknown

    def heal(self) -> float:
        """The seconds until it is green and serves what was saved, through the forward too; -1 where it does not."""
        began = time.monotonic()
        while not (self.look() and fetch(self.url) == self.wanted):
            if time.monotonic() - began > HEAL_SECONDS:
                return -1.0
            time.sleep(0.05)
        return time.monotonic() - began

    def missing_lines(self) -> int:
        """Of every pod the numbers up to its last one that are not in the log, and those that are twice in it."""
        time.sleep(2)
        numbers: dict[str, list[int]] = {}
        for number, pod in TICK.findall(self._output.read_text(errors="replace")):
            numbers.setdefault(pod, []).append(int(number))
        wrong = 0
        for pod, found in numbers.items():
            missing, twice = max(found) - len(set(found)), len(found) - len(set(found))
            if missing or twice or found != sorted(found):
                print(f"{pod}: {missing} missing, {twice} twice, of {len(found)}; in order: {found == sorted(found)}")
            wrong += missing + twice
        return wrong


def _served(pods: set[str]) -> str | None:
    """What a pod serves: its container runs, perhaps its server does not listen yet."""
    deadline = time.monotonic() + LISTEN_SECONDS
    while (found := content_of(pods)) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


@contextmanager
def ticking(tool: Tool, folder: Path) -> Iterator[Run]:
    """Run such a session until it is well."""
    name, port = project(folder)
    (folder / "Dockerfile").write_text(TICKING)
    with before_the_cluster(Path(os.environ["KUBECONFIG"]), folder) as (gate, kubeconfig):
        own = os.environ["KUBECONFIG"]
        os.environ["KUBECONFIG"] = str(kubeconfig)
        try:
            with session(tool, folder) as (process, env):
                os.environ["KUBECONFIG"] = own
                until(lambda: fetch(f"http://127.0.0.1:{port}/") == "start", 120, "first answer", process, 0.05)
                run = Run(tool, folder, env, gate, name, port)
                until(run.asking.http, 60, "green", process, 0.05)
                time.sleep(1)
                yield run
                gate.pass_on()
                os.environ["KUBECONFIG"] = str(kubeconfig)  # for `down`
        finally:
            os.environ["KUBECONFIG"] = own


def outage(
    tool: Tool, folder: Path, _: int, *, seconds: float, begin: Callable[[Gate], None], end: Callable[[Gate], None]
) -> Figures:
    """Twice: without an edit meanwhile, and with one right at its begin and one in the middle."""
    with ticking(tool, folder) as run:
        begin(run.gate)
        unknown = run.watch(seconds)
        end(run.gate)
        first = run.heal()
        begin(run.gate)
        run.save("saved in the dark")
        run.watch(seconds / 2)
        run.save("saved later in the dark")
        run.watch(seconds / 2)
        end(run.gate)
        second = run.heal()
        run.save("saved after it")
        third = run.heal()
        return {
            "not_green_after_s": unknown,
            "healed_after_s": first,
            "healed_with_edit_s": second,
            "next_save_s": third,
            "stale_greens": run.stale,
            "unhealed": (first, second, third).count(-1.0),
            "missing_lines": run.missing_lines(),
        }


def cut(tool: Tool, folder: Path, _: int) -> Figures:
    """Every connection is reset ten times while files are saved."""
    with ticking(tool, folder) as run:
        healed = []
        for i in range(10):
            run.save(f"cut {i}")
            time.sleep(0.003 * i)
            run.gate.cut()
            healed.append(run.heal())
        return {"cuts": 10, **run.figures(healed)}


def slow(tool: Tool, folder: Path, _: int) -> Figures:
    """Every piece takes 200 ms."""
    with ticking(tool, folder) as run:
        run.gate.delay(0.2)
        healed = []
        for i in range(5):
            run.save(f"slow {i}")
            healed.append(run.heal())
        run.gate.delay(0)
        return run.figures(healed)


def pods(tool: Tool, folder: Path, _: int) -> Figures:
    """A pod is killed 20 times while an update runs."""
    with ticking(tool, folder) as run:
        healed = []
        for i in range(20):
            words = ("delete", "pod", "-l", f"app={run.name}", "--grace-period=0", "--force", "--wait=false")
            killer = threading.Timer(0.002 * i, kubectl, words)
            killer.start()
            run.save(f"kill {i}")
            killer.join()
            healed.append(run.heal())
        return {"kills": 20, **run.figures(healed)}


def _again(gate: Gate) -> None:
    gate.listen()


PARTS: dict[str, Part] = {
    "stopped": partial(outage, seconds=20.0, begin=Gate.stop, end=_again),
    "stalled": partial(outage, seconds=10.0, begin=Gate.stall, end=Gate.pass_on),
    "cut": cut,
    "slow": slow,
    "pods": pods,
}
