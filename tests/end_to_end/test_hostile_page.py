"""What others can write into a session is never more than text on its page: lines, names, labels, links, snapshots."""

from pathlib import Path

import httpx
from msgspec.structs import replace
from playwright.async_api import Page, expect

from pytilt.model.api.buttons import UIButton, UIButtonSpec, UIComponentLocation
from pytilt.model.cluster_events import ClusterEvent, ResourceEvents
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import Resource
from pytilt.model.resources import Link
from tests import samples
from tests.end_to_end.browser import looked_at
from tests.server.sessions import Served

ATTACK = "</script><script>window.pwned=1</script><img src=x onerror=window.pwned=1>"
LINES = [
    ATTACK,
    f'{{"level": "info", "msg": {ATTACK.replace("/", "")!r}}}'.replace("'", '"'),
    f'{{"msg": "{ATTACK.replace("</", "<")}", "__proto__": {{"polluted": 1}}}}',
    (
        "\x1b]8;;javascript:window.pwned=1\x07click\x1b]8;;\x07 \x1b[31;1m\x1b[38;5;300m"
        "\x1b[38;2;999;x;1mred\x1b[999m \x1b[?25l\x1b[2J end"
    ),
    'javascript:window.pwned=1 http://example.com/"onmouseover="window.pwned=1 data:text/html,<script>1</script>',
    "right \u202eto left\u202c, \u0000 a NUL, \ufffd, \ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
]


def hostile(folder: Path) -> Served:
    served = Served(folder, token=None)
    for each in samples.shop():
        served.store.put(each)
    links = (Link(url="javascript:window.pwned=1", name=ATTACK), Link(url="http://localhost/", name=ATTACK))
    served.store.change(
        Resource,
        "web",
        lambda each: replace(
            each,
            spec=replace(each.spec, labels=(ATTACK,), links=links),
            status=replace(each.status, history=(samples.update(9, seconds=1, ended=1, error=ATTACK),), current=()),
        ),
    )
    served.add(ATTACK, "..%2f..\\", "\u202eevil", labels=[ATTACK])
    span = served.logs.span(ResourceName("web"), SpanId("pod:web"))
    span("".join(f"{line}\n" for line in LINES))
    span("x" * 2_000_000 + "\n")
    place = UIComponentLocation(component_id="web", component_type="resource")
    svg = '<svg xmlns="http://www.w3.org/2000/svg" onload="window.pwned=1"><script>window.pwned=1</script></svg>'
    served.store.put(UIButton(name="b", spec=UIButtonSpec(text=ATTACK, icon_svg=svg, location=place)))
    event = ClusterEvent(uid="1", type="Warning", reason=ATTACK, message=ATTACK, object=ATTACK)
    served.store.put(ResourceEvents(name="web", events=(event,)))
    return served


async def walk(page: Page, first: str) -> None:
    """Look at every view, and be sure that nothing of what was written ran."""
    await page.goto(first)
    await expect(page.get_by_role("table")).to_contain_text("</script><script>window.pwned=1")
    for name in ("web", ATTACK):
        await page.get_by_role("link", name=name, exact=True).first.click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text(name)
        for tab in ("updates", "pods", "definition", "log"):
            link = page.get_by_role("navigation", name="Parts").get_by_role("link", name=tab)
            if await link.count():
                await link.click()
        await page.keyboard.press("Escape")
    for key in ("l", "i", "g", "o"):
        await page.keyboard.press(key)
        await expect(page.get_by_role("main")).to_be_visible()
    await page.keyboard.press("l")
    await expect(page.get_by_role("log")).to_contain_text("<img src=x onerror=window.pwned=1>")
    await page.keyboard.press("Home")
    log = page.get_by_role("log")
    await expect(log).to_contain_text("click")
    assert await log.locator("img, script, iframe").count() == 0
    links = await page.eval_on_selector_all("a", "all => all.map((each) => each.getAttribute('href'))")
    assert [each for each in links if each and each.startswith(("javascript:", "data:"))] == []
    assert await page.evaluate("[window.pwned, {}.polluted]") == [None, None]
    assert await page.evaluate("document.querySelector('.log').innerText.length") < 60_000
    await expect(log.get_by_role("button", name="2,000,000 characters")).to_be_visible()


async def test_nothing_that_was_written_into_a_session_runs_on_its_page(tmp_path: Path):
    troubles: list[str] = []
    async with looked_at(hostile(tmp_path), troubles) as (page, _):
        await walk(page, "/")
    assert troubles == []


async def test_nothing_of_it_runs_in_a_snapshot(tmp_path: Path):
    troubles: list[str] = []
    async with looked_at(hostile(tmp_path), troubles) as (page, port):
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://localhost:{port}/api/snapshot")
        file = tmp_path / "snapshot.html"
        file.write_bytes(answer.content)
        assert answer.text.count("<script") == 3
        await walk(page, file.as_uri())
    assert troubles == []
