from pathlib import Path

import pytest

from tests.cli.conftest import Tilt
from tests.cli.sessions import Session


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["db"], ["db"]), (["web", "--", "--debug"], ["web", "--debug"]), (["--", "--clear"], ["--clear"])],
)
def test_arguments_are_changed(tilt: Tilt, served: Session, words: list[str], expected: list[str]):
    ended = tilt("args", *words)
    text = f"Changed config args for Tilt running at 127.0.0.1:{served.port} to [{' '.join(expected)}]\n"
    assert ended == (0, text, "")
    assert served.served.asked.args == expected


def test_the_same_arguments_again_change_nothing(tilt: Tilt, served: Session):
    tilt("args", "db")
    assert tilt("args", "db").out == "Tilt is already running with those args -- no action taken\n"
    assert tilt("args", "--clear").status == 0
    assert served.served.asked.args == []


def test_clear_and_arguments_contradict_each_other(tilt: Tilt):
    assert tilt("args", "--clear", "db") == (1, "", "Error: --clear cannot be specified with other values\n")


@pytest.mark.usefixtures("served")
def test_without_arguments_and_editor_it_says_what_to_do(tilt: Tilt):
    ended = tilt("args")
    assert (ended.status, ended.out) == (1, "")
    assert "set EDITOR" in ended.error


def edits(folder: Path, script: str) -> str:
    """An editor that does this to the file `$1`."""
    editor = folder / "editor"
    editor.write_text(f"#!/bin/sh\n{script}\n")
    editor.chmod(0o755)
    return str(editor)


def test_without_arguments_the_present_ones_are_edited(
    tilt: Tilt, served: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EDITOR", edits(tmp_path, f"cp $1 {tmp_path}/seen; echo 'a \"b c\"' > $1"))
    assert tilt("args").status == 0
    assert served.served.asked.args == ["a", "b c"]
    assert (tmp_path / "seen").read_text() == "# arguments for the Tiltfile\nweb\n"


@pytest.mark.usefixtures("served")
def test_two_lines_of_arguments_are_one_too_many(tilt: Tilt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EDITOR", edits(tmp_path, "printf 'a\\nb\\n' > $1"))
    assert tilt("args").error == "Error: exactly one line of arguments is expected\n"


def test_an_editor_that_is_left_without_saving_changes_nothing(
    tilt: Tilt, served: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EDITOR", edits(tmp_path, "exit 0"))
    tilt("args")
    assert served.served.asked.args == ["web"]


@pytest.mark.usefixtures("served")
def test_arguments_that_are_no_words_are_an_error(tilt: Tilt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EDITOR", edits(tmp_path, 'echo "it\'s" > $1'))
    ended = tilt("args")
    assert ended.status == 1
    assert ended.error == "Error: the arguments cannot be read: No closing quotation\nhint: quote them as in a shell\n"
