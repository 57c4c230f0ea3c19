import os
import time
from pathlib import Path

import pytest

from pytilt.session.places import KEPT_BYTES, KEPT_SESSIONS, ensure_token, new_session_dir, token_path
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


def aged(folder: Path, days: float, text: str = "line") -> Path:
    (folder / "log").write_text(text)
    moment = time.time() - days * 86400
    for each in (folder / "log", folder):
        os.utime(each, (moment, moment))
    return folder


def test_a_log_goes_after_two_weeks(settings: Settings):
    old, young = aged(new_session_dir(settings), 15), aged(new_session_dir(settings), 13)
    new_session_dir(settings)
    assert (old.exists(), young.exists()) == (False, True)


def test_the_oldest_logs_go_where_all_take_too_much(settings: Settings):
    older, newer = aged(new_session_dir(settings), 3), aged(new_session_dir(settings), 2)
    with (newer / "log").open("r+b") as log:
        log.truncate(KEPT_BYTES)  # a sparse file: it takes no space
    os.utime(newer / "log", (time.time() - 2 * 86400,) * 2)
    new_session_dir(settings)
    assert (older.exists(), newer.exists()) == (False, True)
