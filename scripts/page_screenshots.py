#!/usr/bin/env python3
"""Makes the pictures of the web page in `docs/images`: the real page over a sample session, in Debian's Chromium.

Run it after a change of how the page looks: `PYTHONPATH=. .venv/bin/python scripts/page_screenshots.py [FOLDER]`.
"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, async_playwright

from tests import samples
from tests.server.page_sample import full_session

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"

PLACES = {
    "overview": "/",
    "resource": "/r/catalog/overview",
    "updates": "/r/web/updates",
    "log": "/log",
    "definition": "/r/web/definition",
    "timeline": "/timeline",
    "graph": "/graph",
}
EVERY_WIDTH = ("overview", "resource")
USUAL = 1280
WIDTHS = {400: 800, 1280: 800, 2560: 1300}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


async def main(folder: Path) -> None:
    """Take all pictures."""
    with tempfile.TemporaryDirectory() as place:
        served = full_session(Path(place), lambda: samples.NOON)
        async with served.listening() as port, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            for width, height in WIDTHS.items():
                for scheme in SCHEMES:
                    await _pictures(browser, port, folder, width, height, scheme)
            await browser.close()
        served.logs.close()


async def _pictures(
    browser: Browser, port: int, folder: Path, width: int, height: int, scheme: Literal["light", "dark"]
) -> None:
    page = await browser.new_page(
        base_url=f"http://localhost:{port}", viewport={"width": width, "height": height}, color_scheme=scheme
    )
    await page.clock.set_fixed_time(samples.NOON)
    for name, place in PLACES.items():
        if name not in EVERY_WIDTH and width != USUAL:
            continue
        await page.goto(place)
        await page.wait_for_load_state("networkidle")
        await page.screenshot(path=folder / f"web-{name}-{width}-{scheme}.png")
    await page.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES))
