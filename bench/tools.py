"""A tool that is measured: how it is called, its session, how long something takes, and how figures are shown."""

import contextlib
import os
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

Process = subprocess.Popen[bytes]
Figures = dict[str, float | int | str]


class Tool:
    """How a tool is called; `text` is an argument of `--tool`."""

    def __init__(self, text: str) -> None:
        self.name, _, command = text.partition("=")
        head, _, tail = command.partition(" -- ")
        self.head, self.tail = shlex.split(head), shlex.split(tail)
        if self.head and "/" in self.head[0]:  # it runs in the folder of a project, not here
            self.head[0] = os.path.abspath(self.head[0])  # noqa: PTH100 - a link stays a link: it may be a venv's Python

    def argv(self, verb: str, *args: str, tail: bool = True) -> list[str]:
        """The command line of a verb; with `tail`, the words that the user wants to go to it."""
        return [*self.head, *verb.split(), *args, *(self.tail if tail else [])]

    def down(self) -> list[str]:
        """The command line that removes what a session has deployed: in the context that the user names, too."""
        place = self.tail.index("--context") if "--context" in self.tail else len(self.tail)
        return [*self.head, "down", *self.tail[place : place + 2]]


Part = Callable[[Tool, Path, int], Figures]
"""A part of a workload: with a tool, in an empty folder, so many times."""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def memory(pid: int) -> float:
    """Peak resident memory in MiB."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return float("nan")


def environment() -> dict[str, str]:
    """That of the tool: a port of its own, and no report to its makers."""
    return {**os.environ, "TILT_PORT": str(free_port()), "TILT_DISABLE_ANALYTICS": "1", "DO_NOT_TRACK": "1"}


@contextlib.contextmanager
def session(tool: Tool, folder: Path) -> Iterator[tuple[Process, dict[str, str]]]:
    """Run `up` in the folder; gives the process, and the environment in which other verbs find it."""
    env = environment()
    with (folder / "up.out").open("wb") as log:
        process = subprocess.Popen(
            tool.argv("up", "--stream"), cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield process, env
    except SystemExit:
        print("".join((folder / "up.out").read_text(errors="replace").splitlines(keepends=True)[-20:]), file=sys.stderr)
        raise
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
        down = tool.down()
        subprocess.run(down, cwd=folder, env=env, capture_output=True, timeout=120, check=False)


def until(check: Callable[[], bool], limit: float, what: str, process: Process, pause: float = 0.001) -> float:
    """Ask until the answer is yes; the seconds that took. Ends the program after `limit` seconds."""
    start = time.perf_counter()
    while not check():
        if process.poll() is not None:
            sys.exit(f"the tool ended with {process.returncode} before {what}")
        if time.perf_counter() - start > limit:
            sys.exit(f"no {what} in {limit} s")
        time.sleep(pause)
    return time.perf_counter() - start


def show(tool: Tool, figures: Figures) -> None:
    print(tool.name, *(f"{k}={v:.1f}" if isinstance(v, float) else f"{k}={v}" for k, v in figures.items()), flush=True)


def spread(seconds: Sequence[float]) -> Figures:
    values = sorted(seconds)
    return {
        "min_ms": values[0] * 1e3,
        "median_ms": statistics.median(values) * 1e3,
        "p90_ms": values[int(0.9 * (len(values) - 1))] * 1e3,
        "max_ms": values[-1] * 1e3,
    }
