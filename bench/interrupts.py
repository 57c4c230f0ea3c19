"""Interrupts commands at every moment of their start and counts what went wrong.

`python bench/interrupts.py [--step MS] [--until MS] [--signal INT] [COMMAND...]`: every command is started in a real
terminal and with pipes, gets ctrl-C (or the signal) after 0, 20, 40, … milliseconds, and must end quietly: with 0 or
130 (or by the signal itself, which a shell shows as 130), without a traceback, and with nothing left behind.
"""

import argparse
import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

TILTFILE = """\
local_resource('slow', 'sleep 30')
local_resource('served', serve_cmd='sleep 1000')
"""

COMMANDS = {
    "up": ("up", "--port", "{own}"),
    "up --stream": ("up", "--stream", "--port", "{own}"),
    "ci": ("ci", "--port", "{own}"),
    "down": ("down",),
    "get -w": ("get", "uiresources", "-w", "--port", "{shared}"),
    "logs -f": ("logs", "-f", "--port", "{shared}"),
    "wait": ("wait", "--for=condition=Ready", "uiresource/slow", "--port", "{shared}"),
}
WAYS = ("terminal", "pipe")
MARK = "PYTILT_INTERRUPT_MARK"
END_SECONDS = 6.0
LEFT_SECONDS = 3.0
STUCK = -999
"""In the place of the status of a command that did not end."""

LEADER = """
import fcntl, os, sys, termios
if os.isatty(0):
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Ended(NamedTuple):
    """How one try went."""

    delay: int
    status: int
    seconds: float
    output: str
    left: tuple[str, ...]
    tty_changed: bool

    def faults(self, number: int) -> list[str]:
        """What is wrong with it."""
        found = []
        if "Traceback" in self.output or "Fatal Python error" in self.output:
            found.append("traceback")
        if self.status not in (0, 130, 128 + number, -number):
            found.append(f"status {self.status}")
        if self.left:
            found.append("left behind")
        if self.tty_changed:
            found.append("terminal not restored")
        if "build canceled" in self.output or "display ended" in self.output:
            found.append("false words")
        return found


def processes(mark: str) -> list[tuple[int, str]]:
    """What lives and carries the mark in its environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if f"{MARK}={mark}".encode() in (entry / "environ").read_bytes():
                    words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    found.append((int(entry.name), words.strip()))
    return found


def attempt(
    words: Sequence[str],
    environ: Mapping[str, str],
    folder: str,
    *,
    way: str,
    delay: int,
    number: int,
    since: str = "entry",
) -> Ended:
    """Start a command, interrupt it after so many milliseconds, and see how it ends.

    Args:
        words: the command.
        environ: its environment.
        folder: where.
        way: `terminal` or `pipe`.
        delay: milliseconds.
        number: the signal.
        since: from when: `exec`, or `entry`, which is when the program takes the signal out of the hands of Python.
    """
    mark = uuid.uuid4().hex
    terminal = way == "terminal"
    reader, writer = pty.openpty() if terminal else os.pipe()
    before = termios.tcgetattr(writer) if terminal else None
    # A process of its own makes the terminal the controlling one of a new session, then becomes the command.
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", LEADER, *words],
        cwd=folder, env={**environ, MARK: mark}, stdin=writer if terminal else subprocess.DEVNULL,
        stdout=writer, stderr=writer, start_new_session=True,
    )  # fmt: skip
    if not terminal:
        os.close(writer)
    line = Path(f"/proc/{process.pid}/cmdline")  # for a moment of an `exec`, and at the end, it is empty
    _until(lambda: (bool(now := line.read_bytes()) and b"TIOCSCTTY" not in now) or process.poll() is not None)
    if since == "entry":
        _until(lambda: handles(process.pid, signal.SIGINT) or process.poll() is not None)
        _until(lambda: not handles(process.pid, signal.SIGINT) or process.poll() is not None)
    output, began = bytearray(), time.monotonic()
    while process.poll() is None and time.monotonic() < began + delay / 1000:
        _read(reader, output, max(0.0, min(0.005, began + delay / 1000 - time.monotonic())))
    sent = time.monotonic()
    if process.poll() is None:
        if terminal and number == signal.SIGINT:
            os.write(reader, b"\x03")
        else:
            os.killpg(process.pid, number)
    while process.poll() is None and time.monotonic() < sent + END_SECONDS:
        _read(reader, output, 0.005)
    took, status = time.monotonic() - sent, process.poll()
    while _read(reader, output, 0):
        pass
    _until(lambda: not processes(mark), LEFT_SECONDS)
    left = processes(mark)
    changed = before is not None and termios.tcgetattr(writer)[:4] != before[:4]
    for pid, _ in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    for each in (reader, writer) if terminal else (reader,):
        os.close(each)
    text = output.decode(errors="replace")
    return Ended(delay, STUCK if status is None else status, took, text, tuple(each for _, each in left), changed)


