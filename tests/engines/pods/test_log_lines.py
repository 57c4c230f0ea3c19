import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pytilt.cluster.seam import ContainerRef
from pytilt.engines.pods.log_files import PART_BYTES
from pytilt.engines.pods.log_lines import SETTLED_SECONDS, LogSource, ReceivedLines, docker_lines, podman_lines
from pytilt.errors import ClusterUnreachableError
from pytilt.model.times import in_utc
from pytilt.testing.runtime import FakeRuntime
from tests.engines.trial import PATIENCE, Trial, pod, trial

ONE, TWO = "2026-11-30T15:16:54Z", "2026-11-30T15:16:55Z"


class LosingRuntime(FakeRuntime):
    """Podman: of a log that it follows it loses lines once the container has ended."""

    sent: tuple[int, ...] = ()
    """The lines that come through, by their numbers."""

    @asynccontextmanager
    async def logs(
        self, container: str, *, since: str = "", follow: bool = True
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        async with super().logs(container, since=since, follow=False) as chunks:
            records = [chunk async for chunk in chunks]

        async def some() -> AsyncIterator[bytes]:
            for number in self.sent if follow else range(len(records)):
                yield records[number]

        yield some()


async def _source(runtime: FakeRuntime, *lines: str) -> LogSource:
    identity = await runtime.create("web", {"Image": "web"})
    await runtime.start(identity)
    for line in lines:
        runtime.named("web").write(0.0, line)
    return LogSource(runtime=runtime, container=identity)


class OneLine(FakeRuntime):
    """Its log is one line in these pieces, each in a record."""

    pieces: tuple[bytes, ...] = ()

    @asynccontextmanager
    async def logs(self, *_: object, **__: object) -> AsyncIterator[AsyncIterator[bytes]]:
        async def chunks() -> AsyncIterator[bytes]:
            for piece in self.pieces:
                text = ONE.encode() + b" " + piece
                yield bytes([1, 0, 0, 0]) + len(text).to_bytes(4, "big") + text

        yield chunks()


async def test_a_line_without_an_end_comes_in_parts() -> None:
    runtime = OneLine()
    runtime.pieces = (b"a" * PART_BYTES, b"b", b"c\n")
    lines = [line async for line in docker_lines(LogSource(runtime=runtime, container=""), "")]
    assert lines == [(in_utc(ONE), "a" * PART_BYTES + "\n"), (in_utc(ONE), "bc\n")]


@pytest.mark.parametrize("sent", [(), (0,), (0, 2), (0, 1, 2, 3)])
async def test_lines_that_podman_lost_come_once_the_container_has_ended(sent: tuple[int, ...]) -> None:
    runtime = LosingRuntime()
    runtime.sent = sent
    source = await _source(runtime, "a", "b", "b", "c")
    runtime.kill(source.container)
    known = iter([True] * 20)  # the news come late
    texts = [text async for _, text in podman_lines(source, "", runs=lambda: next(known))]
    assert sorted(texts) == ["a\n", "b\n", "b\n", "c\n"]


async def test_they_come_in_their_order_where_the_end_is_known() -> None:
    runtime = LosingRuntime()
    runtime.sent = (0, 3)
    source = await _source(runtime, "a", "b", "c", "d")
    runtime.kill(source.container)
    known = iter([True, True, True, False])
    texts = [text async for _, text in podman_lines(source, "", runs=lambda: next(known))]
    assert texts == ["a\n", "b\n", "c\n", "d\n"]


async def test_a_stream_that_ends_before_its_container_is_broken() -> None:
    source = await _source(LosingRuntime(), "a")
    with pytest.raises(ClusterUnreachableError, match="of a container that runs"):
        [_ async for _ in podman_lines(source, "", runs=lambda: True)]


async def test_a_container_that_was_removed_meanwhile_has_no_more_lines() -> None:
    runtime = LosingRuntime()
    runtime.sent = (0,)
    source = await _source(runtime, "a", "b")
    lines = podman_lines(source, "", runs=lambda: True)
    first = await anext(lines)
    await runtime.remove(source.container)
    assert [first[1], *[text async for _, text in lines]] == ["a\n"]


def test_what_was_received_long_before_the_end_is_not_kept() -> None:
    now = 0.0
    received = ReceivedLines("", lambda: now)
    received.note(ONE, "a")
    received.note(TWO, "b")
    assert received.settled == ""
    now = SETTLED_SECONDS + 1
    received.note("2026-11-30T15:17:05Z", "c")
    assert received.settled == TWO
    assert [received.take(TWO, text) for text in ("b", "b", "x")] == [True, False, False]
    assert not received.take(ONE, "a")


@pytest.mark.engine
async def test_short_pods_lose_no_line(engine_host: str) -> None:
    """Podman sent one line of five for most of these."""

    async def says(t: Trial, name: str) -> list[str]:
        ref = ContainerRef(namespace="default", pod=name, container="c")
        await t.apply(pod(name, "for each in 1 2 3 4 5; do echo $each; done"))
        async with asyncio.timeout(PATIENCE):
            return [text async for _, text in t.cluster.containers.logs(ref)]

    async with trial(engine_host) as t:
        every = await asyncio.gather(*(says(t, f"p{number}") for number in range(4)))
    assert every == [["1\n", "2\n", "3\n", "4\n", "5\n"]] * 4


@pytest.mark.engine
async def test_of_a_container_that_writes_much_no_line_is_lost(engine_host: str) -> None:
    """Podman, which was followed, sent 1,600 of 20,000."""
    lines = 20_000
    async with trial(engine_host) as t:
        await t.apply(pod("chatty", f"seq {lines}; sleep 0.5"))
        ref = ContainerRef(namespace="default", pod="chatty", container="c")
        async with asyncio.timeout(PATIENCE):
            found = [int(text) async for _, text in t.cluster.containers.logs(ref)]
    assert found == list(range(1, lines + 1))
