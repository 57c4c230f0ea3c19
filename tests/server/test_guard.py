import pytest
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

from pytilt.server.guard import Guard, cookie_value
from pytilt.server.links import LIFE_SECONDS, OneTimeLinks

HOST = {"host": "localhost:10350"}
TOKEN = {"x-tilt-token": "secret"}


def refusal(
    headers: dict[str, str],
    *,
    token: str | None = "secret",
    host: str = "localhost",
    page: bool = False,
    near: bool = False,
) -> str:
    guard = Guard(PlainTextResponse("hello"), token, host, OneTimeLinks())
    return guard.refusal(Headers(headers), page=page, near=near)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({}, "missing session token"),
        ({"x-tilt-token": ""}, "missing session token"),
        ({"x-tilt-token": "wrong"}, "invalid session token"),
        ({"x-tilt-token": "wörng"}, "invalid session token"),
        (TOKEN, ""),
        ({"authorization": "Bearer secret"}, ""),
        ({"authorization": "bearer wrong"}, "invalid session token"),
        ({"authorization": "Basic secret"}, "missing session token"),
        ({"cookie": "Tilt-Token=secret"}, ""),
        ({"cookie": "a=b; Tilt-Token=secret; c=d"}, ""),
        ({"cookie": 'settings={"theme": [1, 2]}; odd; Tilt-Token=secret'}, ""),
        ({"cookie": "Tilt-Token=wrong"}, "invalid session token"),
    ],
)
def test_a_request_shows_the_token_in_a_header_or_a_cookie(shown: dict[str, str], expected: str):
    assert refusal({**HOST, **shown}) == expected


@pytest.mark.parametrize(
    ("given_near", "shown_near", "expected"),
    [(True, True, ""), (True, False, "invalid session token"), (False, True, ""), (False, False, "")],
)
def test_a_cookie_that_was_given_on_this_machine_is_worth_nothing_elsewhere(
    given_near: bool, shown_near: bool, expected: str
):
    """A browser sends it to a container behind a port forward too, which can reach the session only from elsewhere."""
    cookie = {"cookie": f"Tilt-Token={cookie_value('secret', near=given_near)}"}
    assert refusal({**HOST, **cookie}, near=shown_near) == expected
    assert refusal({**HOST, "x-tilt-token": cookie_value("secret", near=given_near)}, near=True)


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ("same-origin", ""),
        ("none", ""),
        ("same-site", "cross-origin request forbidden"),
        ("cross-site", "cross-origin request forbidden"),
    ],
)
def test_a_picture_or_script_in_another_page_is_refused(site: str, expected: str):
    headers = {**HOST, **TOKEN, "sec-fetch-site": site}
    assert refusal(headers) == expected
    assert refusal(headers, page=True) == ""


def test_without_a_token_none_is_asked_for():
    assert refusal(HOST, token=None) == ""


def test_the_page_is_given_without_a_token_since_it_brings_one():
    assert refusal(HOST, page=True) == ""


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://localhost:10350", ""),
        ("http://localhost:3000", "cross-origin request forbidden"),
        ("https://evil.example", "cross-origin request forbidden"),
        ("null", "cross-origin request forbidden"),
        ("http://[", "malformed Host or Origin"),
    ],
)
@pytest.mark.parametrize("page", [True, False])
def test_a_page_of_another_site_is_refused_even_with_the_token(origin: str, expected: str, page: bool):
    assert refusal({**HOST, **TOKEN, "origin": origin}, page=page) == expected


@pytest.mark.parametrize(
    ("named", "listening", "expected"),
    [
        ("localhost:10350", "localhost", ""),
        ("127.0.0.1:10350", "localhost", ""),
        ("[::1]:10350", "localhost", ""),
        ("LOCALHOST:10350", "localhost", ""),
        ("evil.example:10350", "localhost", "unknown host"),
        ("devbox:10350", "devbox", ""),
        ("192.168.0.7:10350", "0.0.0.0", ""),
        ("", "localhost", "unknown host"),
        ("[", "localhost", "malformed Host or Origin"),
    ],
)
def test_a_request_names_a_host_that_the_session_listens_on(named: str, listening: str, expected: str):
    assert refusal({"host": named, **TOKEN}, host=listening) == expected


def test_a_link_lets_one_browser_in_once():
    links = OneTimeLinks()
    guard = Guard(PlainTextResponse("hello"), "secret", "localhost", links)
    code = links.create()
    assert guard.refusal(Headers(HOST), page=True, linked=code) == ""
    assert "opened before" in guard.refusal(Headers(HOST), page=True, linked=code)


def test_a_link_that_nobody_opened_is_worth_nothing_after_a_while():
    now = 0.0
    links = OneTimeLinks(lambda: now)
    code = links.create()
    now = LIFE_SECONDS
    assert not links.use(code)
