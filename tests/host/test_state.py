import errno
import fcntl
import os
import stat
from pathlib import Path

import pytest

from pytilt.errors import UserError
from pytilt.host.state import LockedError, StateDirectory, explained, temporary_files


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    return StateDirectory(tmp_path / "a/.tilt-dev")


@pytest.mark.parametrize("durable", [False, True])
def test_what_was_written_is_read_back_and_is_private(state: StateDirectory, durable: bool):
    state.write("token", b"secret", durable=durable)
    assert state.read("token") == b"secret"
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o700
    assert stat.S_IMODE((state.path / "token").stat().st_mode) == 0o600


def test_a_write_replaces_the_file_as_a_whole_and_leaves_nothing_else(state: StateDirectory):
    state.write("token", b"one")
    with (state.path / "token").open("rb") as reader:
        state.write("token", b"two")
        assert reader.read() == b"one"
    assert [path.name for path in state.path.iterdir()] == ["token"]


def test_a_file_that_is_not_there_reads_as_nothing(state: StateDirectory):
    assert state.read("token") is None
    state.remove("token")


def test_a_removed_file_is_gone(state: StateDirectory):
    state.below("sessions").write("10350", b"{}")
    state.below("sessions").remove("10350")
    assert state.below("sessions").read("10350") is None


def test_a_lock_is_held_by_one_only_and_ends_with_its_block(state: StateDirectory):
    with state.lock(), pytest.raises(LockedError, match="locked by another process"), state.lock():
        pass
    with state.lock(), (state.path / "lock").open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with state.lock():
        pass


def test_a_directory_that_cannot_be_made_is_explained(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file exists\nhint: set TILT_DEV_DIR to a directory that exists"):
        StateDirectory(tmp_path / "file/state").write("token", b"")


def test_a_full_disk_is_explained_and_the_old_content_stays(state: StateDirectory):
    state.write("token", b"old")
    with pytest.raises(UserError, match="no space left on device") as caught, explained(Path("/dev/full")):
        Path("/dev/full").write_bytes(b"x" * 10_000)
    assert caught.value.hint == "free some space on this disk, or set TILT_DEV_DIR to a directory on another"
    assert state.read("token") == b"old"


def test_what_the_system_says_of_temporary_files_is_explained():
    with (
        pytest.raises(UserError, match="no temporary file can be written: `/a`: no space left") as caught,
        temporary_files(),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/a")
    assert "TMPDIR" in str(caught.value.hint)
