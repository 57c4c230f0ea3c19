"""The commands of `README.md`, run literally, in a copy of the repository and an empty home."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytilt.settings import Settings
from tests.end_to_end.sessions import Session, no_traceback
from tests.house_rules.sources import ROOT, files

README = (ROOT / "README.md").read_text()
VENV = Path(sys.executable).parent.parent
"""Where `make install` has put the tools; the copy uses it too."""


def commands(heading):
    """The indented lines below a heading, without their comments, block by block."""
    section = README.split(f"## {heading}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^    .+\n)+", section, re.MULTILINE)
    return [[line.partition("  # ")[0].strip() for line in block.splitlines()] for block in blocks]


def test_a_fresh_machine_takes_two_commands_which_the_checks_before_a_change_run_too():
    assert commands("Try it") == [["make demo", "make test"]]
    checked = re.search(r"^make --keep-going (.+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert checked
    assert {"demo", "test"} <= set(checked[1].split())


@pytest.fixture
def shell(engine_host, tmp_path, new_port):
    """Types a line into a shell, in a folder of a copy of the repository; `shell.environ` is what it starts from."""
    return Shell(copy(tmp_path / "pytilt"), engine_host, tmp_path, new_port())


class Shell:
    def __init__(self, folder, engine_host, home, port):
        self.folder = folder
        inherited = Settings.from_environment().environ
        self.environ = {
            **inherited,
            "HOME": str(home),
            "PATH": f"{home}/.local/bin:{VENV / 'bin'}:{inherited['PATH']}",
            "DOCKER_HOST": engine_host,
            "KUBECONFIG": f"{home}/kubeconfig",
            "TILT_PORT": str(port),
        }

    def start(self, line):
        return subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, line):
        if line.startswith("cd "):
            self.folder /= line.removeprefix("cd ")
            return ""
        with self.start(line) as process:
            said, _ = process.communicate()
        assert process.returncode == 0, f"`{line}` failed:\n{said}"
        no_traceback(said)
        return said


def copy(target):
    for path in files():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target / path)
    (target / "src" / "pytilt" / "demo" / "shop").symlink_to("../../../examples/shop")
    os.utime(target / "pyproject.toml", (0, 0))  # older than what is installed: nothing is installed again
    (target / ".venv").symlink_to(VENV)
    return target


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_who_follows_the_page_has_the_command_and_a_project_that_runs(shell, new_port):
    (installing, starting, asking, ending) = commands("Use it in your own project")
    assert [line.split()[0] for line in installing] == ["make", "pipx", "tilt"]
    said = [shell.type(line) for line in installing]
    assert "installed package pytilt" in said[1]
    assert "freshly edited" in said[2]
    assert "Deleting via kubectl: Deployment/web" in said[2]
    tilt = shell.type("readlink -f $(command -v tilt)").strip()
    assert tilt.startswith(shell.environ["HOME"])
    assert "/pytilt/src/" not in shell.type(f"$(dirname {tilt})/python -c 'import pytilt; print(pytilt.__file__)'")

    shell.type(starting[0])
    tiltfile = shell.folder / "Tiltfile"
    tiltfile.write_text(tiltfile.read_text().replace("8100", str(new_port())))
    session = Session(shell.start(starting[1]), Settings.from_environment(shell.environ))
    try:
        session.says("DONE IN")
        answers = [shell.type(line) for line in asking]
        assert "oneup" in answers[0]
        session.stop()
    finally:
        session.kill()
        last = shell.type(ending[0])
    assert "Deployment/oneup" in last
