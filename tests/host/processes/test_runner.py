import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pytilt.errors import CommandError
from pytilt.host.processes import HostRunner, ProcessRequest
from pytilt.host.processes.guardian import living_groups

PATH = (("PATH", os.defpath),)


@pytest.fixture
async def runner() -> AsyncIterator[HostRunner]:
    async with HostRunner() as runner:
        yield runner


class Screen:
    """Collects output, and waits for something to appear in it."""

    def __init__(self) -> None:
        self.data = b""
        self._changed = asyncio.Event()

    def __call__(self, piece: bytes) -> None:
        self.data += piece
        self._changed.set()

    async def shows(self, text: bytes) -> None:
        async with asyncio.timeout(10):
            while text not in self.data:
                self._changed.clear()
                await self._changed.wait()


def sh(script: str, directory: Path | str = "/", *, stdin: bytes | None = None, grace: float = 30.0) -> ProcessRequest:
    return ProcessRequest(
        argv=("sh", "-c", script), dir=str(directory), env=PATH, stdin=stdin, stop_grace_seconds=grace
    )


async def test_output_and_errors_come_in_the_order_in_which_they_were_written(runner: HostRunner):
    screen = Screen()
    outcome = await runner.run(sh("echo 1; echo 2 >&2; echo 3; exit 7"), screen)
    assert screen.data == b"1\n2\n3\n"
    assert outcome.exit_status == 7
    assert outcome.duration_seconds > 0


async def test_errors_can_be_distinguished(runner: HostRunner):
    screen, errors = Screen(), Screen()
    await runner.run(sh("echo out; echo err >&2"), screen, error_output=errors)
    assert (screen.data, errors.data) == (b"out\n", b"err\n")


async def test_output_is_reported_while_the_process_runs(runner: HostRunner):
    screen = Screen()
    async with runner.start(sh("echo ready; exec sleep 60"), screen) as process:
        await screen.shows(b"ready\n")
        assert living_groups(process.pid)
    assert not living_groups(process.pid)


async def test_a_process_has_its_own_directory_environment_and_session(runner: HostRunner, tmp_path: Path):
    screen = Screen()
    program = "import os; print(os.getcwd(), sorted(os.environ), os.getsid(0) == os.getpid())"
    request = ProcessRequest(argv=(sys.executable, "-c", program), dir=str(tmp_path), env=(("A", "1"), ("LC_ALL", "C")))
    await runner.run(request, screen)
    assert screen.data.decode() == f"{tmp_path} ['A', 'LC_ALL'] True\n"


async def test_standard_input_is_fed_even_when_it_is_larger_than_a_pipe(runner: HostRunner):
    screen = Screen()
    await runner.run(sh("wc -c", stdin=b"x" * 3_000_000), screen)
    assert screen.data.strip() == b"3000000"


async def test_standard_input_that_nobody_reads_is_dropped(runner: HostRunner):
    outcome = await runner.run(sh("exit 0", stdin=b"x" * 3_000_000), Screen())
    assert outcome.exit_status == 0


async def test_without_standard_input_there_is_nothing_to_read(runner: HostRunner):
    screen = Screen()
    await runner.run(sh("wc -c"), screen)
    assert screen.data.strip() == b"0"


async def test_a_process_that_a_signal_ended_says_so(runner: HostRunner):
    outcome = await runner.run(sh("kill -9 $$"), Screen())
    assert outcome.exit_status == -signal.SIGKILL


async def test_all_output_of_a_short_process_is_reported(runner: HostRunner):
    screen = Screen()
    await runner.run(sh("head -c 1000000 /dev/zero"), screen)
    assert len(screen.data) == 1_000_000


async def test_what_a_process_left_running_does_not_hold_it_up_and_ends_with_the_runner():
    screen = Screen()
    async with HostRunner() as runner, asyncio.timeout(10):
        await runner.run(sh("sleep 60 & echo $$"), screen)
        session = int(screen.data)
        assert living_groups(session)
    assert not living_groups(session)


async def test_leaving_the_block_ends_what_a_process_left_running(runner: HostRunner):
    screen = Screen()
    async with runner.start(sh("sleep 60 & echo $$"), screen) as process:
        await process.wait()
        assert living_groups(process.pid)
    assert not living_groups(process.pid)


async def test_a_process_that_keeps_writing_in_the_background_does_not_hold_up_its_leader(runner: HostRunner):
    async with asyncio.timeout(10), runner.start(sh("yes & exit 0"), Screen()) as process:
        await process.wait()


