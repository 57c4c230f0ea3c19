"""The session that `bench/page.py` looks at: a store that orders over a pipe change, and a watchdog of its loop."""

import asyncio
import gc
import os
import resource
import tempfile
import time
from asyncio.events import Handle
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from msgspec.structs import replace

from pytilt.model.base import Value
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import Resource
from pytilt.store.scanner_pool import ScannerPool
from pytilt.views.rows import rows
from tests import samples
from tests.server.sessions import Served

LINES_PER_SECOND = 10_000
STEP_SECONDS = 0.05
NEEDLE = "the needle in the haystack"
RUN, CALLBACK = "_run", "_callback"
"""What asyncio's handles do not show: how a callback is called, and which."""

OWN_TASK = "the session that is measured"
"""What makes changes and lines is no page: it is not timed."""

BLOCK_LINES = 640
"""So many lines are nearly as much as a block takes."""

FILLING = 20
"""Resources whose lines fill the log."""


class Blocked(Value):
    """A callback that held the loop up."""

    seconds: float
    processor_seconds: float
    what: str


class Watchdog:
    """Times every callback of the loop: by the clock, and by the processor, which others cannot take away."""

    def __init__(self) -> None:
        self.worst = Blocked(seconds=0, processor_seconds=0, what="")
        self.slow: list[Blocked] = []
        """Those that took the processor for more than 8 ms."""

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Time callbacks for as long as the block."""
        run = getattr(Handle, RUN)

        def timed(handle: Handle) -> None:
            began, processor = time.perf_counter(), time.thread_time()
            run(handle)
            processor_seconds = time.thread_time() - processor
            if _name(handle).startswith(OWN_TASK):
                return
            if processor_seconds > self.worst.processor_seconds or processor_seconds > 0.008:
                seconds = time.perf_counter() - began
                found = Blocked(seconds=seconds, processor_seconds=processor_seconds, what=_name(handle))
                self.worst = max(self.worst, found, key=lambda each: each.processor_seconds)
                if processor_seconds > 0.008:
                    self.slow.append(found)

        setattr(Handle, RUN, timed)
        try:
            yield
        finally:
            setattr(Handle, RUN, run)


def _name(handle: Handle) -> str:
    callback = getattr(handle, CALLBACK)
    task = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        return f"{task.get_name()}: {getattr(task.get_coro(), '__qualname__', '')}"
    return str(getattr(callback, "__qualname__", callback))


def serve(control: Connection, resources: int, lines: int, block_lines: int) -> None:
    """The session, in a process of its own."""
    asyncio.run(_serve(control, resources, lines, block_lines))


async def _serve(control: Connection, resources: int, lines: int, block_lines: int) -> None:
    current = asyncio.current_task()
    assert current is not None
    current.set_name(OWN_TASK)
    with tempfile.TemporaryDirectory() as folder:
        scanners = ScannerPool()
        served, dog = Served(Path(folder), token=None, scanner=scanners), Watchdog()
        for each in samples.many(resources):
            served.store.put(each)
        _fill(served, lines, block_lines)
        gc.freeze()  # as a session does when it has started
        async with scanners, served.listening() as port:
            control.send(port)
            async with dog.watching():
                await _obey(control, served)
        control.send((dog.worst, dog.slow))
        served.logs.close()


async def _obey(control: Connection, served: Served) -> None:
    turn = 0
    while (order := await asyncio.to_thread(control.recv)) != "end":
        what, value = order
        if what == "change":
            control.send(time.time())
            _change(served, 0, value)
        elif what == "flood":
            await _flood(served, value)
            control.send("done")
        elif what == "live":
            turn += 1
            await _live(served, turn, value)
            control.send("done")
        else:
            control.send(_state(served))


def _change(served: Served, place: int, text: str) -> None:
    every = served.store.snapshot().all(Resource)
    found = every[place % len(every)]
    status = replace(found.status, history=(replace(found.status.history[0], error=text),))
    served.store.put(replace(found, spec=replace(found.spec, labels=(text,)), status=status))


async def _flood(served: Served, seconds: float) -> None:
    span = served.logs.span(ResourceName("service-001"), SpanId("pod:flood"))
    end, count = time.monotonic() + seconds, int(LINES_PER_SECOND * STEP_SECONDS)
    while time.monotonic() < end:
        span("".join(f"a line of the flood, number {number}, with some words more\n" for number in range(count)))
        await asyncio.sleep(STEP_SECONDS)


async def _live(served: Served, turn: int, seconds: float) -> None:
    """What a team does: some rows change in a second, some lines come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for place in range(5):
            number = turn * 31 + int(time.monotonic()) * 7 + place * 13
            _change(served, number, f"group-{number % 6}")
            name = ResourceName(f"service-{number % 20 + 1:03}")
            span = served.logs.span(name, SpanId(f"pod:{name}"))
            span("".join(f"line {turn} {place} {line} of what a service says\n" for line in range(8)))
            span("an error among them\n", level=Level.ERROR)
        await asyncio.sleep(0.2)


def _state(served: Served) -> dict[str, object]:
    shown = {row.name: (row.dot.value, row.labels[:1]) for row in rows(served.store.snapshot())}
    pages = int(Path(f"/proc/{os.getpid()}/statm").read_text().split()[1])
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "rows": shown,
        "lines": len(served.logs),
        "resident": pages * resource.getpagesize(),
        "processor": used.ru_utime + used.ru_stime,
        "tasks": len(asyncio.all_tasks()),
        "pid": os.getpid(),
    }


def _fill(served: Served, lines: int, block_lines: int) -> None:
    names = [ResourceName(f"service-{number:03}") for number in range(1, FILLING + 1)]
    spans = [served.logs.span(name, SpanId(f"pod:{name}")) for name in names]
    block = "".join(
        f"2026-11-30T10:{number % 60:02d}:00Z INFO "
        f"request {number:06d} served in {number % 97:3d} ms by worker {number % 13:2d}, as programs say it all day\n"
        for number in range(block_lines)
    )
    count = lines // block_lines
    for number in range(count):
        spans[number % FILLING](block if number != count // 2 else f"{NEEDLE}\n{block}")