def handles(pid: int, number: int) -> bool:
    """Does a process have a handler of its own for a signal?"""
    with contextlib.suppress(OSError):
        caught = Path(f"/proc/{pid}/status").read_text().partition("SigCgt:")[2].split()[0]
        return bool(int(caught, 16) & 1 << number - 1)
    return False


def _read(descriptor: int, output: bytearray, seconds: float) -> bool:
    """Add what comes within so many seconds; returns whether anything came."""
    if not select.select([descriptor], [], [], seconds)[0]:
        return False
    try:
        more = os.read(descriptor, 65536)
    except OSError:  # how Linux reports that nobody has the terminal open any more
        return False
    output += more
    return bool(more)


def _until(question: Callable[[], bool], seconds: float = END_SECONDS) -> None:
    until = time.monotonic() + seconds
    while not question() and time.monotonic() < until:
        time.sleep(0.002)


@contextlib.contextmanager
def session(tilt: Sequence[str], environ: Mapping[str, str], folder: str, port: int) -> Iterator[None]:
    """A session that the asking commands ask."""
    process = subprocess.Popen(
        [*tilt, "up", "--stream", "--port", str(port)],
        cwd=folder,
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if b"Tilt started" in line:
            break
    try:
        yield
    finally:
        process.terminate()
        process.communicate()


def main() -> None:
    """Try all, and print a line for each command and way."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("commands", nargs="*", default=list(COMMANDS))
    options.add_argument("--step", type=int, default=20)
    options.add_argument("--from", dest="first", type=int, default=0)
    options.add_argument("--until", type=int, default=1500)
    options.add_argument("--signal", default="INT")
    options.add_argument("--module", action="store_true", help="`python -m pytilt` instead of the script")
    options.add_argument("--since", choices=["exec", "entry"], default="exec")
    options.add_argument("--show", action="store_true", help="print the output of tries that went wrong")
    options.add_argument("--port", type=int, default=20350)
    chosen = options.parse_args()
    number = signal.Signals[f"SIG{chosen.signal}"]
    tilt = [sys.executable, "-m", "pytilt"] if chosen.module else [str(Path(sys.executable).parent / "tilt")]
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Tiltfile").write_text(TILTFILE)
        environ = {**os.environ, "TILT_DEV_DIR": f"{folder}/state", "TERM": "xterm-256color"}
        with session(tilt, environ, folder, chosen.port):
            for name in chosen.commands:
                words = [each.format(own=chosen.port + 1, shared=chosen.port) for each in COMMANDS[name]]
                for way in WAYS:
                    tries = [
                        attempt(
                            [*tilt, *words], environ, folder, way=way, delay=delay, number=number, since=chosen.since
                        )
                        for delay in range(chosen.first, chosen.until + 1, chosen.step)
                    ]
                    failed = report(name, way, tries, number, show=chosen.show) or failed
    sys.exit(failed)


def report(name: str, way: str, tries: Sequence[Ended], number: int, *, show: bool) -> bool:
    """Print how the tries of one command went; returns whether any went wrong."""
    faults: dict[str, list[int]] = {}
    for one in tries:
        for fault in one.faults(number):
            faults.setdefault(fault, []).append(one.delay)
    statuses = {status: sum(each.status == status for each in tries) for status in sorted({t.status for t in tries})}
    slowest = max(each.seconds for each in tries)
    summary = "; ".join(f"{fault}: {len(at)} (at {', '.join(map(str, at[:8]))} ms)" for fault, at in faults.items())
    print(
        f"{name:12} {way:9} {len(tries)} tries, statuses {statuses}, slowest {slowest:.2f} s: {summary or 'all well'}",
        flush=True,
    )
    if show:
        for one in tries:
            if one.faults(number):
                print(f"--- {one.delay} ms, {one.faults(number)}, left {one.left}\n{one.output}\n---", flush=True)
    return bool(faults)


if __name__ == "__main__":
    main()
