#!/usr/bin/env python3
"""Time the web page in Debian's Chromium, over a session of many resources and a long log.

    PYTHONPATH=. .venv/bin/python bench/page.py [--resources 500] [--lines 1000000] [--block-lines 640] [--seconds 30]
    PYTHONPATH=. .venv/bin/python bench/page.py soak [--minutes 60]

Figures: milliseconds from the request until the first paint and until the rows are there; from a change in the store
until its row is on the screen; until the log is open; until a search of everything that is stored shows its match, and
has ended; until lines from the middle of the log are there; the longest frame while 10,000 lines a second come; the
memory of the tab, of its script and of its process; the longest time for which a callback had the session's loop, by
the processor's clock, and which one; the same while everything else is asked for that a page asks for. With
`--block-lines 1` every line came by itself, which is the most work. For the wall times the machine should have nothing
else to do.

`soak` leaves three tabs open while rows change and lines come, stops the session and a tab for 20 seconds now and then
as a laptop's sleep does, and compares at the end: memory, nodes, listeners, every row and every line that a tab holds.
Every ten minutes it shows what the tabs and the session hold.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import statistics
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from bench.page_session import BLOCK_LINES, LINES_PER_SECOND, NEEDLE, serve

CHANGES = 20
OPENED = 5
MIB = 2**20
ASLEEP_SECONDS = 20.0
"""A page that heard nothing for 15 seconds opens its connection anew."""

LIVE_SECONDS = 20.0

SAMPLE_SECONDS = 600.0

ASKED = (
    "/api/logs?grep=e&last=1000&order=backward",
    "/api/logs?grep=(%3Fi)WORKER&last=200000&order=backward",
    "/api/logs?grep=(%3Fi)(worker|ms)%20%2B1&last=20000&order=backward",
    "/api/logs?grep=12%20ms&context=5&last=1000&order=backward",
    "/api/logs?resource=service-003&tail=1000&format=blocks",
    "/api/logs?at_least=error&tail=1000&format=blocks",
    "/api/logs?cursor=0&limit=50000&format=text",
    "/api/detail/service-001",
    "/api/updates",
    "/api/alerts",
    "/api/snapshot",
    "/apis/tilt.dev/v1alpha1/uiresources",
)
"""What a page asks for besides, and a `tilt get`."""

FRAMES = """() => { window.worst = 0; let last = performance.now(); const look = (now) => {
  window.worst = Math.max(window.worst, now - last); last = now; requestAnimationFrame(look); };
  requestAnimationFrame((now) => { last = now; requestAnimationFrame(look); }); }"""

DRAWN = """(() => { const look = () => { if (!document.querySelector('.line')) return requestAnimationFrame(look);
  requestAnimationFrame(() => { window.drawn = performance.now(); }); }; look(); })()"""
"""Notes when lines are on the screen."""

WHEN_DRAWN = """() => new Promise((found) => { const look = () => window.drawn
  ? found(window.drawn) : requestAnimationFrame(look); look(); })"""

SEEN = """(text) => new Promise((found) => { const look = () => document.body.innerText.includes(text)
  ? found(performance.timeOrigin + performance.now()) : requestAnimationFrame(look); look(); })"""

ALL_ROWS = """async () => { const table = document.querySelector('.table'); const found = {};
  for (let top = 0; ; top += 300) { table.scrollTop = top; await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    for (const row of document.querySelectorAll('[data-resource]')) {
      let group = row; const label = row.getAttribute('data-resource');
      found[label] = row.className.split(' ')[1]; }
    if (top > table.scrollHeight) return found; } }"""

HELD_LINES = """async () => { const box = document.querySelector('.lines'); const found = new Set();
  box.scrollTop = box.scrollHeight; let end = performance.now() + 60000;
  for (let top = box.scrollHeight; top > 2000 && performance.now() < end; top -= 400) { box.scrollTop = top;
    await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame);
    for (const line of document.querySelectorAll('[data-number]')) found.add(Number(line.dataset.number)); }
  return [...found].sort((a, b) => a - b); }"""


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", nargs="?", choices=("times", "soak"), default="times")
    parser.add_argument("--resources", type=int, default=500)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--block-lines", type=int, default=BLOCK_LINES)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--minutes", type=float, default=60)
    options = parser.parse_args()
    with (
        session(options.resources, options.lines, options.block_lines) as (control, port),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        base = f"http://localhost:{port}"
        if options.what == "soak":
            ok = Soak(browser, base, control).run(options.minutes)
        else:
            page = browser.new_page(base_url=base, viewport={"width": 1280, "height": 800})
            for name, value in measured(page, control, options.seconds):
                show(name, value)
            show("memory of the tab's process, private", f"{private_memory(browser) / MIB:.0f} MiB")
            for path in ASKED:
                show(f"GET {path}", asked(f"{base}{path}"))
            ok = True
        browser.close()
    return 0 if ok else 1


def show(name: str, value: object) -> None:
    """One line of the table."""
    print(f"{name:54} {value}", flush=True)


@contextlib.contextmanager
def session(resources: int, lines: int, block_lines: int) -> Iterator[tuple[Connection, int]]:
    """The session in a process of its own; at the end what held its loop up is shown."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, resources, lines, block_lines), daemon=True)
    process.start()
    yield here, here.recv()
    here.send("end")
    worst, slow = here.recv()
    show("the session: longest callback, by the processor", f"{worst.processor_seconds * 1000:.1f} ms: {worst.what}")
    show("the same, by the clock", f"{worst.seconds * 1000:.1f} ms")
    for each in sorted(slow, key=lambda one: -one.processor_seconds)[:10]:
        show("  more than 8 ms of the processor", f"{each.processor_seconds * 1000:.1f} ms: {each.what}")
    process.join()


