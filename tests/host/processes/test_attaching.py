import asyncio
import os
import pty
import signal
import sys
import termios

import pytest

from pytilt.errors import CommandError
from pytilt.host.processes import ProcessRequest
from pytilt.host.processes.attaching import attached


def request(tmp_path, *argv):
    return ProcessRequest(argv=argv, dir=str(tmp_path), env=(("PATH", "/usr/bin:/bin"),))


async def test_it_says_how_a_program_ended(tmp_path):
    assert await attached(request(tmp_path, "sh", "-c", "exit 3")) == 3


async def test_the_program_stays_in_this_session_since_only_that_may_use_the_terminal(tmp_path):
    words = "import os; open('said', 'w').write(f'{os.getsid(0)} {os.getpgrp()}')"
    assert await attached(request(tmp_path, sys.executable, "-c", words)) == 0
    assert (tmp_path / "said").read_text() == f"{os.getsid(0)} {os.getpgrp()}"


@pytest.mark.parametrize("trap", ["", "trap '' TERM;"])
async def test_being_cancelled_ends_it_whether_it_wants_or_not(tmp_path, trap):
    for pipe in ("pid", "never"):
        os.mkfifo(tmp_path / pipe)
    words = f"{trap} echo $$ > pid; read line < never"
    async with asyncio.TaskGroup() as group:
        task = group.create_task(attached(request(tmp_path, "sh", "-c", words)))
        pid = int(await asyncio.to_thread((tmp_path / "pid").read_text))
        task.cancel()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_program_that_is_not_there_is_reported(tmp_path):
    with pytest.raises(CommandError, match="no-such-program"):
        await attached(request(tmp_path, "no-such-program"))


async def test_the_program_begins_with_ctrl_c_blocked_which_is_for_its_owner_alone(tmp_path):
    words = "import signal; open('said', 'w').write(str(signal.SIGINT in signal.pthread_sigmask(0, ())))"
    assert await attached(request(tmp_path, sys.executable, "-c", words)) == 0
    assert (tmp_path / "said").read_text() == "True"
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


async def test_a_terminal_that_was_not_given_back_is_as_it_was_before(tmp_path, monkeypatch):
    reader, writer = pty.openpty()
    with os.fdopen(writer, closefd=False) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        before = termios.tcgetattr(writer)
        words = f"import os, tty; tty.setraw(os.open({os.ttyname(writer)!r}, os.O_RDWR | os.O_NOCTTY)); os._exit(9)"
        assert await attached(request(tmp_path, sys.executable, "-c", words)) == 9
        assert termios.tcgetattr(writer) == before
    for each in (reader, writer):
        os.close(each)


async def test_a_program_for_which_ctrl_c_is_meant_begins_with_it_open(tmp_path):
    words = "import signal; open('said', 'w').write(str(signal.SIGINT in signal.pthread_sigmask(0, ())))"
    assert await attached(request(tmp_path, sys.executable, "-c", words), gets_interrupts=True) == 0
    assert (tmp_path / "said").read_text() == "False"
