"""Whatever is typed into the page, or stands in its address, does what it says, or says why it does not."""

from pathlib import Path

from msgspec.structs import replace
from playwright.async_api import Page, expect

from pytilt.model.api.buttons import (
    UIBoolInputSpec,
    UIBoolInputStatus,
    UIButton,
    UIButtonSpec,
    UIChoiceInputSpec,
    UIChoiceInputStatus,
    UIComponentLocation,
    UIHiddenInputSpec,
    UIHiddenInputStatus,
    UIInputSpec,
    UITextInputSpec,
    UITextInputStatus,
)
from pytilt.model.names import TILTFILE, ResourceName, SpanId
from pytilt.model.objects import Tiltfile
from tests.end_to_end.browser import looked_at
from tests.server.sessions import Served

NAMES = ["100%", "%E0%A4%A", "a,b", "a/b", "a?b#c", "ü ö", '"><i>x</i>', "web"]


def session(folder: Path) -> Served:
    served = Served(folder, token=None)
    served.add(*NAMES)
    for name in NAMES:
        served.logs.span(ResourceName(name), SpanId(f"local:{name}"))(f"says {name}\n")
    return served


def put_button(served: Served, *inputs: UIInputSpec) -> None:
    place = UIComponentLocation(component_id="web", component_type="resource")
    served.store.put(UIButton(name="b", spec=UIButtonSpec(text="Ask", location=place, inputs=inputs)))


async def test_every_address_shows_what_it_names_or_says_that_there_is_none(tmp_path: Path):
    troubles: list[str] = []
    served = session(tmp_path)
    async with looked_at(served, troubles) as (page, _):
        await page.goto("/")
        for name in NAMES:
            await page.get_by_role("link", name=name, exact=True).first.click()
            await page.reload()
            await expect(page.get_by_role("heading", level=1)).to_contain_text(name)
            await expect(page.get_by_role("log")).to_contain_text(f"says {name}")
            await page.keyboard.press("Escape")
        for address, name in [
            ("/r/100%/overview", "100%"),
            ("/r/%E0%A4%A/updates", "%E0%A4%A"),
            ("/r/web", "web"),
            ("/r/web/", "web"),
        ]:
            await page.goto(address)
            await expect(page.get_by_role("heading", level=1)).to_contain_text(name)
        for address in ["/r/none/pods", "/r/%3Cimg%20src=x%3E/overview", "/r/none", "/r/%00/overview"]:
            await page.goto(address)
            await expect(page.get_by_role("main")).to_contain_text("There is no resource")
        await page.goto("/?show=nonsense&sort=-constructor&label=[&q=%")
        await expect(page.get_by_role("main")).to_be_visible()
    assert troubles == []


async def test_the_log_of_a_name_with_a_comma_is_chosen_and_linked(tmp_path: Path):
    troubles: list[str] = []
    async with looked_at(session(tmp_path), troubles) as (page, _):
        await page.goto("/log")
        for name in ("a,b", "100%"):
            await page.get_by_role("combobox", name="Resource").select_option(name)
        await page.reload()
        log = page.get_by_role("log")
        await expect(log).to_contain_text("says a,b")
        await expect(log).to_contain_text("says 100%")
        await expect(log).not_to_contain_text("says web")
        await page.goto("/log?resources=web,100%")
        await expect(log).to_contain_text("says web")
        await expect(log).to_contain_text("says 100%")
    assert troubles == []


async def search(page: Page, words: str) -> None:
    await page.get_by_role("searchbox", name="Find in the log").fill(words)


