"""The command `tilt` as a user runs it: real child processes in the folder of a project, and what they say and do."""

import contextlib
import functools
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pytilt.cli.client import SessionClient
from pytilt.model.base import Value
from pytilt.settings import Settings
from pytilt.testing.project import Project

TILT = str(Path(sys.executable).parent / "tilt")
EXAMPLES = Path(__file__).parents[2] / "examples"

PATIENCE_SECONDS = 40.0
"""How long a test waits for what has to come; far more than it takes."""

PAUSE_SECONDS = 0.02
"""Between two looks at what emits no events."""

END_SECONDS = 10.0
"""A session that a signal has not ended in order after two seconds ends itself, by another exit code."""

OVERLOAD = 4
"""That many for each processor; a run of all tests has less than half of it."""

PYTHON_FRAME = re.compile(r'File "[^"]+", line \d+')
"""A line of a Python traceback; the trace of a Tiltfile has no such lines."""

Json = dict[str, Any]
T = TypeVar("T")


class Ended(Value):
    """What a command that ended has left."""

    code: int
    output: str
    """Of stdout and stderr."""


def until(question: Callable[[], T | None], what: str, *, seconds: float = PATIENCE_SECONDS) -> T:
    """Ask until the answer is neither None nor false, and return it."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(PAUSE_SECONDS)
    return answer


def served(port: int, path: str = "/") -> str:
    """What a server of this machine answers; empty while it does not."""
    connection = http.client.HTTPConnection("localhost", port, timeout=10)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    return ""


class Session:
    """A command that goes on, most often `tilt up`.

    Args:
        process: its process, with a pipe for what it prints.
        settings: its environment.
    """

    def __init__(self, process: "subprocess.Popen[str]", settings: Settings) -> None:
        self.process = process
        self._settings = settings
        self._text = ""
        self._received = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @functools.cached_property
    def _client(self) -> SessionClient:
        """Asks it: at the port that it was given, else at the one that it says."""
        if self._settings.port_given:
            return SessionClient(self._settings)
        started = re.compile(r"Tilt started on http://[^:/]+:(\d+)/")
        found = self.until(lambda: started.search(self.output), "its port")
        return SessionClient(self._settings, port=int(found[1]))

    @property
    def output(self) -> str:
        """What it has printed so far."""
        with self._received:
            return self._text

    def says(self, text: str, *, times: int = 1) -> str:
        """Wait until it has printed a text so many times; return everything from its last occurrence on."""
        with self._received:
            self._received.wait_for(
                lambda: self._text.count(text) >= times or not self._reader.is_alive(), PATIENCE_SECONDS
            )
            assert self._text.count(text) >= times, f"it never said `{text}`:\n{self._text}"
            return self._text[self._text.rindex(text) :]

    def until(self, question: Callable[[], T | None], what: str, *, seconds: float = PATIENCE_SECONDS) -> T:
        """As the function `until`; on failure the output is shown."""
        try:
            return until(question, what, seconds=seconds)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; the session said:\n{self.output}") from None

    def rows(self) -> dict[str, Json]:
        """The status of every row, as `tilt get uiresources -o json` shows it; empty while it does not answer."""
        with contextlib.suppress(Exception):
            items = self._client.items("uiresources")["items"]
            return {item["metadata"]["name"]: item["status"] for item in items}
        return {}

    def updates(self, name: str) -> list[Json]:
        """The updates of a resource that ended, oldest first."""
        history: list[Json] = self.rows()[name].get("buildHistory", [])
        return history[::-1]

    def counts(self) -> dict[str, int]:
        """How many updates of every row have ended."""
        return {name: len(row.get("buildHistory", [])) for name, row in self.rows().items()}

    def strategies(self, name: str) -> list[str]:
        """How the updates of a resource worked, oldest first: `full`, `live`, `command`, `evaluate`."""
        return [update["strategy"] for update in self.updates(name)]

    def pods(self, name: str) -> list[Json]:
        """The present pods of a resource, best first."""
        pods: list[Json] = self._client.get("runtimes.pytilt.dev", name)["status"].get("pods", [])
        return pods

    def container(self, name: str) -> tuple[str, str]:
        """Pod name and container id of a resource with one container; empty where there is none yet."""
        pod: Json = next(iter(self.pods(name)), {})
        container: Json = next(iter(pod.get("containers", [])), {})
        return pod.get("name", ""), container.get("id", "")

    def is_settled(self, *names: str) -> bool:
        """Are these ready, with everything on disk in what runs?"""
        rows = self.rows()
        return all(name in rows and is_green(rows[name]) for name in names)

    def settles(self, *names: str) -> None:
        """Wait until these are ready and up to date."""
        self.until(lambda: self.is_settled(*names), f"{names} to be ready and up to date")

    def fails(self, name: str) -> str:
        """Wait until the last update of a row has failed, and return its error."""

        def error() -> str:
            status = self.rows().get(name, {})
            failed = status.get("updateStatus") == "error"
            return str(status["buildHistory"][0].get("error", "")) if failed else ""

        return self.until(error, f"{name} to fail")

    def stop(self, number: int = signal.SIGINT) -> bool:
        """End it by a signal; it must do so in order, within the two seconds that it has.

        Returns:
            Whether it did: where the machine is too busy for that, it may have ended itself, and its processes follow.
        """
        self.process.send_signal(number)
        code = self.ended()
        forced = code == 128 + number and is_overloaded()
        assert code == 0 or forced, f"exit code {code}:\n{self.output}"
        return code == 0

    def ended(self) -> int:
        """Wait for its end; return its exit code."""
        code = self.process.wait(END_SECONDS)
        self._reader.join()
        return code

    def kill(self) -> None:
        """End it without giving it a chance to tidy up, if it still runs."""
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                with self._received:
                    self._text += line
                    self._received.notify_all()
        with self._received:
            self._received.notify_all()


def is_green(row: Json) -> bool:
    """Is a row ready and up to date?"""
    return all(condition["status"] == "True" for condition in row["conditions"])


class Tilt:
    """The command `tilt` in the folder of a project.

    Args:
        project: its files.
        environ: the environment; without TILT_PORT, sessions have no server.
        namespace: where to deploy; empty: nothing is said of it.
    """

    def __init__(self, project: Project, environ: Mapping[str, str], namespace: str = "") -> None:
        self.project = project
        self.environ = dict(environ)
        self._placed = ("--namespace", namespace) if namespace else ()

    def save(self, name: str, text: str) -> None:
        """Save a file of the project as editors do: write another one, then rename it."""
        path = self.project.root / name
        other = path.with_name(f".{path.name}.swp")
        other.write_text(text)
        if path.exists():
            shutil.copymode(path, other)
        other.replace(path)

    def shell(self, command: str) -> None:
        """Run a command in the folder of the project."""
        subprocess.run(["sh", "-ec", command], cwd=self.project.root, check=True)

    def edit(self, name: str, present: str, wanted: str) -> None:
        """Replace a text in a file of the project; it must be there."""
        text = (self.project.root / name).read_text()
        assert present in text
        self.save(name, text.replace(present, wanted))

    def run(self, *words: str, seconds: float = PATIENCE_SECONDS) -> Ended:
        """Run a command to its end."""
        done = subprocess.run(
            self._argv(words),
            cwd=self.project.root,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=seconds,
        )
        no_traceback(done.stdout)
        return Ended(code=done.returncode, output=done.stdout)

    def ok(self, *words: str) -> str:
        """Run a command that must succeed; return what it printed."""
        ended = self.run(*words)
        assert ended.code == 0, f"`tilt {' '.join(words)}` failed:\n{ended.output}"
        return ended.output

    @contextlib.contextmanager
    def up(self, *words: str) -> Iterator[Session]:
        """Run `tilt up --stream` until the end of the block, and end it by ctrl-C unless the block has."""
        with self.start("up", "--stream", *words) as session:
            yield session
            if session.process.poll() is None:
                session.stop()

    @contextlib.contextmanager
    def start(self, *words: str) -> Iterator[Session]:
        """Run a command without end; what still runs at the end of the block is killed."""
        process = subprocess.Popen(
            self._argv(words),
            cwd=self.project.root,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running = Session(process, Settings.from_environment(self.environ))
        try:
            yield running
        finally:
            running.kill()
        no_traceback(running.output)

    def _argv(self, words: tuple[str, ...]) -> list[str]:
        placed = self._placed if words[0] in ("up", "ci", "down") else ()
        return [TILT, words[0], *placed, *words[1:]]


def no_traceback(output: str) -> None:
    """A Python traceback in what people see is a bug."""
    assert not PYTHON_FRAME.search(output), output


def is_overloaded() -> bool:
    """Do so many want to run on this machine that what takes a tenth of a second may take two?"""
    return os.getloadavg()[0] > OVERLOAD * (os.cpu_count() or 1)


def is_running(pid: int) -> bool:
    """Does a process live? One that ended and was not reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
