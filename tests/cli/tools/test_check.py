import json
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Tilt

WRONG = "value should be {}, but is of type int"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("TILT_DEV_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_good_tiltfile_is_reported_in_one_line(tilt: Tilt, folder: Path):
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
    (error,) = found["errors"]
    assert (error["message"], error["file"], error["line"], error["column"]) == (
        "Error in fail: no",
        f"{folder}/Other",
        2,
        5,
    )
    assert error["text"].endswith("    fail('no')\n        ^\nError in fail: no")
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


def test_every_undefined_name_is_reported(tilt: Tilt, folder: Path):
    (folder / "Tiltfile").write_text("x = one\ndef f():\n  return two\n")
    status, out, _ = tilt("check", "-o", "json")
    assert (status, [error["message"] for error in json.loads(out)["errors"]]) == (
        1,
        ["undefined: one", "undefined: two"],
    )


def test_the_check_goes_on_after_a_wrong_call_that_returns_nothing(tilt: Tilt, folder: Path):
    (folder / "Tiltfile").write_text(
        "local_resource('a/b', labels=1, deps=2)\nlocal_resource('c')\nk8s_yaml('none')\nlocal_resource('ok', 'true')\n"
    )
    status, out, _ = tilt("check", "-o", "json")
    errors = json.loads(out)["errors"]
    assert status == 1
    assert [(error["line"], error["message"].partition(": ")[2]) for error in errors] == [
        (1, f'local_resource: for parameter "labels": {WRONG.format("a label or List or Tuple of labels")}'),
        (1, f'local_resource: for parameter "deps": {WRONG.format("a string or List or Tuple of strings")}'),
        (1, "local_resource: for parameter name: invalid value \"a/b\": may not contain '/'"),
        (2, "local_resource must have a cmd and/or a serve_cmd, but both were empty"),
        (3, f"error reading yaml file: open {folder}/none: no such file or directory"),
    ]


def test_what_returns_a_value_or_ends_the_tiltfile_ends_the_check(tilt: Tilt, folder: Path):
    (folder / "Tiltfile").write_text("x = read_file('none')\nfail('no')\n")
    errors = json.loads(tilt("check", "-o", "json").out)["errors"]
    assert [error["line"] for error in errors] == [1]
    (folder / "Tiltfile").write_text("local_resource('a')\nfail('no')\nlocal_resource('b')\n")
    errors = json.loads(tilt("check", "-o", "json").out)["errors"]
    assert [error["line"] for error in errors] == [1, 2]
