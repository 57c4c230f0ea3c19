import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pytilt.host.ports import free_port
from pytilt.loop.commands.probing import ReadinessProber
from pytilt.model.commands import ExecAction, HttpGetAction, HttpHeader, Probe, TcpSocketAction
from pytilt.testing.host import FakeRunner, ProcessScript
from tests.loop.waiting import PATIENCE_SECONDS, running


@asynccontextmanager
async def server(answer: bytes) -> AsyncIterator[int]:
    """A server that gives one answer to all; the port it listens at."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]


def prober(runner: FakeRunner | None = None) -> ReadinessProber:
    return ReadinessProber(runner or FakeRunner(), {"A": "1"}, "/p")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("200 OK", None),
        ("302 Found", None),
        ("404 Not Found", "HTTP probe failed with status code: 404"),
        ("503 Service Unavailable", "HTTP probe failed with status code: 503"),
    ],
)
async def test_an_http_probe_goes_by_the_status_and_follows_nothing(status: str, expected: str | None):
    async with server(f"HTTP/1.1 {status}\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n".encode()) as port:
        probe = Probe(http_get=HttpGetAction(port=port, host="127.0.0.1", path="health"), timeout_seconds=5)
        assert await prober().ask(probe) == expected


async def test_an_http_probe_sends_its_headers():
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        headers = (HttpHeader(name="Host", value="shop.example"), HttpHeader(name="X-Word", value="a b"))
        action = HttpGetAction(port=port, host="127.0.0.1", http_headers=headers)
        assert await prober().ask(Probe(http_get=action, timeout_seconds=5)) is None
    lines = asked[0].decode().lower().splitlines()
    assert [line for line in lines if line.startswith("host:")] == ["host: shop.example"]
    assert "x-word: a b" in lines


async def test_an_http_probe_of_a_closed_port_says_so():
    port = free_port("127.0.0.1")
    probe = Probe(http_get=HttpGetAction(port=port, host="127.0.0.1"), timeout_seconds=5)
    assert (await prober().ask(probe) or "").startswith(f"Get http://127.0.0.1:{port}/: ")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_tcp_probe_asks_whether_somebody_listens(host: str):
    async with server(b"") as port:
        open_port = Probe(tcp_socket=TcpSocketAction(port=port, host=host), timeout_seconds=5)
        assert await prober().ask(open_port) is None
    assert await prober().ask(open_port) == f"dial tcp {host}:{port}: connection refused"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ProcessScript(), None),
        (ProcessScript(exit_status=2, output=b"not yet\n"), "not yet"),
        (ProcessScript(exit_status=2), "exit status 2"),
        (ProcessScript(error="no such command"), "no such command"),
    ],
)
async def test_an_exec_probe_goes_by_the_exit_status(answer: ProcessScript, expected: str | None):
    runner = FakeRunner()
    runner.answer("check", answer)
    assert await prober(runner).ask(Probe(exec=ExecAction(command=("check",)))) == expected


async def test_an_exec_probe_runs_where_the_tiltfile_is():
    runner = FakeRunner()
    await prober(runner).ask(Probe(exec=ExecAction(command=("check",))))
    assert (runner.requests[0].dir, runner.requests[0].env) == ("/p", (("A", "1"),))


async def test_a_probe_that_does_not_answer_in_time_has_failed():
    runner = FakeRunner()
    runner.answer("check", ProcessScript(keeps_running=True))
    probe = Probe(exec=ExecAction(command=("check",)), timeout_seconds=0)
    assert await prober(runner).ask(probe) == "no answer within 0 s"
    assert all(process.stopped for process in runner.processes)


class Scripted(ReadinessProber):
    """A prober whose answers the test gives; after the last it waits."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.used_up = asyncio.Event()

    async def ask(self, _: Probe, __: list[str] | None = None) -> str | None:
        if not self.answers:
            self.used_up.set()
            await asyncio.Event().wait()
        return self.answers.pop(0)


@pytest.mark.parametrize(
    ("answers", "probe", "received"),
    [
        ([None, None], Probe(), [(True, "")]),
        (["no", None], Probe(), [(True, "")]),
        (["a", "b", "c", "d"], Probe(), [(False, "c")]),
        (["no", None], Probe(failure_threshold=1), [(False, "no"), (True, "")]),
        ([None, "x", None], Probe(), [(True, "")]),
        ([None, "x", "x", "x", None], Probe(), [(True, ""), (False, "x"), (True, "")]),
        ([None, "x", None, None], Probe(success_threshold=2, failure_threshold=9), [(True, "")]),
    ],
)
async def test_thresholds_count_as_in_kubernetes(
    answers: list[str | None], probe: Probe, received: list[tuple[bool, str]]
):
    seen: list[tuple[bool, str]] = []
    scripted = Scripted(*answers)
    quick = Probe(
        period_seconds=0, success_threshold=probe.success_threshold, failure_threshold=probe.failure_threshold
    )
    async with running(scripted.run(quick, lambda ready, why: seen.append((ready, why)))):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await scripted.used_up.wait()
    assert seen == received


async def test_what_a_successful_command_prints_is_passed_on():
    runner = FakeRunner()
    runner.answer("check", ProcessScript(output=b"all is well\n"))
    found: list[tuple[bool, str]] = []
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        arrived = asyncio.Event()

        def take(ready: bool, text: str) -> None:
            found.append((ready, text))
            arrived.set()

        task = group.create_task(prober(runner).run(Probe(exec=ExecAction(command=("check",))), take))
        await arrived.wait()
        task.cancel()
    assert found == [(True, "all is well")]
