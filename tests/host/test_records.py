import os
import time
from pathlib import Path

from pytilt.host.records import KEPT_SECONDS, Records
from pytilt.host.state import StateDirectory
from pytilt.model.base import Value


class Build(Value):
    inputs: str


def test_what_is_kept_is_found_by_the_next_session(tmp_path: Path):
    Records(StateDirectory(tmp_path)).keep("builds", "a/b", Build(inputs="1"))
    later = Records(StateDirectory(tmp_path))
    assert later.find("builds", "a/b", Build) == Build(inputs="1")
    assert later.find("builds", "other", Build) is None
    assert later.find("pushes", "a/b", Build) is None
    later.forget("builds", "a/b")
    later.forget("builds", "a/b")
    assert later.find("builds", "a/b", Build) is None


def test_what_holds_bytes_that_are_no_text_is_not_kept_and_fails_nothing(tmp_path: Path):
    records = Records(StateDirectory(tmp_path))
    records.keep("builds", "a", Build(inputs="1"))
    records.keep("builds", "a", Build(inputs="bad\udcff"))
    records.keep("builds", "bad\udcff", Build(inputs="1"))
    records.keep("builds", "bad?", Build(inputs="2"))
    assert records.find("builds", "a", Build) is None
    assert records.find("builds", "bad\udcff", Build) == Build(inputs="1")


def test_what_is_not_to_be_used_is_kept_all_the_same(tmp_path: Path):
    forced = Records(StateDirectory(tmp_path), used=False)
    forced.keep("builds", "a", Build(inputs="1"))
    assert forced.find("builds", "a", Build) is None
    assert Records(StateDirectory(tmp_path)).find("builds", "a", Build) == Build(inputs="1")


def test_what_cannot_be_read_is_as_if_it_were_not_there(tmp_path: Path):
    records = Records(StateDirectory(tmp_path))
    records.keep("builds", "a", Build(inputs="1"))
    for path in tmp_path.glob("builds/*"):
        path.write_bytes(b"\xc1 nonsense")
    assert records.find("builds", "a", Build) is None


def test_a_state_directory_that_cannot_be_written_keeps_nothing_and_fails_nothing(tmp_path: Path):
    (tmp_path / "file").write_text("")
    Records(StateDirectory(tmp_path / "file")).keep("builds", "a", Build(inputs="1"))


def test_what_nobody_uses_any_more_is_removed(tmp_path: Path):
    records = Records(StateDirectory(tmp_path))
    records.keep("builds", "old", Build(inputs="1"))
    (path,) = tmp_path.glob("builds/*")
    os.utime(path, (time.time() - 2 * KEPT_SECONDS,) * 2)
    records.keep("builds", "new", Build(inputs="1"))
    records.prune()
    assert records.find("builds", "old", Build) is None
    assert records.find("builds", "new", Build) is not None