async def test_ending_the_runner_ends_a_process_that_is_being_stopped():
    stubborn, screen = sh("trap '' TERM; echo up; while true; do sleep 0.1; done"), Screen()
    async with HostRunner() as runner, asyncio.TaskGroup() as group:

        async def live() -> None:
            async with runner.start(stubborn, screen):
                await asyncio.Event().wait()

        living = group.create_task(live())
        await screen.shows(b"up")
        living.cancel()
        await runner.end()


async def test_a_process_is_asked_to_stop_before_it_is_killed(runner: HostRunner):
    screen = Screen()
    async with runner.start(
        sh("trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.01; done"), screen
    ) as process:
        await screen.shows(b"ready\n")
        await process.stop()
        assert (await process.wait()).exit_status == 3
    assert screen.data.endswith(b"bye\n")


async def test_a_process_that_does_not_stop_is_killed_with_notice(runner: HostRunner):
    screen, notices = Screen(), list[str]()
    script = "trap '' TERM; (trap '' TERM HUP; sleep 60) & echo ready; while :; do sleep 60; done"
    async with runner.start(sh(script, grace=0.3), screen, notice=notices.append) as process:
        await screen.shows(b"ready\n")
    pid = process.pid
    assert (await process.wait()).exit_status == -signal.SIGKILL
    assert not living_groups(pid)
    assert notices == [
        f"Waiting 0.3s for process to exit... (pid: {pid})",
        f"Still waiting on exit... (pid: {pid})",
        f"Time is up! Sending {pid} a kill signal",
    ]


async def test_the_rest_of_a_session_has_the_same_time_to_stop(runner: HostRunner):
    screen, notices = Screen(), list[str]()
    # It starts nothing between `ready` and the signal, so that no shell can have it at a moment at which it loses it.
    script = "(sleep 60 & trap 'sleep 0.1; echo saved; exit' TERM; echo ready; wait) & exec sleep 60"
    async with runner.start(sh(script), screen, notice=notices.append):
        await screen.shows(b"ready\n")
    assert screen.data.endswith(b"saved\n"), notices


async def test_a_run_that_is_cancelled_stops_its_process(runner: HostRunner):
    screen = Screen()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(
            runner.run(sh("trap 'echo bye; exit' TERM; echo $$; while :; do sleep 0.01; done"), screen)
        )
        await screen.shows(b"\n")
        task.cancel()
    assert screen.data.endswith(b"bye\n")
    assert not living_groups(int(screen.data.split()[0]))


async def test_a_stop_that_is_cancelled_kills_at_once(runner: HostRunner):
    screen, notices = Screen(), asyncio.Queue[str]()
    async with asyncio.TaskGroup() as group:
        request = sh("trap '' TERM; echo $$; while :; do sleep 60; done", grace=6)
        task = group.create_task(runner.run(request, screen, notice=notices.put_nowait))
        await screen.shows(b"\n")
        task.cancel()
        assert "Waiting" in await notices.get()
        task.cancel()
    assert not living_groups(int(screen.data))
    assert notices.empty()


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (("no-such-program",), "`no-such-program` was not found", "PATH"),
        (("/etc/passwd",), "`/etc/passwd` may not be executed", "chmod"),
        ((), "empty", "name a program"),
    ],
)
async def test_a_program_that_cannot_start_is_explained(
    runner: HostRunner, argv: tuple[str, ...], message: str, hint: str
):
    with pytest.raises(CommandError, match=message) as caught:
        await runner.run(ProcessRequest(argv=argv, dir="/", env=PATH), Screen())
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("name", "value", "message", "hint"),
    [
        ("TEXT", "x" * 1_000_000, "too long", "in a file"),
        ("TEXT", "a\0b", "a NUL in its arguments or its environment", "leave it out"),
        ("A=B", "x", "a variable of its environment has no name, or one with `=`", "letters"),
    ],
)
async def test_an_environment_that_no_program_can_have_is_explained(
    runner: HostRunner, name: str, value: str, message: str, hint: str
):
    with pytest.raises(CommandError, match=message) as caught:
        await runner.run(ProcessRequest(argv=("true",), dir="/", env=(*PATH, (name, value))), Screen())
    assert hint in str(caught.value.hint)


async def test_a_script_without_interpreter_is_explained(runner: HostRunner, tmp_path: Path):
    script = tmp_path / "script"
    script.write_text("echo hello\n")
    script.chmod(0o755)
    with pytest.raises(CommandError, match="not a program for this machine"):
        await runner.run(ProcessRequest(argv=("./script",), dir=str(tmp_path)), Screen())


async def test_a_missing_directory_is_explained(runner: HostRunner):
    with pytest.raises(CommandError, match="the working directory `/no/such` does not exist"):
        await runner.run(sh("true", "/no/such"), Screen())
