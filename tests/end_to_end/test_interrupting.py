"""Ctrl-C at any moment: quiet, with nothing left. `bench/interrupts.py` does it at many more moments."""

import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from bench.interrupts import TILTFILE, WAYS, attempt

FILES = {"Tiltfile": TILTFILE}
MOMENTS = (100, 250, 400, 700, 1200)
TILT = (sys.executable, "-m", "pytilt")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("words", [("up",), ("up", "--stream"), ("ci",), ("down",)], ids=" ".join)
def test_whoever_leaves_while_it_starts_sees_no_error_and_leaves_nothing(tilt_alone, words, way):
    tilt = tilt_alone(FILES, environ={"TERM": "xterm-256color"})
    tries = [
        attempt([*TILT, *words], tilt.environ, str(tilt.project.root), way=way, delay=delay, number=signal.SIGINT)
        for delay in MOMENTS
    ]
    assert [(each.delay, each.faults(signal.SIGINT), each.output) for each in tries if each.faults(signal.SIGINT)] == []


def test_the_program_that_generates_nothing_but_the_entry_point_imports_nothing_before_signals_are_set():
    program = (
        "import sys; before = set(sys.modules); import pytilt.__main__;"
        "print(sorted(set(sys.modules) - before))"
    )  # fmt: skip
    said = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert said == "['pytilt', 'pytilt.__main__']\n"


def test_a_session_that_is_left_during_a_build_says_nothing_of_broken_resources(tilt_alone):
    with tilt_alone(FILES).up() as session:
        session.says("slow │ Running")
        session.stop()
        assert "broken" not in session.output


def test_tilt_ci_that_is_interrupted_says_so_in_one_line(tilt_alone):
    with tilt_alone(FILES).start("ci") as session:
        session.says("slow │ Running")
        session.process.send_signal(signal.SIGINT)
        assert session.ended() == 130
        assert session.output.endswith("interrupted before everything was healthy\n")
        assert "Error" not in session.output


def piped(tilt, *words):
    """Run a command whose output nobody reads after its first line, although it has more to do than to print."""
    process = subprocess.Popen(
        [*TILT, *words], cwd=tilt.project.root, env=tilt.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    process.stdout.close()
    return first, process.wait(20)


@pytest.mark.parametrize("words", [("up", "--stream"), ("ci",)], ids=" ".join)
def test_a_session_whose_reader_has_gone_ends(tilt_alone, words):
    first, status = piped(tilt_alone(FILES), *words)
    assert first
    assert status == 141


def test_a_terminal_that_cannot_show_the_display_gets_the_log(tilt_alone):
    tilt = tilt_alone(FILES, environ={"TERM": "dumb"})
    reader, writer = pty.openpty()
    process = subprocess.Popen(
        [*TILT, "up"], cwd=tilt.project.root, env=tilt.environ, stdin=writer, stdout=writer, stderr=writer
    )
    os.close(writer)
    output, until = b"", time.monotonic() + 20
    with suppress(OSError):  # how Linux reports that nobody has the terminal open any more
        while "slow │".encode() not in output and time.monotonic() < until:
            output += os.read(reader, 65536)
    process.terminate()
    process.wait()
    os.close(reader)
    assert "slow │".encode() in output
