"""What tests of commands start from."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pytilt.cli.main import run
from pytilt.settings import Settings
from tests.cli.sessions import Session, session
from tests.server.sessions import TOKEN


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    error: str


Tilt = Callable[..., Ended]


@pytest.fixture
def tilt(capfd: pytest.CaptureFixture[str]) -> Tilt:
    """Run a command line: `tilt("get", "uiresources")`."""

    def command(*words: str) -> Ended:
        status = run(list(words))
        said = capfd.readouterr()
        return Ended(status, said.out, said.err)

    return command


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session that commands find without options, with the resources `web` (label `backend`) and `db`."""
    state = Path(Settings.from_environment().state_dir)
    state.mkdir(parents=True)
    (state / "token").write_text(f"{TOKEN}\n")
    with session(tmp_path) as begun:
        monkeypatch.setenv("TILT_PORT", str(begun.port))
        monkeypatch.setenv("TILT_HOST", "127.0.0.1")
        begun.do(lambda made: made.add("web", labels=["backend"]))
        begun.do(lambda made: made.add("db"))
        yield begun