async def test_an_expression_that_is_none_or_endless_says_so_and_stops_nothing(tmp_path: Path):
    troubles: list[str] = []
    served = session(tmp_path)
    served.logs.span(ResourceName("web"), SpanId("local:web"))("a" * 60 + "b (foo) bar foo\n")
    async with looked_at(served, troubles) as (page, _):
        await page.goto("/log")
        tools, marks = page.get_by_role("toolbar", name="Log"), page.get_by_role("log").locator("mark")
        for words in ["/(/", "/[/", "/a{2,1}/", "/*/"]:
            await search(page, words)
            await expect(tools).to_contain_text("this is no regular expression")
        for words in [
            "/(a+)+$/",
            "/(a|a)*$/",
            "/(?:a*)*$/",
            "/((a+)b?)+$/",
            "/(a|aa)+$/",
            "/([a-z]+)*$/",
            "/(.*a){20,}$/",
        ]:
            await search(page, words)
            await expect(tools).to_contain_text("may take for ever")
        for words in ["/(foo|bar)+/", "/fo+/", "/(fo){2,}|bar/", "/\\(foo\\)+/", "/[(a+)]+b/", "/(?<x>foo)/", "(foo"]:
            await search(page, words)
            await expect(page.get_by_role("searchbox", name="Find in the log")).to_have_attribute(
                "aria-invalid", "false"
            )
            await expect(marks.first).to_be_visible()
    assert troubles == []


async def test_arguments_are_evaluated_as_they_were_whatever_they_are(tmp_path: Path):
    troubles: list[str] = []
    served = session(tmp_path)
    args = ("--name", "", "two\nlines", '"quoted"', " spaces ", "\\n", "<b>")
    served.store.change(Tiltfile, TILTFILE, lambda each: replace(each, args=args))
    async with looked_at(served, troubles) as (page, _):
        await page.goto("/r/(Tiltfile)/overview")
        await page.get_by_role("button", name="Arguments").click()
        await page.get_by_role("button", name="Evaluate").click()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        assert served.asked.args == list(args)
    assert troubles == []


async def test_what_was_filled_in_stays_until_the_session_has_it(tmp_path: Path):
    troubles: list[str] = []
    served = session(tmp_path)
    put_button(served, UIInputSpec(name="t", text=UITextInputSpec()))
    async with looked_at(served, troubles) as (page, _):
        for resource, opens, sends, where in (
            ("(Tiltfile)", "Arguments", "Evaluate", "**/api/args"),
            ("web", "Ask", "Run", "**/uibuttons/**"),
        ):
            await page.goto(f"/r/{resource}/overview")
            await page.get_by_role("button", name=opens).click()
            filled = page.get_by_role("dialog").get_by_role("textbox")
            await filled.fill("precious")
            await page.route(where, lambda route: route.abort())
            await page.get_by_role("button", name=sends).click()
            await expect(page.get_by_role("status")).to_contain_text("fetch")
            await expect(filled).to_have_value("precious")
    assert [each for each in troubles if "ERR_FAILED" not in each] == []


async def test_inputs_that_change_while_they_are_filled_in_get_what_was_meant_for_them(tmp_path: Path):
    troubles: list[str] = []
    served = session(tmp_path)
    text = UIInputSpec(name="t", text=UITextInputSpec(default_value="two\nlines"))
    name = UIInputSpec(name="__proto__", text=UITextInputSpec())
    choice = UIInputSpec(name="c", choice=UIChoiceInputSpec(choices=("x", "", "x<y")))
    hidden = UIInputSpec(name="h", hidden=UIHiddenInputSpec(value="{}"))
    put_button(served, name, text, choice, hidden)
    async with looked_at(served, troubles) as (page, _):
        await page.goto("/r/web/overview")
        await page.get_by_role("button", name="Ask").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("__proto__").fill('"; rm -rf /')
        await expect(dialog.get_by_label("t", exact=True)).to_have_value("two\nlines")
        await dialog.get_by_role("combobox").select_option("x<y")
        put_button(
            served,
            UIInputSpec(name="new", bool=UIBoolInputSpec(default_value=True)),
            hidden,
            replace(choice, choice=UIChoiceInputSpec(choices=("only",))),
            text,
            name,
        )
        await expect(dialog.get_by_label("new")).to_be_checked()
        await dialog.get_by_role("button", name="Run").click()
        await expect(dialog).to_have_count(0)
    (button,) = served.store.snapshot().all(UIButton)
    assert [(each.name, each.text or each.bool or each.hidden or each.choice) for each in button.status.inputs] == [
        ("new", UIBoolInputStatus(value=True)),
        ("h", UIHiddenInputStatus(value="{}")),
        ("c", UIChoiceInputStatus(value="only")),
        ("t", UITextInputStatus(value="two\nlines")),
        ("__proto__", UITextInputStatus(value='"; rm -rf /')),
    ]
    assert troubles == []