def measured(page: Page, control: Connection, seconds: float) -> Iterator[tuple[str, str]]:
    """Every figure, in the order in which they are taken."""
    for turn in ("first time in the session", "again"):
        page.goto("/")
        page.wait_for_selector("[data-resource]")
        rows = page.evaluate("performance.now()")
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        yield f"first paint, rows on the screen, {turn}", f"{paint:.0f}, {rows:.0f} ms"
    delays = [changed(page, control, number) for number in range(CHANGES)]
    yield "a changed row, median and worst", f"{statistics.median(delays):.0f}, {max(delays):.0f} ms"
    yield "the log opens, page included: by the page's clock", f"{logged(page):.0f} ms"
    yield from searched(page)
    yield from scrolled(page, control)
    page.goto("/log")
    page.wait_for_selector(".line")
    page.evaluate(FRAMES)
    control.send(("flood", seconds))
    control.recv()
    page.wait_for_timeout(500)
    yield f"longest frame at {LINES_PER_SECOND} lines/s for {seconds:.0f} s", f"{page.evaluate('window.worst'):.0f} ms"
    yield "memory of the tab's script afterwards", f"{counters(page)['heap'] / MIB:.0f} MiB"


def logged(page: Page) -> float:
    """Milliseconds from the begin of the navigation until a picture with lines, the median of some times."""
    page.add_init_script(DRAWN)
    times: list[float] = []
    for _ in range(OPENED):
        page.goto("/log")
        times.append(page.evaluate(WHEN_DRAWN))
    return statistics.median(times)


def searched(page: Page) -> Iterator[tuple[str, str]]:
    """A search of everything that is stored, in a page that is open."""
    page.goto("/log?only=1")
    page.wait_for_selector(".line")
    began = time.perf_counter()
    page.fill("#find", NEEDLE)
    page.wait_for_selector("mark")
    first = since(began)
    page.wait_for_selector("text=searching…", state="detached")
    yield "a search of all lines: its match is shown, it has ended", f"{first:.0f}, {since(began):.0f} ms"


def scrolled(page: Page, control: Connection) -> Iterator[tuple[str, str]]:
    """Lines from anywhere in the log."""
    page.goto("/log")
    page.wait_for_selector(".line")
    control.send(("state", None))
    lines = control.recv()["lines"]
    times = []
    for part in (0.5, 0.1, 0.9, 0.25):
        number = int(lines * part)
        began = time.perf_counter()
        page.evaluate(
            """(number) => { const place = document.querySelector('[aria-label="Place in the log"]');
            place.value = number; place.dispatchEvent(new Event('change', {bubbles: true})); }""",
            number,
        )
        page.wait_for_selector(f'[data-number="{number}"]')
        times.append(since(began))
    yield "a jump to anywhere in the log, median and worst", f"{statistics.median(times):.0f}, {max(times):.0f} ms"
    before = page.evaluate("Number(document.querySelector('[data-number]').dataset.number)")
    for _ in range(30):
        page.evaluate("document.querySelector('.lines').scrollTop = 0")
        page.wait_for_timeout(150)
    after = page.evaluate("Number(document.querySelector('[data-number]').dataset.number)")
    yield "lines read back through by scrolling, 30 times to the top", f"{before - after}"


def asked(address: str) -> str:
    """How long an answer takes, and how much it is."""
    began = time.perf_counter()
    with urllib.request.urlopen(address) as answer:
        size = len(answer.read())
    return f"{since(began):.0f} ms, {size / MIB:.1f} MiB"


def since(began: float) -> float:
    """Milliseconds."""
    return (time.perf_counter() - began) * 1000


def changed(page: Page, control: Connection, number: int) -> float:
    """Milliseconds from a write to the store until the screen shows it."""
    text = f"changed-{number}"
    control.send(("change", text))
    seen: float = page.evaluate(SEEN, text)
    wrote: float = control.recv()
    return seen - wrote * 1000


