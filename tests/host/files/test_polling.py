"""What a look at a directory makes of what happened since the look before."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pytilt.host.files.inotify import Inotify, Mask, watch_usage
from pytilt.host.files.polling import PolledDirectories


def _replace(path: Path) -> None:
    (path / "other").write_text("file")
    (path / "other").rename(path / "file")


def _become_a_directory(path: Path) -> None:
    (path / "file").unlink()
    (path / "file").mkdir()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda path: (path / "dir").stat(), []),
        (lambda path: (path / "new").touch(), [("new", Mask.MOVED_TO)]),
        (lambda path: (path / "new").mkdir(), [("new", Mask.CREATE | Mask.ISDIR)]),
        (lambda path: (path / "file").unlink(), [("file", Mask.DELETE)]),
        (lambda path: (path / "dir").rmdir(), [("dir", Mask.DELETE | Mask.ISDIR)]),
        (lambda path: (path / "dir/below").touch(), []),
        (lambda path: (path / "file").write_text("changed"), [("file", Mask.CLOSE_WRITE)]),
        (lambda path: (path / "file").chmod(0o700), [("file", Mask.ATTRIB)]),
        (_replace, [("file", Mask.MOVED_TO)]),
        (_become_a_directory, [("file", Mask.DELETE), ("file", Mask.CREATE | Mask.ISDIR)]),
    ],
)
def test_a_difference_is_an_event(tmp_path: Path, change: Callable[[Path], None], expected: list[tuple[str, Mask]]):
    (tmp_path / "dir").mkdir()
    (tmp_path / "file").write_text("file")
    os.utime(tmp_path / "file", (1, 1))
    polled = PolledDirectories()
    number = polled.add(str(tmp_path))
    change(tmp_path)
    events = polled.poll()
    assert [(event.name, Mask(event.mask)) for event in events] == expected
    assert {event.watch for event in events} <= {number}
    assert polled.poll() == []


def test_a_directory_that_is_gone_or_another_one_is_polled_no_more(tmp_path: Path):
    polled = PolledDirectories()
    (tmp_path / "a").mkdir()
    number = polled.add(str(tmp_path / "a"))
    assert polled.find(str(tmp_path / "a")) == number
    (tmp_path / "a").rename(tmp_path / "b")
    (tmp_path / "a").mkdir()
    assert polled.find(str(tmp_path / "a")) is None
    assert [(event.watch, event.mask, event.name) for event in polled.poll()] == [(number, Mask.DELETE_SELF, "")]
    assert len(polled) == 0


def test_a_refused_watch_says_how_many_are_in_use_and_by_whom(tmp_path: Path):
    inotify = Inotify()
    try:
        inotify.add(str(tmp_path))
        program = Path("/proc/self/comm").read_text().strip()
        assert watch_usage()[program] >= 1
    finally:
        inotify.close()
