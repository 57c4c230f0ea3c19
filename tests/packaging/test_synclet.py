import os
import pwd
import subprocess  # noqa: TID251 - the tests of a Go program are Go's
from pathlib import Path

import pytest

from hatch_build import find_go
from tests.house_rules.sources import ROOT

USERS_CACHE = Path(pwd.getpwuid(os.getuid()).pw_dir, ".cache", "go-build")
"""Of the person who runs the tests: to compile the standard library anew takes a minute."""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_go_program_passes_its_own_tests(monkeypatch: pytest.MonkeyPatch):
    go = find_go()
    if go is None:
        pytest.skip("there is no Go that is new enough")
    monkeypatch.setenv("GOCACHE", str(USERS_CACHE))
    for words in (["vet"], ["test", "-count=1"]):
        done = subprocess.run([go, *words, "./..."], cwd=ROOT / "synclet", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