def counters(page: Page) -> dict[str, float]:
    """What a tab holds after its garbage was collected."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("HeapProfiler.collectGarbage")
    found: dict[str, Any] = cdp.send("Memory.getDOMCounters")
    cdp.send("Performance.enable")
    metrics = {each["name"]: each["value"] for each in cdp.send("Performance.getMetrics")["metrics"]}
    cdp.detach()
    return {"heap": metrics["JSHeapUsedSize"], "nodes": found["nodes"], "listeners": found["jsEventListeners"]}


def renderers(browser: Browser) -> list[int]:
    """The processes of the browser's tabs."""
    cdp = browser.new_browser_cdp_session()
    found = cdp.send("SystemInfo.getProcessInfo")["processInfo"]
    cdp.detach()
    return [each["id"] for each in found if each["type"] == "renderer"]


def private_memory(browser: Browser) -> int:
    """Bytes that belong to the largest tab's process alone."""

    def own(pid: int) -> int:
        with contextlib.suppress(OSError):
            rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            return sum(int(row.split()[1]) * 1024 for row in rows if row.startswith("Private_"))
        return 0

    return max(map(own, renderers(browser)), default=0)


class Soak:
    """Tabs that are left open.

    Args:
        browser: has them.
        base: the address of the session.
        control: gives the session orders.
    """

    PLACES = ("/", "/log", "/r/service-001/overview")

    def __init__(self, browser: Browser, base: str, control: Connection) -> None:
        self._browser = browser
        self._control = control
        self._troubles: list[str] = []
        self._pages = [self._open(base, place) for place in self.PLACES]

    def run(self, minutes: float) -> bool:
        """Leave them open; did they keep everything, and no more than that?"""
        began, sleeps = time.monotonic(), 0
        self._live()
        first, sampled = self._state(), 0.0
        while time.monotonic() < began + minutes * 60:
            if time.monotonic() > sampled + SAMPLE_SECONDS:
                sampled = time.monotonic()
                self._sample(f"after {(sampled - began) / 60:.0f} minutes")
            for _ in range(3):
                self._live()
            sleeps += 1
            if sleeps % 2:
                self._stopped(first["pid"], lambda: time.sleep(ASLEEP_SECONDS))
            else:  # what came meanwhile waits for the tab
                self._stopped(renderers(self._browser)[-1], self._live)
        self._live()
        time.sleep(3)
        last = self._state()
        self._sample("at the end")
        show("the session: tasks, begin and end", f"{first['tasks']}, {last['tasks']}")
        show("the session: % of a processor", f"{(last['processor'] - first['processor']) / (minutes * 60) * 100:.1f}")
        show("minutes, sleeps, lines of the log", f"{minutes:.0f}, {sleeps}, {last['lines']}")
        return self._complete(last)

    def _sample(self, when: str) -> None:
        found = [counters(page) for page in self._pages]
        for place, each in zip(self.PLACES, found, strict=True):
            text = f"{each['heap'] / MIB:.1f} MiB, {each['nodes']:.0f} nodes, {each['listeners']:.0f} listeners"
            show(f"{when}: {place}", text)
        private, resident = private_memory(self._browser) / MIB, self._state()["resident"] / MIB
        show(f"{when}: largest tab, session", f"{private:.0f} MiB private, {resident:.0f} MiB resident")

    def _stopped(self, pid: int, meanwhile: Callable[[], None]) -> None:
        os.kill(pid, signal.SIGSTOP)
        try:
            meanwhile()
        finally:
            os.kill(pid, signal.SIGCONT)

    def _complete(self, last: dict[str, Any]) -> bool:
        overview, log, _ = self._pages
        shown = overview.evaluate(ALL_ROWS)
        wrong = [name for name, (dot, _) in last["rows"].items() if shown.get(name) != dot]
        show("rows of the session, rows of the tab that differ", f"{len(last['rows'])}, {len(wrong)} {wrong[:5]}")
        held = log.evaluate(HELD_LINES)
        missing = len(range(held[0], held[-1] + 1)) - len(held) if held else -1
        show("lines that the log's tab holds, missing among them", f"{len(held)}, {missing}")
        show("its last line, and the session's", f"{held[-1]}, {last['lines'] - 1}")
        show("troubles of the tabs' scripts", json.dumps(self._troubles[:5]))
        return not wrong and not missing and held[-1] == last["lines"] - 1 and not self._troubles

    def _open(self, base: str, place: str) -> Page:
        page = self._browser.new_context(base_url=base, viewport={"width": 1280, "height": 800}).new_page()
        page.on("pageerror", lambda problem: self._troubles.append(str(problem)))
        page.goto(place)
        page.wait_for_selector("main")
        return page

    def _live(self) -> None:
        self._control.send(("live", LIVE_SECONDS))
        self._control.recv()

    def _state(self) -> dict[str, Any]:
        self._control.send(("state", None))
        found: dict[str, Any] = self._control.recv()
        return found


if __name__ == "__main__":
    sys.exit(main())
