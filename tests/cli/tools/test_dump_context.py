import json
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


@pytest.mark.usefixtures("folder")
def test_the_files_of_a_context_are_listed_with_what_leaves_out_the_others(tilt: Tilt):
    assert tilt("dump", "context", "web").out.splitlines() == [
        "  .dockerignore",
        "  Dockerfile",
        "  main.py",
        "- notes.txt  (web/.dockerignore:1: *.txt)",
    ]


def test_of_a_fast_build_the_places_of_what_is_added_are_listed(tilt: Tilt, folder: Path):
    text = "fast_build('web', 'web/Dockerfile').add('web', '/src').add('d.yaml', '/etc/')\nk8s_yaml('d.yaml')\n"
    (folder / "Tiltfile").write_text(text)
    assert tilt("dump", "context", "web").out.splitlines() == [
        "  /src/.dockerignore",
        "  /src/Dockerfile",
        "  /src/main.py",
        "- /src/notes.txt  (web/.dockerignore:1: *.txt)",
        "  /etc/d.yaml",
    ]


def test_an_image_that_is_not_built_is_no_context(tilt: Tilt, folder: Path):  # noqa: ARG001 - the folder is entered
    status, _, error = tilt("dump", "context", "other")
    assert status == 1
    assert "no resource uses an image `other` that is built here\nhint: there are: web" in error


def test_what_a_command_builds_shows_what_is_watched_and_where_live_updates_bring_it(tilt: Tilt, folder: Path):
    (folder / ".tiltignore").write_text("\n**/*.md\n")
    (folder / "web" / "a.md").write_text("")
    build = "custom_build('web', 'true', ['web'], ignore='Dockerfile', live_update=[sync('web', '/app')])"
    (folder / "Tiltfile").write_text(f"{build}\nk8s_yaml('d.yaml')\n")
    assert tilt("dump", "context", "web").out.splitlines() == [
        "  web/.dockerignore  -> /app/.dockerignore",
        "- web/Dockerfile  (ignore=: Dockerfile)",
        "- web/a.md  (.tiltignore:2: **/*.md)",
        "  web/main.py  -> /app/main.py",
        "- web/notes.txt  (web/.dockerignore:1: *.txt)",
    ]
    listed = json.loads(tilt("dump", "context", "web", "-o", "json").out)
    assert listed[0] == {
        "path": "web/.dockerignore",
        "included": True,
        "watched": True,
        "syncedTo": ["/app/.dockerignore"],
    }
    assert listed[2]["rule"] == {"source": f"{folder}/.tiltignore", "line": 2, "pattern": "**/*.md"}
