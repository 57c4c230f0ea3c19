from pathlib import Path

import pytest

from pytilt.session.places import KEPT_SESSIONS, ensure_token, new_session_dir, token_path
from pytilt.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environment({"HOME": str(tmp_path)})


def test_the_token_is_made_once_and_kept_from_others(settings: Settings):
    token = ensure_token(settings)
    assert len(token) == 36
    assert ensure_token(settings) == token
    assert token_path(settings).read_text().strip() == token
    assert token_path(settings).stat().st_mode & 0o077 == 0


def test_an_empty_token_is_made_anew(settings: Settings):
    ensure_token(settings)
    token_path(settings).write_text("\n")
    assert len(ensure_token(settings)) == 36


def test_the_logs_of_old_sessions_are_removed_when_another_begins(settings: Settings):
    folders = [new_session_dir(settings) for _ in range(KEPT_SESSIONS + 3)]
    left = set(folders[0].parent.iterdir())
    assert len(left) == KEPT_SESSIONS
    assert folders[-1] in left


def test_sessions_may_begin_at_the_same_moment(settings: Settings):
    gone = new_session_dir(settings).parent / "gone"
    gone.symlink_to("nowhere")  # listed, but when it is looked at it is not there any more
    new_session_dir(settings)
