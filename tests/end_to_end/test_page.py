"""The page of a session in a real browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.browser import chromium, page_of
from tests.end_to_end.sessions import served

TILTFILE = """
local_resource('api', cmd='sh build.sh', deps=['build.sh'], serve_cmd='echo serving; sleep 1000', labels=['backend'])
local_resource('web', cmd='echo "<img src=x onerror=alert(1)>"', resource_deps=['api'], labels=['frontend'])
local_resource('args', cmd='echo arguments: %s' % config.parse().get('word'))
v1alpha1.ui_button(name='greet', text='Greet', requires_confirmation=True,
    location={'component_id': 'api', 'component_type': 'resource'},
    inputs=[v1alpha1.ui_input_spec(name='WHO', text=v1alpha1.ui_text_input_spec(default_value='Ann'))])
v1alpha1.cmd(name='greeter', args=['sh', '-c', 'echo hello $WHO > greeting'], dir=config.main_dir,
    start_on={'ui_buttons': ['greet']})
"""
CONFIG = "config.define_string('word')\n"
WORKS = "echo compiled\n"
FAILS = "echo compiling; echo 'error: main.c:12: no semicolon' >&2; exit 2\n"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def tilt(tilt_alone):
    return tilt_alone({"Tiltfile": CONFIG + TILTFILE, "build.sh": WORKS})


def port(tilt) -> int:
    return int(tilt.environ["TILT_PORT"])


def row(page: Page, name: str):
    return page.locator(f'[data-resource="{name}"]')


def sign(page: Page, name: str, state: str):
    return row(page, name).get_by_role("img", name=state)


def test_a_service_breaks_says_why_and_is_mended_while_the_page_is_open(tilt, browser: Browser):
    with tilt.up() as session, page_of(browser, port(tilt)) as page:
        session.settles("api", "web")
        page.goto("/")
        expect(sign(page, "api", "ok")).to_be_visible()
        expect(page).to_have_title(re.compile("✔"))
        tilt.save("build.sh", FAILS)
        expect(sign(page, "api", "broken")).to_be_visible()
        expect(page).to_have_title(re.compile("✖ 1"))
        row(page, "api").get_by_role("link", name="api").click()
        expect(page).to_have_url(re.compile("/r/api/overview$"))
        expect(page.get_by_role("alert").first).to_contain_text("main.c:12: no semicolon")
        expect(page.get_by_role("log")).to_contain_text("compiling")
        tilt.save("build.sh", WORKS)
        expect(page.get_by_role("main")).to_contain_text("up to date and ready")
        page.get_by_role("link", name="updates").click()
        expect(page.locator(".updates li")).to_have_count(3)
        page.keyboard.press("Escape")
        expect(sign(page, "api", "ok")).to_be_visible()


@pytest.mark.engine
def test_a_service_of_the_shop_breaks_on_the_machines_engine_and_is_mended(tilt_on_engine, new_port, browser: Browser):
    shop, forward = tilt_on_engine(example="shop"), new_port()
    shop.edit("Tiltfile", "8200:", f"{forward}:")
    with shop.up() as session, page_of(browser, port(shop)) as page:
        session.settles("catalog", "cart", "web")
        page.goto("/")
        expect(sign(page, "web", "ok")).to_be_visible()
        shop.edit("catalog/Dockerfile", "FROM shop/base\n", "FROM shop/base\nRUN echo no more fruit; false\n")
        expect(sign(page, "catalog", "broken")).to_be_visible()
        row(page, "catalog").get_by_role("link", name="catalog").click()
        expect(page.get_by_role("alert").first).to_contain_text("no more fruit")
        shop.edit("catalog/Dockerfile", "RUN echo no more fruit; false\n", "")
        expect(page.get_by_role("main")).to_contain_text("up to date and ready")
        page.goto("/r/web/pods")
        expect(page.get_by_role("main")).to_contain_text("ContainersReady")
        assert "mushroom" in session.until(lambda: served(forward, "/cgi-bin/index.cgi"), "the page of the shop")


def test_what_a_person_can_do_is_done(tilt, browser: Browser):
    with tilt.up() as session, page_of(browser, port(tilt)) as page:
        session.settles("api", "web")
        page.goto("/")
        before = session.counts()["web"]
        row(page, "web").get_by_role("button", name="Trigger web").click()
        session.until(lambda: session.counts()["web"] > before, "the triggered update")
        row(page, "web").get_by_role("checkbox").check()
        page.get_by_role("toolbar", name="Chosen").get_by_role("button", name="Disable").click()
        expect(sign(page, "web", "disabled")).to_be_visible()
        page.get_by_role("status").get_by_role("button", name="Undo").click()
        expect(sign(page, "web", "ok")).to_be_visible()
        page.goto("/r/api/overview")
        page.get_by_role("button", name="Greet").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("WHO").fill("Bob")
        dialog.get_by_role("button", name="Confirm").click()
        greeting = tilt.project.root / "greeting"
        session.until(lambda: greeting.exists() and greeting.read_text() == "hello Bob\n", "the greeting")
        page.goto("/r/(Tiltfile)/overview")
        page.get_by_role("button", name="Arguments").click()
        page.get_by_role("dialog").get_by_role("textbox").fill("--word\nspring")
        page.get_by_role("button", name="Evaluate").click()
        session.says("arguments: spring")


def test_the_log_is_searched_linked_and_never_read_as_html(tilt, browser: Browser):
    with tilt.up() as session, page_of(browser, port(tilt)) as page:
        session.settles("api", "web")
        page.goto("/log")
        lines = page.get_by_role("log")
        expect(lines).to_contain_text("<img src=x onerror=alert(1)>")
        assert lines.locator("img").count() == 0
        page.get_by_role("searchbox").fill("compiled")
        expect(lines.locator("mark").first).to_have_text("compiled")
        page.get_by_label("only matches").check()
        expect(lines.locator(".line", has_text="onerror")).to_have_count(0)
        lines.locator(".line", has_text="compiled").first.get_by_role("button").first.click()
        expect(page).to_have_url(re.compile("line="))
        address = page.url
        page.goto("about:blank")
        page.goto(address)
        expect(lines.locator(".target")).to_contain_text("compiled")


def test_the_page_comes_back_with_the_session(tilt, browser: Browser):
    with page_of(browser, port(tilt)) as page:
        with tilt.up() as session:
            session.settles("api", "web")
            page.goto("/?q=api")
            expect(row(page, "api")).to_be_visible()
            expect(row(page, "web")).to_have_count(0)
        expect(page.get_by_role("alert")).to_contain_text("has ended or cannot be reached")
        expect(page).to_have_title(re.compile("…"))
        with tilt.up() as session:
            session.settles("api")
            expect(page.get_by_role("alert")).to_have_count(0)
            expect(sign(page, "api", "ok")).to_be_visible()


def test_a_snapshot_shows_the_same_without_a_session(tilt, browser: Browser):
    with tilt.up() as session:
        session.settles("api", "web")
        tilt.ok("snapshot", "create", "now.html")
    with page_of(browser, port(tilt)) as page:
        page.goto((tilt.project.root / "now.html").as_uri())
        expect(page.locator(".banner")).to_contain_text("A snapshot of")
        row(page, "web").get_by_role("link", name="web").click()
        expect(page.get_by_role("log")).to_contain_text("<img src=x onerror=alert(1)>")
        page.get_by_role("link", name="definition").click()
        expect(page.get_by_role("main")).to_contain_text("trigger mode")
        page.get_by_role("button", name="Trigger").click()
        expect(page.get_by_role("status")).to_contain_text("nothing runs here")
