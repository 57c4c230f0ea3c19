from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from pytilt.server.guard import COOKIE, cookie_value
from pytilt.server.page import PROBLEM, PageFiles
from tests.server.sessions import TOKEN, Served


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>the page</title><script>1</script>")
    (folder / "assets" / "index-1.js").write_text("1")
    return folder


def files(token: str | None, folder: Path, *, own: bool = True) -> PageFiles:
    return PageFiles(token, folder, lambda _peer, _here: own)


def client(pages: PageFiles, *, peer: str = "127.0.0.1", host: str = "localhost:10350") -> httpx.AsyncClient:
    async def page(request):
        return await pages.answer(request, tuple)

    app = Starlette(routes=[Route("/assets/{name}", pages.asset), Route("/{path:path}", page)])
    transport = httpx.ASGITransport(app, client=(peer, 1))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}")


async def test_the_page_may_load_its_own_files_and_nothing_else(built: Path):
    async with client(files(TOKEN, built)) as browser:
        answer = await browser.get("/r/web/overview")
        assert "the page" in answer.text
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self' 'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s=';" in policy
        assert "frame-ancestors 'none'" in policy
        assert (await browser.get("/assets/index-1.js")).text == "1"


async def test_a_script_is_kept_by_browsers_and_compressed_for_those_far_away(built: Path):
    async with client(files(TOKEN, built)) as near, client(files(TOKEN, built), peer="198.51.100.7") as far:
        answer = await near.get("/assets/index-1.js")
        assert "immutable" in answer.headers["cache-control"]
        assert "content-encoding" not in answer.headers
        answer = await far.get("/assets/index-1.js")
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.text == "1"
        assert (await near.get("/assets/index-2.js")).status_code == 404
        assert (await near.get("/assets/%00")).status_code == 404


@pytest.mark.parametrize(
    ("peer", "host", "given"),
    [
        ("127.0.0.1", "localhost:10350", True),
        ("::1", "[::1]:10350", True),
        ("::ffff:127.0.0.1", "127.0.0.1:10350", True),
        ("198.51.100.7", "localhost:10350", False),
        ("127.0.0.1", "box.example:10350", False),
        ("nowhere", "localhost:10350", False),
    ],
)
async def test_only_a_browser_of_this_machine_is_given_the_token(built: Path, peer: str, host: str, given: bool):
    async with client(files(TOKEN, built), peer=peer, host=host) as browser:
        assert ("set-cookie" in (await browser.get("/")).headers) is given


async def test_a_program_of_another_user_is_given_no_token(built: Path):
    async with client(files(TOKEN, built, own=False)) as browser:
        answer = await browser.get("/")
        assert "the page" in answer.text
        assert "set-cookie" not in answer.headers


async def test_a_browser_with_the_token_asks_for_the_first_lines_of_the_log_at_once(built: Path):
    async with client(files(TOKEN, built)) as browser:
        assert "link" not in (await browser.get("/log")).headers
        cookie = {"cookie": f"{COOKIE}={cookie_value(TOKEN, near=True)}"}
        assert "/api/logs?tail=1000&format=blocks" in (await browser.get("/log", headers=cookie)).headers["link"]
        for other in ("/", "/log?find=error"):
            assert "link" not in (await browser.get(other, headers=cookie)).headers


async def test_a_link_with_the_token_becomes_a_cookie_and_leaves_the_address(built: Path):
    async with client(files(TOKEN, built), peer="198.51.100.7", host="box.example") as browser:
        answer = await browser.get("/r/web/overview?token=secret&find=x")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/r/web/overview?find=x"
        cookie = answer.headers["set-cookie"].lower()
        assert f"tilt-token={cookie_value(TOKEN, near=False)}" in cookie
        assert TOKEN not in cookie
        assert "httponly" in cookie
        assert "samesite=strict" in cookie


async def test_without_a_built_page_a_table_says_why(tmp_path: Path):
    (tmp_path / PROBLEM).write_text("install Node <20>")
    async with client(files(None, tmp_path)) as browser:
        answer = await browser.get("/")
        assert "install Node &lt;20&gt;" in answer.text
        assert "set-cookie" not in answer.headers


async def test_the_browser_of_this_user_is_given_a_cookie_that_lets_it_ask(tmp_path: Path):
    served = Served(tmp_path)
    async with served.listening() as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser:
        assert (await browser.get("/api/version")).status_code == 403
        cookie = (await browser.get("/")).headers["set-cookie"]
        assert TOKEN not in cookie
        assert "httponly" in cookie.lower()
        assert "samesite=strict" in cookie.lower()
        assert (await browser.get("/api/version")).status_code == 200
    served.logs.close()


async def test_a_link_of_the_session_lets_a_browser_in_once(tmp_path: Path):
    served = Served(tmp_path)
    async with served.listening() as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser:
        assert (await browser.get("/?token=wrong")).status_code == 403
        assert (await browser.post("/api/link")).status_code == 403
        code = (await browser.post("/api/link", headers={"x-tilt-token": TOKEN})).text
        assert (await browser.get(f"/?token={code}")).status_code == 303
        assert (await browser.get(f"/?token={code}")).status_code == 403
    served.logs.close()
