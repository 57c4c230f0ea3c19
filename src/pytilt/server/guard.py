"""Who may ask: every request shows the session's token and comes from a page of this session or from no page at all."""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pytilt.server.links import OneTimeLinks

HEADER = "x-tilt-token"
COOKIE = "Tilt-Token"

ONE_TIME = "token"
"""The parameter of a link that `tilt up` and `tilt open` print: it becomes a cookie and leaves the address."""

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that no page of another site can claim by DNS rebinding."""

LINK_USED = "this link was opened before, or is older than ten minutes; `tilt open` makes another one"

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """Lets only those through who may ask.

    Args:
        app: what answers them.
        token: the session's secret; None switches the check of the token off.
        host: the host that the session listens on: requests may name it besides the loopback names.
        links: the links that let a browser in.
    """

    def __init__(self, app: ASGIApp, token: str | None, host: str, links: OneTimeLinks) -> None:
        self.app = app
        """What answers."""
        self._links = links
        self._token = token
        self._hosts = LOOPBACK_NAMES | {host}
        self._any_host = host in ("0.0.0.0", "::")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 with the reason, or hand the request on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        linked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get(ONE_TIME, [""])[0]
        headers, near = Headers(scope=scope), is_near(scope)
        refusal = self.refusal(headers, page=is_page(scope["path"]), linked=linked, near=near)
        if refusal:
            await PlainTextResponse(f"{refusal}\n", status_code=403)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def refusal(self, headers: Headers, *, page: bool, linked: str = "", near: bool = False) -> str:
        """Why a request is refused; empty when it is not.

        Args:
            headers: of the request.
            page: does it ask for the page, which gives the browser its token?
            linked: the code of a one-time link; empty when there is none.
            near: does it come from this machine?
        """
        try:
            host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
            origin = urlsplit(headers.get("origin", "")).netloc
        except ValueError:  # brackets that are not those of an IPv6 address
            return "malformed Host or Origin"
        if not self._known(host):
            return "unknown host"
        if "origin" in headers and origin != headers.get("host", ""):
            return "cross-origin request forbidden"
        if not page and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return "cross-origin request forbidden"  # pictures and scripts of other pages are asked for without Origin
        if self._token is None or (page and not linked):
            return ""
        if page:
            return "" if self._links.use(linked) else LINK_USED
        shown = _token(headers)
        if not shown and COOKIE not in cookies(headers):
            return "missing session token"
        good = _same(shown, self._token) or is_cookie(cookies(headers).get(COOKIE, ""), self._token, near=near)
        return "" if good else "invalid session token"

    def _known(self, host: str) -> bool:
        return self._any_host or host in self._hosts


def is_page(path: str) -> bool:
    """Is it an address of the page, or a file that it is made of? There is nothing in them that is a secret."""
    return not path.startswith(("/api/", "/apis/", "/proxy/"))


def is_near(scope: Scope) -> bool:
    """Does a request come from this machine?"""
    client = scope.get("client")
    return client is not None and _is_loopback_address(client[0])


def is_loopback(scope: Scope) -> bool:
    """Does a request come from this machine, by a name that no other site can have?"""
    host = urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname or ""
    return is_near(scope) and host in LOOPBACK_NAMES


def cookie_value(token: str, *, near: bool) -> str:
    """What a browser gets in place of the token.

    A browser sends a cookie to every server of its host, whatever the port, a container behind a port forward too. So
    it is not the token, and what a browser on this machine got is worth nothing elsewhere.

    Args:
        token: the session's secret.
        near: may it be shown from this machine alone?
    """
    return hmac.new(token.encode(), b"loopback" if near else b"link", "sha256").hexdigest()


def is_cookie(value: str, token: str, *, near: bool) -> bool:
    """Is the cookie of a request a good one?

    Args:
        value: of the cookie.
        token: the session's secret, which Tilt's clients show as it is.
        near: does the request come from this machine?
    """
    expected = [token, cookie_value(token, near=False), *([cookie_value(token, near=True)] if near else [])]
    return any(_same(value, each) for each in expected)


def cookies(headers: Headers) -> dict[str, str]:
    """The cookies of a request. Those of every program on this host come along: one that is odd must not hide ours."""
    return cookie_parser(headers.get("cookie", ""))


def _same(shown: str, secret: str) -> bool:
    return secrets.compare_digest(shown.encode(), secret.encode())


def _is_loopback_address(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _token(headers: Headers) -> str:
    if HEADER in headers:
        return headers[HEADER]
    kind, _, value = headers.get("authorization", "").partition(" ")
    return value if kind.lower() == "bearer" else ""
