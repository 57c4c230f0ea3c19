"""A terminal to run a command in: tmux, which takes keys and returns what is on the screen."""

import contextlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.sessions import Tilt, until

SETTINGS = """\
set -g remain-on-exit on
set -g default-terminal {kind}
set -g history-limit 5000
"""


class Terminal:
    """A terminal in which a command runs.

    Args:
        socket: of a tmux server of its own.
        status: a file that gets the command's exit code; tmux 3.3 does not always know it.
    """

    def __init__(self, socket: Path, status: Path) -> None:
        self._socket = socket
        self._status = status

    @property
    def screen(self) -> str:
        """What is on the screen."""
        return self._tmux("capture-pane", "-p")

    @property
    def printed(self) -> str:
        """What is on the screen, and what scrolled off it."""
        return self._tmux("capture-pane", "-p", "-S", "-")

    @property
    def ended(self) -> bool:
        """Has the command ended?"""
        return self._status.exists() and bool(self._status.read_text())

    @property
    def exit_code(self) -> int:
        """Of the command that ended."""
        return int(self._status.read_text())

    def press(self, *keys: str) -> None:
        """Press keys, as tmux names them."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type a line."""
        self._tmux("send-keys", "-l", text)
        self.press("Enter")

    def signal(self, number: int) -> None:
        """Send a signal to the command."""
        os.kill(self._command(), number)

    def displays(self) -> list[int]:
        """Process ids of the displays that the command started."""
        return [pid for pid in _children(self._command()) if b"\0hud\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def resize(self, columns: int, rows: int) -> None:
        """Give it another size."""
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def line(self, text: str) -> str:
        """The first line of the screen with a text in it; empty when there is none."""
        return next((line for line in self.screen.splitlines() if text in line), "")

    def shows(self, *texts: str) -> None:
        """Wait until all these texts are on the screen."""
        self.until(lambda: all(text in self.screen for text in texts), " and ".join(texts))

    def until(self, question: Callable[[], object], what: str) -> None:
        """Wait for something; on failure the screen is shown."""
        try:
            until(question, what)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; the screen:\n{self.screen}") from None

    def _command(self) -> int:
        (command,) = _children(int(self._tmux("display-message", "-p", "#{pane_pid}")))
        return command

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, *words], check=True, capture_output=True, text=True, timeout=20
        )
        return done.stdout


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextlib.contextmanager
def terminal(
    tilt: Tilt, *words: str, folder: Path, columns: int = 120, rows: int = 36, kind: str = "tmux-256color"
) -> Iterator[Terminal]:
    """Run `tilt` in a terminal; what still runs at the end of the block is ended.

    Args:
        tilt: the command in a project.
        words: of the command line.
        folder: for the files of the terminal itself.
        columns: of the terminal.
        rows: of the terminal.
        kind: TERM in the terminal.
    """
    status = folder / "status"
    command = f"{shlex.join(tilt._argv(words))}; echo $? > {shlex.quote(str(status))}"
    with _tmux(tilt, command, folder, (columns, rows), kind) as socket:
        yield Terminal(socket, status)


@contextlib.contextmanager
def shell(tilt: Tilt, *, folder: Path) -> Iterator[Terminal]:
    """Run a shell with job control in a terminal, in the folder of the project.

    Args:
        tilt: whose project and environment.
        folder: for the files of the terminal itself.
    """
    with _tmux(tilt, "bash --norc --noprofile -i", folder, (120, 36), "tmux-256color") as socket:
        yield Terminal(socket, folder / "status")


@contextlib.contextmanager
def _tmux(tilt: Tilt, command: str, folder: Path, places: tuple[int, int], kind: str) -> Iterator[Path]:
    """Run a command in a tmux server of its own, whose socket it returns, until the end of the block."""
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    socket, settings = folder / "tmux", folder / "tmux.conf"
    settings.write_text(SETTINGS.format(kind=kind))
    size = ("-x", str(places[0]), "-y", str(places[1]))
    begin = ["tmux", "-S", str(socket), "-f", str(settings), "new-session", "-d", *size, command]
    environ = {**tilt.environ, "COLORTERM": "truecolor", "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    subprocess.run(begin, check=True, cwd=tilt.project.root, env=environ, timeout=20)
    try:
        yield socket
    finally:
        subprocess.run(["tmux", "-S", socket, "kill-server"], check=False, timeout=20)
