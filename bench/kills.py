"""`kill -9` of a session in every phase: what is left of it, and how the next one fares."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.live import fetch, project
from bench.tcp_proxy import before_the_cluster
from bench.tools import Figures, Part, Process, Tool, environment, free_port

SURVIVE_SECONDS = 2.0
START_SECONDS = 90.0
MARK = "PYTILT_FAULTS"
DAEMONS = (
    "setsid sh -c 'exec sleep 86401' & (setsid sh -c 'sleep 86402 & sleep 86403' &) ; "
    "(env -i setsid sh -c 'exec sleep 86411 <&- >&- 2>&-' &) ; "
)
"""Grandchildren that leave the session of the process that began them; the last one clears all that it inherits."""


class Phase:
    """A place in which a session is killed.

    Args:
        tool: which session.
        folder: of its project.
        words: of the verb that begins it.
    """

    def __init__(self, tool: Tool, folder: Path, *words: str) -> None:
        self._tool, self._folder, self._words = tool, folder, words or ("--stream",)
        self._mark = secrets.token_hex(8)
        self.env = {**environment(), MARK: self._mark}

    @property
    def output(self) -> str:
        """What the session has printed."""
        return (self._folder / "up.out").read_text(errors="replace")

    def begin(self) -> Process:
        """Run `up`."""
        argv = self._tool.argv("up", *self._words)
        with (self._folder / "up.out").open("ab") as log:
            return subprocess.Popen(
                argv, cwd=self._folder, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def left(self) -> list[str]:
        """The command lines of the processes that the session has begun and that live."""
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                state = (place / "stat").read_text().rpartition(")")[2].split()[0]
                if state not in "ZX" and self._is_ours(place):
                    found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:120])
        return found

    def run(self, reached: Callable[[], bool], good: Callable[[], bool], mend: Callable[[], object]) -> Figures:
        """Kill it once the phase is reached; the figures of what is left, and of the next session.

        Args:
            reached: is the session where it is to be killed?
            good: is all well in the session after it?
            mend: lets the next session do what the first one could not.
        """
        process = self.begin()
        try:
            wait_for(reached, "the phase", self)
            time.sleep(0.3)
            pid = process.pid if process.poll() is None else self._background()
            os.kill(pid, signal.SIGKILL)
            process.wait()
            left = self._after_the_kill()
            mend()
            began = time.monotonic()
            again = self.begin()
            try:
                came = wait_for(good, "the next session", self, seconds=START_SECONDS, must=False)
                seconds = time.monotonic() - began
            finally:
                self._stop(again)
        finally:
            self._stop(process)
            down = self._tool.down()
            subprocess.run(down, cwd=self._folder, env=self.env, capture_output=True, timeout=120, check=False)
        if left:
            print("survivors:", *left, sep="\n  ")
        if not came:
            print(self.output[-3000:])
        return {"survivors": len(left), "failed_restarts": int(not came), "next_s": seconds}

    def _background(self) -> int:
        """The process of a session that went on in the background."""
        words = self._tool.argv("sessions", "-o", "json", tail=False)
        done = subprocess.run(words, cwd=self._folder, env=self.env, capture_output=True, text=True, check=True)
        return next(int(each["pid"]) for each in json.loads(done.stdout) if str(each["port"]) == self.env["TILT_PORT"])

    def _is_ours(self, place: Path) -> bool:
        cleared = (place / "cmdline").read_bytes().startswith(b"sleep\x0086411\0")
        return cleared or f"{MARK}={self._mark}".encode() in (place / "environ").read_bytes().split(b"\0")

    def _after_the_kill(self) -> list[str]:
        deadline = time.monotonic() + SURVIVE_SECONDS
        while (left := self.left()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left

    def _stop(self, process: Process) -> None:
        with contextlib.suppress(StopIteration, subprocess.CalledProcessError, ProcessLookupError):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            elif self.left():
                os.kill(self._background(), signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self._is_ours(place):
                    os.kill(int(place.name), signal.SIGKILL)


def wait_for(
    check: Callable[[], bool], what: str, phase: Phase, *, seconds: float = START_SECONDS, must: bool = True
) -> bool:
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            if must:
                raise SystemExit(f"{what} was not reached:\n{phase.output[-3000:]}")
            return False
        time.sleep(0.01)
    return True


def runs(text: str) -> bool:
    """Does a process with this command line live?"""
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state = (place / "stat").read_text().rpartition(")")[2].split()[0]
            if state not in "ZX" and text in (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(
                "utf-8", "replace"
            ):
                return True
    return False


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def evaluation(tool: Tool, folder: Path, _: int) -> Figures:
    """A Tiltfile that waits for a program."""
    (folder / "Tiltfile").write_text("local('sleep 86404 & sleep 86405')\n")

    def mend() -> None:
        (folder / "Tiltfile").write_text("local_resource('a', 'echo done > done')\n")

    return Phase(tool, folder).run(lambda: runs("sleep 86405"), (folder / "done").exists, mend)


def command(tool: Tool, folder: Path, _: int) -> Figures:
    """A command that ignores signals."""
    words = "trap \\'\\' TERM HUP INT; (trap \\'\\' TERM HUP; sleep 86406) & sleep 86407; sleep 86407"
    (folder / "Tiltfile").write_text(f"local_resource('a', '{words}')\n")

    def mend() -> None:
        (folder / "Tiltfile").write_text("local_resource('a', 'echo done > done')\n")

    return Phase(tool, folder).run(lambda: runs("sleep 86407"), (folder / "done").exists, mend)


def serving(tool: Tool, folder: Path, _: int, *words: str) -> Figures:
    """A process that serves, and daemons that it has begun."""
    port = free_port()
    script = folder / "serve.sh"
    script.write_text(f"{DAEMONS}exec busybox httpd -f -p 127.0.0.1:{port} -h .\n")
    (folder / "Tiltfile").write_text("local_resource('a', serve_cmd='sh serve.sh')\n")
    daemons = ("sleep 86402", "sleep 86403", "sleep 86401", "sleep 86411")

    def up() -> bool:
        return answers(port) and all(map(runs, daemons))

    return Phase(tool, folder, *words).run(up, up, lambda: None)


def deployed(tool: Tool, folder: Path, _: int, *, live: bool) -> Figures:
    """Everything runs, with a port forwarded; or a live update runs a command in the container."""
    port = project(folder)[1]
    if live:
        text = (folder / "Tiltfile").read_text()
        steps = "[sync('www', '/app'), run('test ! -e /app/slow || sleep 86408')]"
        (folder / "Tiltfile").write_text(text.replace("[sync('www', '/app')]", steps))
    url = f"http://127.0.0.1:{port}/"
    phase = Phase(tool, folder)
    saved: list[int] = []

    def reached() -> bool:
        if not live or not fetch(url):
            return fetch(url) == "start"
        if not saved:
            saved.append((folder / "www" / "slow").write_text("x"))
        return runs("sleep 86408")

    def mend() -> None:
        (folder / "www" / "slow").unlink(missing_ok=True)
        (folder / "www" / "index.html").write_text("after the kill")

    return phase.run(reached, lambda: fetch(url) == "after the kill", mend)


def building(tool: Tool, folder: Path, _: int) -> Figures:
    """An image is being built."""
    port = project(folder)[1]
    dockerfile = (folder / "Dockerfile").read_text()
    (folder / "Dockerfile").write_text(dockerfile.replace("ADD", f"RUN echo {secrets.token_hex(4)}; sleep 86409\nADD"))
    phase = Phase(tool, folder)

    def mend() -> None:
        left = wait_for(
            lambda: not runs("sleep 86409"), "the end of the build", phase, seconds=SURVIVE_SECONDS, must=False
        )
        if not left:
            print("the engine still builds after 2 s")
        (folder / "Dockerfile").write_text(dockerfile)

    return phase.run(lambda: runs("sleep 86409"), lambda: fetch(f"http://127.0.0.1:{port}/") == "start", mend)


def pushing(tool: Tool, folder: Path, _: int) -> Figures:
    """A large image is being pushed."""
    port = project(folder)[1]
    dockerfile = (folder / "Dockerfile").read_text()
    made = f"RUN dd if=/dev/urandom of=/big bs=1M count=400 && echo {secrets.token_hex(4)}\nADD"
    (folder / "Dockerfile").write_text(dockerfile.replace("ADD", made))
    phase = Phase(tool, folder)

    def mend() -> None:
        (folder / "Dockerfile").write_text(dockerfile)

    return phase.run(lambda: "Pushing" in phase.output, lambda: fetch(f"http://127.0.0.1:{port}/") == "start", mend)


def applying(tool: Tool, folder: Path, _: int) -> Figures:
    """The API server does not answer in the middle of an apply; and a command that applies takes for ever."""
    port = project(folder)[1]
    with before_the_cluster(Path(os.environ["KUBECONFIG"]), folder) as (gate, kubeconfig):
        phase = Phase(tool, folder)
        phase.env["KUBECONFIG"] = str(kubeconfig)
        stalled: list[float] = []

        def reached() -> bool:
            if not stalled and "Pushing" in phase.output:
                gate.stall()
                stalled.append(time.monotonic())
            return bool(stalled) and time.monotonic() > stalled[0] + 2

        return phase.run(reached, lambda: fetch(f"http://127.0.0.1:{port}/") == "start", gate.pass_on)


def applying_by_command(tool: Tool, folder: Path, _: int) -> Figures:
    """A command that applies takes for ever."""
    yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: faults-command}\n"
    (folder / "app.yaml").write_text(yaml)
    (folder / "apply.sh").write_text("test -e go || sleep 86410\nkubectl apply -f app.yaml -o yaml\n")
    (folder / "Tiltfile").write_text(
        "k8s_custom_deploy('a', apply_cmd='sh apply.sh', delete_cmd='kubectl delete -f app.yaml', deps=[])\n"
        "k8s_resource('a', pod_readiness='ignore')\nlocal_resource('b', 'touch done', resource_deps=['a'])\n"
    )
    return Phase(tool, folder).run(lambda: runs("sleep 86410"), (folder / "done").exists, (folder / "go").touch)


PARTS: dict[str, Part] = {
    "evaluation": evaluation,
    "command": command,
    "serve": serving,
    "background": lambda tool, folder, n: serving(tool, folder, n, "-d"),
    "build": building,
    "push": pushing,
    "apply": applying,
    "apply-command": applying_by_command,
    "live-update": partial(deployed, live=True),
    "forward": partial(deployed, live=False),
}
