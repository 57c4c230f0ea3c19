import json
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Tilt


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("TILT_DEV_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_good_tiltfile_is_told_in_one_line(tilt: Tilt, folder: Path):
    (folder / "Tiltfile").write_text("print('x')\nlocal_resource('a', 'exit 1')\n")
    assert tilt("check") == (0, f"{folder}/Tiltfile: 1 resource, no errors\n", "")


def test_warnings_are_printed_and_are_no_failure(tilt: Tilt, folder: Path):
    (folder / "Tiltfile").write_text("warn('careful')\nlocal_resource('a', 'true', resource_deps=['b'])\n")
    status, out, _ = tilt("check")
    assert status == 0
    assert "warning: careful\n" in out
    assert "warning: resource a specified a dependency on unknown resource b - dependency ignored\n" in out


def test_an_error_is_printed_with_its_place_and_after_the_warnings(tilt: Tilt, folder: Path):
    (folder / "Tiltfile").write_text("warn('careful')\nlocal_resource('a', dir=1)\n")
    status, out, _ = tilt("check")
    assert status == 1
    assert out.startswith("warning: careful\nerror: Traceback")
    assert f"{folder}/Tiltfile:2:15: in <toplevel>" in out


def test_a_file_of_any_name_is_checked_and_what_is_found_is_machine_readable(tilt: Tilt, folder: Path):
    (folder / "Other").write_text("warn('w')\nfail('no')\n")
    status, out, _ = tilt("check", "-f", "Other", "-o", "json")
    found = json.loads(out)
    assert (status, found["warnings"], found["resources"]) == (1, ["w"], [])
    assert found["errors"][0].endswith("Error in fail: no")
    (folder / "Other").write_text("local_resource('a', 'true')\n")
    assert json.loads(tilt("check", "-f", "Other", "-o", "json").out) == {
        "errors": [],
        "warnings": [],
        "resources": ["a"],
    }


def test_a_thousand_lines_take_little_time(tilt: Tilt, folder: Path):
    lines = [f"local_resource('r{n}', 'true', labels=['l'], deps=['d{n}'])" for n in range(1000)]
    (folder / "Tiltfile").write_text("\n".join(lines))
    tilt("check")
    start = time.process_time()
    assert tilt("check").out.endswith("1000 resources, no errors\n")
    assert time.process_time() - start < 0.6  # half of it on a machine that has nothing else to do
