import os
from pathlib import Path

import pytest

from pytilt.host.files.digests import FileDigests
from pytilt.host.records import Records
from pytilt.host.state import StateDirectory
from pytilt.model.files import FileRule, Ignore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "src"
    (made / "inner").mkdir(parents=True)
    (made / "main.py").write_text("1")
    (made / "inner" / "more.py").write_text("2")
    return made


def digest(tmp_path: Path, folder: Path, *patterns: str) -> str:
    rule = FileRule(paths=(str(folder),), ignores=(Ignore(base=str(folder), patterns=patterns),) if patterns else ())
    return FileDigests(Records(StateDirectory(tmp_path / "state"))).of(rule)


def test_files_that_were_only_written_anew_are_what_they_were(tmp_path: Path, folder: Path):
    before = digest(tmp_path, folder)
    (folder / "main.py").write_text("1")
    os.utime(folder / "main.py", (1, 1))
    assert digest(tmp_path, folder) == before


def test_names_need_not_be_text(tmp_path: Path, folder: Path):
    raw = Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff"))
    raw.write_text("1")
    os.utime(raw, (1, 1))
    before = digest(tmp_path, folder)
    assert digest(tmp_path, folder) == before
    raw.write_text("2")
    assert digest(tmp_path, folder) != before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "main.py").write_text("3"),
        lambda folder: (folder / "new").write_text(""),
        lambda folder: (folder / "inner" / "more.py").unlink(),
        lambda folder: (folder / "main.py").chmod(0o755),
        lambda folder: (folder / "main.py").rename(folder / "other.py"),
        lambda folder: (folder / "empty").mkdir(),
        lambda folder: (folder / "link").symlink_to("main.py"),
    ],
)
def test_every_change_is_noticed(tmp_path: Path, folder: Path, change):
    before = digest(tmp_path, folder)
    change(folder)
    assert digest(tmp_path, folder) != before


def test_what_is_ignored_does_not_count(tmp_path: Path, folder: Path):
    before = digest(tmp_path, folder, "inner")
    (folder / "inner" / "more.py").write_text("3")
    assert digest(tmp_path, folder, "inner") == before


def test_a_file_that_was_just_changed_is_read_again(tmp_path: Path, folder: Path):
    before = digest(tmp_path, folder)
    info = (folder / "main.py").stat()
    (folder / "main.py").write_text("9")
    os.utime(folder / "main.py", ns=(info.st_atime_ns, info.st_mtime_ns))
    assert digest(tmp_path, folder) != before
