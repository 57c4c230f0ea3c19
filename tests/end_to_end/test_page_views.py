"""Every view of the page over a session that has something of everything: for eyes, for keys, for a phone."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from playwright.async_api import Page, expect

from pytilt.model.objects import Resource, Runtime, RuntimeState
from pytilt.model.status import RuntimeStatus
from tests.end_to_end.browser import looked_at
from tests.server.page_sample import LONG, full_session
from tests.server.sessions import Served

pytestmark = pytest.mark.timeout(240)
"""One browser looks at all views in turn."""

PLACES = {
    "/": "[data-resource]",
    "/r/catalog/overview": ".line",
    "/r/web/updates": ".updates li",
    "/r/catalog/pods": ".events",
    "/r/web/definition": ".diff",
    "/r/(Tiltfile)/overview": ".warning",
    "/log?find=catalog": ".line",
    "/timeline": ".update",
    "/graph": ".node",
}
"""The views, and what is there once they are drawn."""

CONTRAST = {"runOnly": ["color-contrast"]}

REACHABLE = """() => [...document.querySelectorAll('a[href], button, input, select, textarea, [tabindex="0"]')]
  .filter((each) => !each.disabled && each.checkVisibility() && !each.closest('.line')).length"""

FOCUSED = """() => { const found = document.activeElement; if (!found || found === document.body) return null;
  window.seen ||= new Set(); const known = window.seen.has(found); window.seen.add(found);
  const style = getComputedStyle(found), at = found.getBoundingClientRect();
  const shape = found.closest('svg') ? getComputedStyle(found.querySelector('rect')) : null;
  const marked = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || shape?.strokeWidth === '2px';
  return { what: found.outerHTML.slice(0, 120), known, marked, of: found.closest('.line') ? 'line' : '',
    drawn: at.width > 1 && at.height > 1 && at.bottom > 0 && at.top < innerHeight && +style.opacity > 0 }; }"""

CUT_NAMES = """[...document.querySelectorAll(".overview .name, .side .name, .lane-name")]
    .filter((each) => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== "inline")
    .map((each) => each.textContent)"""
DOT_PLACES = "(rows) => rows.map((row) => [row.dataset.resource, row.querySelector('.sign').offsetLeft])"
LEFTS = "(all) => all.map((each) => each.offsetLeft)"
CUT = """() => [...document.querySelectorAll('.c-status, .c-name .name, .c-update')]
  .filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.innerText)"""


@asynccontextmanager
async def page_of(folder: Path, **context: Any) -> AsyncIterator[tuple[Page, Served]]:
    served, troubles = full_session(folder), list[str]()
    async with looked_at(served, troubles, **context) as (page, _):
        yield page, served
    assert troubles == []


async def faults(page: Page, options: dict[str, Any] | None = None) -> list[Any]:
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    found = (await axe.Axe().run(page, options=options)).response["violations"]
    return [(page.url, each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found]


async def opened(page: Page, place: str) -> None:
    await page.goto(place)
    await page.wait_for_selector(PLACES.get(place, ".line"))


async def every_fault(page: Page, options: dict[str, Any] | None = None) -> list[Any]:
    found = []
    for place in PLACES:
        await opened(page, place)
        if place.startswith("/log"):
            await page.get_by_role("button", name="All fields").first.click()
            await page.get_by_role("button", name="time…").click()
        found += await faults(page, options)
    await opened(page, "/r/catalog/overview")
    await page.get_by_role("button", name="Seed the database").click()
    found += await faults(page, options)
    await opened(page, "/r/(Tiltfile)/overview")
    await page.get_by_role("button", name="Arguments").click()
    await expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_visible()
    found += await faults(page, options)
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    return found + await faults(page, options)


async def test_axe_finds_no_fault_in_any_view(tmp_path: Path):
    async with page_of(tmp_path) as (page, _):
        assert await every_fault(page) == []


@pytest.mark.parametrize("theme", ["dark", "contrast"])
async def test_every_text_can_be_read_in_other_colours(tmp_path: Path, theme: str):
    async with page_of(tmp_path) as (page, _):
        await page.goto("/")
        await page.get_by_label("Theme").select_option(theme)
        assert await every_fault(page, CONTRAST) == []
        assert await page.evaluate("document.documentElement.dataset.theme") == theme


async def test_a_phone_shows_everything_and_nothing_is_cut(tmp_path: Path):
    async with page_of(tmp_path, viewport={"width": 400, "height": 800}) as (page, _):
        for place in PLACES:
            await opened(page, place)
            assert (place, await page.evaluate("document.documentElement.scrollWidth")) == (place, 400)
            assert await faults(page) == []
        await opened(page, "/")
        assert await page.evaluate(CUT) == []
        await page.set_viewport_size({"width": 640, "height": 400})  # a laptop's screen at a zoom of 200 %
        for place in PLACES:
            await opened(page, place)
            assert (place, await page.evaluate("document.documentElement.scrollWidth")) == (place, 640)


async def test_on_a_desk_names_are_whole_and_things_are_in_line(tmp_path: Path):
    long = "payments-reconciliation-worker"
    async with page_of(tmp_path, viewport={"width": 1280, "height": 800}) as (page, _):
        await opened(page, "/")
        assert await page.evaluate(CUT_NAMES) == []
        rows = page.locator(".overview [role=rowgroup] .row[data-resource]")
        places = await rows.evaluate_all(DOT_PLACES)
        assert len({place for name, place in places if name not in (long, "reports")}) == 1
        assert len({place for name, place in places if name in (long, "reports")}) == 1
        assert dict(places)[long] - dict(places)["db"] == 16
        await opened(page, "/r/catalog/overview")
        assert await page.evaluate(CUT_NAMES) == []
        assert len(set(await page.locator(".side .sign").evaluate_all(LEFTS))) == 1
        await opened(page, "/log")
        assert await page.locator(".log .bar-of-tools").evaluate("(each) => each.clientHeight") < 50
        await opened(page, "/timeline")
        assert await page.evaluate(CUT_NAMES) == []
        assert {each[-1] for each in await page.locator(".ticks span").all_inner_texts()} <= {"0", "5"}
        await opened(page, "/graph")
        await expect(page.locator(".node text", has_text=long)).to_be_visible()


async def test_the_keyboard_reaches_everything_and_shows_where_it_is(tmp_path: Path):
    async with page_of(tmp_path) as (page, _):
        for place in PLACES:
            await opened(page, place)
            wanted, reached, hidden = await page.evaluate(REACHABLE), 0, []
            for _ in range(wanted + 60):
                await page.keyboard.press("Tab")
                found = await page.evaluate(FOCUSED)
                if found is None or found["known"]:
                    break
                reached += not found["of"]
                if not (found["marked"] and found["drawn"]):
                    hidden.append(found["what"])
            assert (place, hidden, reached) == (place, [], wanted)


async def test_the_keys_that_are_listed_do_what_is_said(tmp_path: Path):
    async with page_of(tmp_path) as (page, served):
        await opened(page, "/")
        press, main = page.keyboard.press, page.get_by_role("main")
        await press("?")
        listed = await page.locator(".keys kbd").all_inner_texts()
        words = re.findall(r"[^\s/]+|/$", " ".join(listed).replace(" / ", " "))
        assert set(words) | {"/"} == {*"jktxdesolig?uw/", "Enter", "Esc", "Home", "End"}
        await press("Escape")
        for _ in range(2):
            await press("j")
        await press("k")
        await expect(page.locator(".focused")).to_have_attribute("data-resource", "db")
        await press("x")
        await expect(page.get_by_role("toolbar", name="Chosen")).to_contain_text("1 resource chosen")
        await press("s")
        await expect(page.get_by_role("button", name="▾ ★ starred")).to_be_visible()
        await press("t")
        await press("d")
        await expect(page.get_by_role("status")).to_contain_text("disabled db")
        await press("e")
        await expect(page.get_by_role("status")).to_contain_text("enabled db")
        assert ([name for name, _ in served.asked.triggered], served.asked.enabled) == (["db"], {"db": True})
        await press("u")
        await expect(page).to_have_url(re.compile("show=error"))
        await press("/")
        await expect(page.locator("#filter")).to_be_focused()
        await press("Escape")
        for key, heading in {"l": "Log of", "i": "over time", "g": "dependencies", "o": "Resources"}.items():
            await press(key)
            await expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
        await press("j")
        await press("Enter")
        await expect(page).to_have_url(re.compile("/r/catalog/overview"))
        await press("w")
        await expect(page.locator(".unwrapped")).to_be_visible()
        await press("Home")
        await expect(page.get_by_role("button", name="follow")).to_be_visible()
        await press("End")
        await expect(main).to_contain_text("following")
        await press("Escape")
        await expect(page).to_have_url(re.compile("/$"))


async def test_rows_are_filtered_sorted_starred_and_chosen_and_the_address_has_it(tmp_path: Path):
    async with page_of(tmp_path) as (page, _):
        await opened(page, "/")
        table = page.get_by_role("table", name="Resources")
        await expect(table).to_contain_text("catalog-79f5bd4c66-lw9vd")
        await page.get_by_label("Label", exact=True).select_option("backend/jobs")
        await expect(page.locator("[data-resource]")).to_have_count(2)
        await page.get_by_role("button", name="status").click()
        await expect(page).to_have_url(re.compile(re.escape("/?label=backend%2Fjobs&sort=status") + "$"))
        await page.reload()
        await expect(page.locator("[data-resource]")).to_have_count(2)
        await page.get_by_role("button", name=f"Star {LONG}").click()
        await page.get_by_label("Label", exact=True).select_option("")
        await page.reload()
        await expect(page.get_by_role("button", name=f"Star {LONG}").first).to_have_attribute("aria-pressed", "true")
        for name in ("catalog", "web"):
            await page.get_by_label(f"Choose {name}", exact=True).check()
        await page.get_by_role("toolbar", name="Chosen").get_by_role("button", name="Log").click()
        await expect(page).to_have_url(re.compile(r"/log\?resources=catalog,web"))
        await expect(page.get_by_role("log")).to_contain_text("panic: no such currency")
        await page.get_by_role("button", name="Without web").click()
        await expect(page.get_by_role("log")).not_to_contain_text("style.css")


async def test_the_log_is_read_as_a_person_wants_it(tmp_path: Path):
    async with page_of(tmp_path, permissions=["clipboard-read", "clipboard-write"]) as (page, _):
        await opened(page, "/log")
        log, first = page.get_by_role("log"), page.locator(".line").first
        await expect(first).to_have_class(re.compile("update-start"))
        await expect(first.get_by_role("button").first).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
        for shown in (r"^<\d+s$", "^¶$", r"^\d\d:"):
            await page.get_by_title("Times: clock, age or none").click()
            await expect(first.get_by_role("button").first).to_have_text(re.compile(shown))
        await log.get_by_role("button", name="All fields").first.click()
        await expect(log.locator(".fields")).to_contain_text('"path": "/catalog"')
        line = log.locator(".line", has_text="listening on :8080")
        await line.get_by_role("button").first.click()
        await expect(page).to_have_url(re.compile("line=3"))
        await page.wait_for_function("async () => await navigator.clipboard.readText() === location.href")
        await page.get_by_label("Level").select_option("WARN")
        await expect(log.locator(".line")).to_have_count(2)
        await page.get_by_label("Level").select_option("")
        await page.get_by_label("Source", exact=True).select_option("build")
        await expect(log.locator(".line")).to_have_count(3)
        async with page.expect_download() as download:
            await page.get_by_role("link", name="download").click()
        await (await download.value).save_as(tmp_path / "session.log")
        text = (tmp_path / "session.log").read_text()
        assert text.splitlines()[0] == "1 File Changed: [catalog/serve.sh]"
        await page.get_by_label("Source", exact=True).select_option("all")
        await page.get_by_role("button", name="time…").click()
        await page.get_by_role("button", name="last minute").click()
        await expect(page).to_have_url(re.compile("since="))
        await page.get_by_label("to", exact=True).fill("2001-01-01T00:00:00")
        await expect(log).to_contain_text("No lines match")


async def test_the_first_lines_are_asked_for_once_and_before_the_script_has_come(tmp_path: Path):
    async with page_of(tmp_path) as (page, _):
        await opened(page, "/")  # the browser gets the token
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        await opened(page, "/log")
        logs, scripts = ([at for at, url in enumerate(requests) if part in url] for part in ("/api/logs", "/assets/"))
        assert len(logs) == 1
        assert logs < scripts


async def test_whoever_wants_it_is_notified_of_red_and_of_green_again(tmp_path: Path):
    async with page_of(tmp_path) as (page, served):
        await page.add_init_script(
            "window.said = []; window.Notification = class { constructor(title, more) { said.push(more.body); }"
            " static permission = 'granted'; static async requestPermission() { return 'granted'; } };"
            "Object.defineProperty(document, 'hidden', { get: () => true });"
        )
        await opened(page, "/")
        await page.get_by_role("button", name="Notifications").click()
        ok, error = (
            RuntimeState(status=RuntimeStatus.OK),
            RuntimeState(status=RuntimeStatus.ERROR, reason="it fell over"),
        )
        served.store.put(Runtime(name="db", status=error))
        live = page.locator("[aria-live=polite]")
        await expect(live).to_have_text("db is broken: it fell over")
        served.store.put(Runtime(name="db", status=ok))
        await expect(live).to_have_text("db is ok again")
        assert await page.evaluate("said") == ["db is broken: it fell over", "db is ok again"]


async def test_the_graph_has_live_colours(tmp_path: Path):
    async with page_of(tmp_path) as (page, served):
        await opened(page, "/graph")
        await expect(page.get_by_role("link", name="cart: ok")).to_be_visible()
        served.store.put(Runtime(name="cart", status=RuntimeState(status=RuntimeStatus.ERROR, reason="oh")))
        await expect(page.get_by_role("link", name="cart: broken")).to_be_visible()
        served.store.change(Resource, "cart", lambda each: replace(each, enabled=False))
        await expect(page.get_by_role("link", name="cart: disabled")).to_be_visible()


async def test_a_snapshot_has_every_view_without_a_network(tmp_path: Path):
    troubles: list[str] = []
    served = full_session(tmp_path)
    async with looked_at(served, troubles) as (page, port):
        async with httpx.AsyncClient() as client:
            kept = (await client.get(f"http://localhost:{port}/api/snapshot")).content
        file = tmp_path / "snapshot.html"
        file.write_bytes(kept)
        requests: list[str] = []
        await page.goto(file.as_uri())
        page.on("request", lambda request: requests.append(request.url))
        await expect(page.locator(".banner")).to_contain_text("A snapshot of")
        for place, drawn in PLACES.items():
            await page.evaluate("(place) => { location.hash = place; }", place)
            await page.wait_for_selector(drawn)
        assert await faults(page) == []
        await expect(page.get_by_role("group", name="Resources and their")).to_be_visible()
        assert [each for each in requests if not each.startswith(("file:", "data:"))] == []
    assert troubles == []
