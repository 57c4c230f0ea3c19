from pathlib import Path

import pytest

from tests.cli.conftest import Tilt


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("TILT_DEV_DIR", str(tmp_path / "state"))
    (tmp_path / "web").mkdir()
    for name in ("Dockerfile", "main.py", "notes.txt"):
        (tmp_path / "web" / name).write_text("FROM x\n")
    (tmp_path / "web" / ".dockerignore").write_text("*.txt\n")
    (tmp_path / "d.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: web}]}\n"
    )
    (tmp_path / "Tiltfile").write_text("docker_build('web', 'web')\nk8s_yaml('d.yaml')\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_files_of_a_context_are_listed_with_what_leaves_out_the_others(tilt: Tilt, folder: Path):
    assert tilt("dump", "context", "web").out.splitlines() == [
        "  .dockerignore",
        "  Dockerfile",
        "  main.py",
        f"- notes.txt  (*.txt of {folder}/web)",
    ]


def test_of_a_fast_build_the_places_of_what_is_added_are_listed(tilt: Tilt, folder: Path):
    text = "fast_build('web', 'web/Dockerfile').add('web', '/src').add('d.yaml', '/etc/')\nk8s_yaml('d.yaml')\n"
    (folder / "Tiltfile").write_text(text)
    assert tilt("dump", "context", "web").out.splitlines() == [
        "  /src/.dockerignore",
        "  /src/Dockerfile",
        "  /src/main.py",
        f"- /src/notes.txt  (*.txt of {folder}/web)",
        "  /etc/d.yaml",
    ]


def test_an_image_that_is_not_built_is_no_context(tilt: Tilt, folder: Path):  # noqa: ARG001 - the folder is entered
    status, _, error = tilt("dump", "context", "other")
    assert status == 1
    assert "no resource uses an image `other` that is built here\nhint: there are: web" in error
