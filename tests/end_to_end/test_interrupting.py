"""Ctrl-C at any moment: quiet, with nothing left. `bench/interrupts.py` does it at many more moments."""

import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from bench.interrupts import TILTFILE, WAYS, attempt
from pytilt.settings import Settings

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


SCRIPT = Path(sys.executable).parent / "tilt"


@pytest.mark.skipif(not Path("/usr/bin/basenc").exists(), reason="the `env` of this machine cannot hold signals back")
def test_ctrl_c_while_python_starts_ends_the_command_quietly(tmp_path):
    environ = {**Settings.from_environment().environ, "TILT_DEV_DIR": str(tmp_path)}
    tries = [
        attempt([str(SCRIPT), "help"], environ, str(tmp_path), way="pipe", delay=delay, number=signal.SIGINT)
        for delay in range(0, 60, 4)
    ]
    assert [(each.delay, each.faults(signal.SIGINT), each.output) for each in tries if each.faults(signal.SIGINT)] == []


def test_the_command_is_found_through_links_and_hands_its_words_on(tmp_path):
    (tmp_path / "bin=dir 1").mkdir()
    (tmp_path / "bin=dir 1" / "tilt").symlink_to(SCRIPT)
    (tmp_path / "t").symlink_to("bin=dir 1/tilt")
    (tmp_path / "a=b").symlink_to(SCRIPT.parent)
    (tmp_path / "pytilt").write_text("#!/bin/sh\necho another one\n")
    (tmp_path / "pytilt").chmod(0o755)
    for words in ([str(tmp_path / "t")], ["sh", "t"], [str(tmp_path / "a=b" / "tilt")]):
        command = [*words, "version", "a b"]
        done = subprocess.run(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert (done.returncode, "(a b)" in done.stdout) == (1, True), done.stdout


def test_what_a_command_starts_does_not_inherit_that_ctrl_c_was_held_back(tmp_path):
    (tmp_path / "Tiltfile").write_text("fail(str(local('grep SigBlk /proc/self/status', quiet=True)))\n")
    environ = {**Settings.from_environment().environ, "TILT_DEV_DIR": str(tmp_path)}
    command = [str(SCRIPT), "alpha", "tiltfile-result"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True, check=False)
    assert "SigBlk:\t0000000000000000" in done.stderr


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
