from pathlib import Path

import pytest

from pytilt.errors import UserError
from pytilt.extensions.lockfile import LockedRepository, read, write

ONE = LockedRepository(url="https://example.com/b", commit="1" * 40, tree="2" * 40)
OTHER = LockedRepository(url="https://example.com/a", ref="v1", commit="3" * 40, tree="4" * 40)


def test_a_project_without_the_file_is_not_locked(tmp_path: Path):
    assert read(tmp_path / "tilt_extensions.lock") is None


def test_what_is_written_is_read_sorted_and_found_by_url_and_ref(tmp_path: Path):
    write(tmp_path / "lock", [ONE, OTHER])
    lock = read(tmp_path / "lock")
    assert lock is not None
    assert lock.repositories == (OTHER, ONE)
    assert lock.find("https://example.com/a", "v1") == OTHER
    assert lock.find("https://example.com/a", "") is None


@pytest.mark.parametrize("content", ["", "[]", "{", '{"version": 9}', '{"repositories": [{"url": 1}]}', "\xff"])
def test_a_file_that_is_no_lock_is_refused_with_its_path(tmp_path: Path, content: str):
    (tmp_path / "lock").write_text(content, encoding="latin-1")
    with pytest.raises(UserError, match=r"lock` (is no lock|has version)") as refused:
        read(tmp_path / "lock")
    assert "tilt extension lock" in (refused.value.hint or "")


def test_a_lock_that_cannot_be_written_says_why(tmp_path: Path):
    with pytest.raises(UserError, match="no such file or directory"):
        write(tmp_path / "none" / "lock", [ONE])
