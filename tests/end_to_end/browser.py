"""A real browser: Debian's Chromium, driven by Playwright."""

import contextlib
import shutil
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from playwright.async_api import Page as AsyncPage
from playwright.async_api import async_playwright
from playwright.async_api import expect as async_expect
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.server.sessions import Served

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

PATIENCE_MS = 15_000.0
"""How long what is expected of a page may take; Playwright's own 5 s are too few for an update on a busy machine."""

expect.set_options(timeout=PATIENCE_MS)
async_expect.set_options(timeout=PATIENCE_MS)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start it; the test is skipped where there is none."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.skip("there is no Chromium on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def page_of(browser: Browser, port: int) -> Iterator[Page]:
    """A page of a session in a window of its own; whatever goes wrong in its script fails the test."""
    context = browser.new_context(base_url=f"http://localhost:{port}", viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    troubles: list[str] = []
    page.on("pageerror", lambda problem: troubles.append(str(problem)))
    page.on("console", lambda line: troubles.append(line.text) if "Content Security Policy" in line.text else None)
    yield page
    context.close()
    assert not troubles


@contextlib.asynccontextmanager
async def looked_at(served: Served, troubles: list[str], **context: Any) -> AsyncIterator[tuple[AsyncPage, int]]:
    """A page of a session that the test fills by hand, and the session's port.

    Args:
        served: the session; its log is closed afterwards.
        troubles: takes what goes wrong in the page's script.
        context: of the browser, as Playwright has it.
    """
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.skip("there is no Chromium on PATH")
    async with served.listening() as port, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = await browser.new_page(base_url=f"http://localhost:{port}", **context)
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda problem: troubles.append(str(problem)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        page.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
        try:
            yield page, port
        finally:
            await browser.close()
            served.logs.close()
