import os
import socket
from pathlib import Path

import pytest

from pytilt.host.peers import is_own, owner

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
LOOPBACK = "   1: 0100007F:A000 0100007F:286E 01 00000000:00000000 00:00000000 00000000  {}        0 7 1"
MAPPED = f"   1: {'0' * 16}FFFF00000100007F:A000 {'0' * 16}FFFF00000100007F:286E 01 0:0 00:0 0 {{}} 0 7 1"

needs_tables = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux says whose a connection is")


@needs_tables
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_connection_that_this_user_made_is_known(family: socket.AddressFamily, host: str):
    try:
        listener = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with listener, socket.create_connection(listener.getsockname()[:2]) as client:
        assert is_own(client.getsockname()[:2], listener.getsockname()[:2])


@pytest.mark.parametrize("row", [LOOPBACK, MAPPED])
def test_a_connection_of_another_user_is_a_strangers(tmp_path: Path, row: str):
    table = tmp_path / "tcp"
    for user, expected in ((os.getuid(), True), (0, True), (os.getuid() + 7, False)):
        table.write_text(f"{HEADER}\n{row.format(user)}\n")
        assert is_own(("127.0.0.1", 0xA000), ("::ffff:127.0.0.1", 0x286E), [table]) is expected


def test_the_end_of_the_session_itself_is_not_taken_for_that_of_the_client():
    rows = [LOOPBACK.format(1000), LOOPBACK.format(0).replace("A000", "X").replace("286E", "A000").replace("X", "286E")]
    assert owner(("127.0.0.1", 0xA000), ("127.0.0.1", 0x286E), rows) == 1000


def test_a_connection_that_nobody_knows_is_a_strangers(tmp_path: Path):
    table = tmp_path / "tcp"
    table.write_text(f"{HEADER}\n{LOOPBACK.format(os.getuid())}\n")
    assert not is_own(("127.0.0.1", 1), ("127.0.0.1", 0x286E), [table])


def test_where_the_system_does_not_say_everybody_counts_as_the_user(tmp_path: Path):
    assert is_own(("127.0.0.1", 1), ("127.0.0.1", 2), [tmp_path / "nothing"])
