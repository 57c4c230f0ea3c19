"""The guards of `tests/conftest.py`, tried on small test files in one pytest of their own."""

import os
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from tests.house_rules.sources import ROOT

TRIALS = {
    "child": """\
import subprocess
left = []
def test_it(): left.append(subprocess.Popen(["sleep", "30"]))
""",
    "task": """\
import asyncio
left = []
async def test_it(): left.append(asyncio.get_running_loop().create_task(asyncio.sleep(30), name="lost"))
""",
    "orderly": """\
import asyncio
async def test_it():
    process = await asyncio.create_subprocess_exec("true")
    assert await process.wait() == 0
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(open(__file__).close))
""",
    "blocking": """\
import asyncio, pytilt
scope = {}
exec(compile("import time\\ndef block(): time.sleep(0.001)", pytilt.__path__[0] + "/some.py", "exec"), scope)
async def test_thread(): await asyncio.to_thread(scope["block"])
async def test_loop(): scope["block"]()
""",
    "settings": """\
import os
from pytilt.settings import Settings
def test_it():
    settings = Settings.from_environment()
    assert (settings.port, settings.docker_host) == (10350, "")
    assert settings.kubeconfig == (os.environ["HOME"] + "/.kube/config",)
    assert os.listdir(os.environ["HOME"]) == []
""",
}
"""Test files, as if they were of the package `loop`."""


@pytest.fixture(scope="module")
def complaints(tmp_path_factory):
    """What pytest says against each test of the files, by file and test; empty: it passed."""
    folder = tmp_path_factory.mktemp("trials") / "loop"
    folder.mkdir()
    for name, text in TRIALS.items():
        (folder / f"test_{name}.py").write_text(text)
    report = folder / "report.xml"
    options = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    words = [sys.executable, "-m", "pytest", *options, f"--rootdir={folder}", f"--junitxml={report}", str(folder)]
    of_a_person = dict.fromkeys(("TILT_PORT", "DOCKER_HOST", "KUBECONFIG", "NO_COLOR"), "1")
    subprocess.run(words, cwd=ROOT, check=False, capture_output=True, env={**os.environ, **of_a_person})
    found: dict[str, str] = {}
    for case in ET.parse(report).getroot().iter("testcase"):
        where = f"{case.attrib['classname'].rpartition('test_')[2]}.{case.attrib['name']}"
        found[where] = found.get(where, "") + "".join(
            part.attrib.get("message", "") + (part.text or "") for part in case
        )
    return found


def test_a_test_that_leaves_a_child_process_fails(complaints):
    assert "child processes left behind: ['sleep 30']" in complaints["child.test_it"]


def test_a_test_that_leaves_a_task_fails(complaints):
    assert "tasks left behind" in complaints["task.test_it"]
    assert "lost" in complaints["task.test_it"]


def test_a_test_that_ends_what_it_started_passes(complaints):
    assert complaints["orderly.test_it"] == ""


def test_code_of_the_program_that_blocks_the_loop_fails_its_test_but_may_block_a_thread(complaints):
    assert complaints["blocking.test_thread"] == ""
    assert "Blocking call to time.sleep" in complaints["blocking.test_loop"]


def test_the_settings_of_the_person_who_runs_the_tests_do_not_reach_them(complaints):
    assert complaints["settings.test_it"] == ""
