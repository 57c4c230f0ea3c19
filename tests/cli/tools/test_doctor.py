import json
from pathlib import Path

import pytest

from tests.cli.conftest import Tilt


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an engine nor a cluster."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))


def test_what_does_not_answer_is_shown_with_the_hint_below_and_the_exit_code_is_0(tilt: Tilt):
    status, out, error = tilt("doctor")
    assert (status, error) == (0, "")
    lines = out.splitlines()
    at = lines.index("Container engine")
    assert lines[at - 1] == "---"
    assert lines[at + 1].startswith("- Host: Error: ")
    assert lines[at + 2].startswith("  hint: ")
    assert "- Context: engine" in lines


def test_json_has_the_same(tilt: Tilt):
    _, out, _ = tilt("doctor", "-o", "json")
    assert [section["title"] for section in json.loads(out)] == ["", "Container engine", "Kubernetes", "Programs"]


def test_a_path_that_is_no_text_is_shown_all_the_same(tilt: Tilt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "\udcff"
    folder.mkdir()
    (folder / "helm").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(folder))
    assert f"- helm: {tmp_path}/\ufffd/helm" in tilt("doctor")[1].splitlines()
    assert "\ufffd/helm" in json.dumps(json.loads(tilt("doctor", "-o", "json")[1]), ensure_ascii=False)


def test_verify_install_is_accepted_for_scripts(tilt: Tilt):
    assert tilt("verify-install") == (0, "", "")
