"""The guards of `tests/conftest.py`, tried on small test files in a pytest of their own."""

import subprocess
import sys

import pytest

from tests.house_rules.sources import ROOT


@pytest.fixture
def outcome(tmp_path):
    """Run a test file as if it were one of the package `loop`; gives what pytest printed."""

    def run(text):
        file = tmp_path / "loop" / "test_it.py"
        file.parent.mkdir()
        file.write_text(text)
        options = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
        words = [sys.executable, "-m", "pytest", *options, f"--rootdir={tmp_path}", str(file)]
        return subprocess.run(words, cwd=ROOT, check=False, capture_output=True, text=True).stdout

    return run


def test_a_test_that_leaves_a_child_process_fails(outcome):
    printed = outcome("""\
import subprocess
left = []
def test_it(): left.append(subprocess.Popen(["sleep", "30"]))
""")
    assert "child processes left behind: ['sleep 30']" in printed


def test_a_test_that_leaves_a_task_fails(outcome):
    printed = outcome("""\
import asyncio
left = []
async def test_it(): left.append(asyncio.get_running_loop().create_task(asyncio.sleep(30), name="lost"))
""")
    assert "tasks left behind" in printed
    assert "lost" in printed


def test_a_test_that_ends_what_it_started_passes(outcome):
    printed = outcome("""\
import asyncio
async def test_it():
    process = await asyncio.create_subprocess_exec("true")
    assert await process.wait() == 0
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(open(__file__).close))
""")
    assert "1 passed" in printed


def test_code_of_the_program_that_blocks_the_loop_fails_its_test_but_may_block_a_thread(outcome):
    printed = outcome("""\
import asyncio, pytilt
scope = {}
exec(compile("import time\\ndef block(): time.sleep(0.001)", pytilt.__path__[0] + "/some.py", "exec"), scope)
async def test_thread(): await asyncio.to_thread(scope["block"])
async def test_loop(): scope["block"]()
""")
    assert "Blocking call to time.sleep" in printed
    assert "1 failed, 1 passed" in printed


def test_the_settings_of_the_person_who_runs_the_tests_do_not_reach_them(outcome, monkeypatch):
    for name in ("TILT_PORT", "DOCKER_HOST", "KUBECONFIG", "NO_COLOR"):
        monkeypatch.setenv(name, "1")
    printed = outcome("""\
import os
from pytilt.settings import Settings
def test_it():
    settings = Settings.from_environment()
    assert (settings.port, settings.docker_host) == (10350, "")
    assert settings.kubeconfig == (os.environ["HOME"] + "/.kube/config",)
    assert os.listdir(os.environ["HOME"]) == []
""")
    assert "1 passed" in printed
