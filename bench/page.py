#!/usr/bin/env python3
"""Time the web page in Debian's Chromium, over a session of many resources and a long log.

    PYTHONPATH=. .venv/bin/python bench/page.py [--resources 500] [--lines 1000000] [--seconds 30]

Figures: milliseconds from the request until the first paint and until the rows are there; from a change in the store
until its row is on the screen; until the log is open; until a search of everything that is stored is shown; the
longest frame while 10,000 lines a second come, and the memory of the tab's script afterwards; the longest time for
which the session's own loop was blocked. The machine has one Chromium and one session, and nothing else to do.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from pathlib import Path

from msgspec.structs import replace
from playwright.sync_api import Page, sync_playwright

from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import Resource
from tests import samples
from tests.server.sessions import Served

CHANGES = 20
LINES_PER_SECOND = 10_000
STEP_SECONDS = 0.05
NEEDLE = "the needle in the haystack"

FRAMES = """() => { window.worst = 0; let last = performance.now(); const look = (now) => {
  window.worst = Math.max(window.worst, now - last); last = now; requestAnimationFrame(look); };
  requestAnimationFrame((now) => { last = now; requestAnimationFrame(look); }); }"""

SEEN = """(text) => new Promise((found) => { const look = () => document.body.innerText.includes(text)
  ? found(performance.timeOrigin + performance.now()) : requestAnimationFrame(look); look(); })"""


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--resources", type=int, default=500)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    here, there = multiprocessing.get_context("spawn").Pipe()
    session = multiprocessing.get_context("spawn").Process(
        target=serve, args=(there, options.resources, options.lines), daemon=True
    )
    session.start()
    port = here.recv()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(base_url=f"http://localhost:{port}", viewport={"width": 1280, "height": 800})
        for name, value in measured(page, here, options.seconds):
            print(f"{name:48} {value}")
        browser.close()
    here.send("end")
    print(f"{'the session: longest time its loop was blocked':48} {here.recv():.1f} ms")
    session.join()
    return 0


def measured(page: Page, session: Connection, seconds: float) -> list[tuple[str, str]]:
    """Every figure, in the order in which they are taken."""
    found = []
    page.goto("/")
    page.wait_for_selector("[data-resource]")
    rows = page.evaluate("performance.now()")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    found.append(("first paint, rows on the screen", f"{paint:.0f}, {rows:.0f} ms"))
    delays = [changed(page, session, number) for number in range(CHANGES)]
    found.append(("a changed row, median and worst", f"{statistics.median(delays):.0f}, {max(delays):.0f} ms"))
    began = time.perf_counter()
    page.goto("/log")
    page.wait_for_selector(".line")
    found.append(("the log opens", f"{(time.perf_counter() - began) * 1000:.0f} ms"))
    began = time.perf_counter()
    page.goto(f"/log?only=1&find={NEEDLE}")
    page.wait_for_selector("mark")
    found.append(("a search of all lines", f"{(time.perf_counter() - began) * 1000:.0f} ms"))
    page.goto("/log")
    page.wait_for_selector(".line")
    page.evaluate(FRAMES)
    session.send(("flood", seconds))
    session.recv()
    page.wait_for_timeout(500)
    found.append((f"longest frame at {LINES_PER_SECOND} lines/s", f"{page.evaluate('window.worst'):.0f} ms"))
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable")
    metrics = {each["name"]: each["value"] for each in cdp.send("Performance.getMetrics")["metrics"]}
    found.append(("memory of the tab's script afterwards", f"{metrics['JSHeapUsedSize'] / 2**20:.0f} MiB"))
    return found


def changed(page: Page, session: Connection, number: int) -> float:
    """Milliseconds from a write to the store until the screen shows it."""
    text = f"changed-{number}"
    session.send(("change", text))
    seen: float = page.evaluate(SEEN, text)
    wrote: float = session.recv()
    return seen - wrote * 1000


def serve(control: Connection, resources: int, lines: int) -> None:
    """The session, in a process of its own."""
    asyncio.run(_serve(control, resources, lines))


async def _serve(control: Connection, resources: int, lines: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder), token=None)
        for each in samples.many(resources):
            served.store.put(each)
        _fill(served, lines)
        async with served.listening() as port, lag() as worst:
            control.send(port)
            await _obey(control, served)
        control.send(worst[0] * 1000)
        served.logs.close()


async def _obey(control: Connection, served: Served) -> None:
    while (order := await asyncio.to_thread(control.recv)) != "end":
        what, value = order
        if what == "change":
            first = served.store.snapshot().all(Resource)[0]
            control.send(time.time())
            status = replace(first.status, history=(replace(first.status.history[0], error=value),))
            served.store.put(replace(first, spec=replace(first.spec, labels=(value,)), status=status))
        else:
            await _flood(served, value)
            control.send("done")


async def _flood(served: Served, seconds: float) -> None:
    span = served.logs.span(ResourceName("service-1"), SpanId("pod:flood"))
    end, count = time.monotonic() + seconds, int(LINES_PER_SECOND * STEP_SECONDS)
    while time.monotonic() < end:
        span("".join(f"a line of the flood, number {number}, with some words more\n" for number in range(count)))
        await asyncio.sleep(STEP_SECONDS)


def _fill(served: Served, lines: int) -> None:
    span = served.logs.span(ResourceName("service-0"), SpanId("pod:fill"))
    block = "".join(
        f"2026-01-01 request {number} served in {number % 97} ms by worker {number % 13}\n" for number in range(1000)
    )
    for number in range(lines // 1000):
        span(block if number != lines // 2000 else f"{NEEDLE}\n{block}")


@contextlib.asynccontextmanager
async def lag() -> AsyncIterator[list[float]]:
    """The longest time for which the loop did nothing else, in seconds."""
    worst = [0.0]

    async def look() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            worst[0] = max(worst[0], time.perf_counter() - began - 0.001)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(look())
        yield worst
        task.cancel()


if __name__ == "__main__":
    sys.exit(main())
