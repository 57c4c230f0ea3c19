from pathlib import Path

from pytilt.session.code_cache import DiskCodeCache
from pytilt.settings import Settings


def cache(folder: Path) -> DiskCodeCache:
    return DiskCodeCache(Settings.from_environment({"TILT_DEV_DIR": str(folder), "HOME": str(folder)}))


def test_what_is_kept_is_found_by_all_of_the_texts_that_it_was_made_of(tmp_path: Path):
    cache(tmp_path).keep(b"made", "code", "a", "b")
    assert cache(tmp_path).find("code", "a", "b") == b"made"
    assert cache(tmp_path).find("code", "ab", "") is None
    assert cache(tmp_path).find("yaml", "a", "b") is None


def test_a_directory_that_cannot_be_written_to_is_no_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    broken = cache(tmp_path / "file")
    broken.keep(b"made", "code", "a")
    assert broken.find("code", "a") is None


def test_the_older_half_goes_when_there_are_many(tmp_path: Path):
    kept = cache(tmp_path)
    for number in range(202):
        kept.keep(b"made", "code", str(number))
    assert kept.find("code", "201") == b"made"
    found = [number for number in range(202) if kept.find("code", str(number)) is not None]
    assert 100 <= len(found) <= 110
