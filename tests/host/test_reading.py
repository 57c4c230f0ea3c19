import os
import socket
from pathlib import Path

import pytest

from pytilt.host.reading import read_file


def test_a_file_is_read_also_through_a_link(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"\xff")
    (tmp_path / "b").symlink_to("a")
    assert read_file(str(tmp_path / "b")) == b"\xff"


def test_a_link_to_nowhere_is_an_empty_file(tmp_path: Path):
    (tmp_path / "ignored").symlink_to("/dev/null")
    assert read_file(str(tmp_path / "ignored")) == b""


def test_what_is_no_file_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for path in (tmp_path / "pipe", tmp_path / "socket", Path("/dev/zero"), tmp_path, tmp_path / "none"):
            with pytest.raises(OSError, match=r"no file|No such|directory"):
                read_file(str(path))


def test_a_pipe_is_waited_for_where_a_command_asks_for_it():
    reading, writing = os.pipe()
    os.write(writing, b"kind: Cmd")
    os.close(writing)
    assert read_file(f"/dev/fd/{reading}", pipes=True) == b"kind: Cmd"
    os.close(reading)


def test_a_file_that_memory_cannot_hold_is_refused(tmp_path: Path):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(10_000_000_000)
    with pytest.raises(OSError, match="larger than 64 megabytes"):
        read_file(str(tmp_path / "huge"))
