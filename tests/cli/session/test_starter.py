from io import StringIO
from pathlib import Path

import pytest

from pytilt.cli.session.starter import STARTER, offer_starter
from pytilt.testing.project import Project


class Terminal(StringIO):
    """A terminal in which somebody types."""

    def isatty(self) -> bool:
        return True


def offered(monkeypatch: pytest.MonkeyPatch, tiltfile: Path, answer: str, *, terminal: bool = True) -> str:
    """What is said in a terminal where somebody answers so."""
    out = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal(answer) if terminal else StringIO(answer))
    monkeypatch.setattr("sys.stdout", out)
    offer_starter(str(tiltfile))
    return out.getvalue()


def test_a_tiltfile_is_written_where_somebody_wants_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    path = tmp_path / "Tiltfile"
    assert "There is no Tiltfile at" in offered(monkeypatch, path, "n\n")
    assert not path.exists()
    offered(monkeypatch, path, "Y\n")
    assert path.read_text() == STARTER
    path.write_text("mine")
    assert offered(monkeypatch, path, "y\n") == ""
    assert path.read_text() == "mine"


@pytest.mark.parametrize(("place", "terminal"), [("Tiltfile", False), ("none/Tiltfile", True)])
def test_nobody_is_asked_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str, terminal: bool):
    assert offered(monkeypatch, tmp_path / place, "y\n", terminal=terminal) == ""
    assert not (tmp_path / place).exists()


def test_the_starter_is_evaluated(tmp_path: Path):
    project = Project(tmp_path, {"Tiltfile": STARTER})
    project.declare()
    assert "Hello from the Tiltfile" in project.log
