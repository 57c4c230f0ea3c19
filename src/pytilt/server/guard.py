"""Who may ask: every request shows the session's token and comes from a page of this session or from no page at all."""

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
        refusal = self.refusal(Headers(scope=scope), page=is_page(scope["path"]), linked=linked)
        if refusal:
            await PlainTextResponse(f"{refusal}\n", status_code=403)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def refusal(self, headers: Headers, *, page: bool, linked: str = "") -> str:
        """Why a request is refused; empty when it is not.

        Args:
            headers: of the request.
            page: does it ask for the page, which gives the browser its token?
            linked: the code of a one-time link; empty when there is none.
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
        if self._token is None or (page and not linked):
            return ""
        if page:
            return "" if self._links.use(linked) else LINK_USED
        shown = _token(headers)
        if not shown:
            return "missing session token"
        return "" if secrets.compare_digest(shown.encode(), self._token.encode()) else "invalid session token"

    def _known(self, host: str) -> bool:
        return self._any_host or host in self._hosts


def is_page(path: str) -> bool:
    """Is it an address of the page, or a file that it is made of? There is nothing in them that is a secret."""
    return not path.startswith(("/api/", "/apis/", "/proxy/"))


def is_loopback(scope: Scope) -> bool:
    """Does a request come from this machine, by a name that no other site can have?"""
    client = scope.get("client")
    host = urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname or ""
    return client is not None and host in LOOPBACK_NAMES and _is_loopback_address(client[0])


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
    if kind.lower() == "bearer":
        return value
    # The cookies of every program on this host come along: one that is odd must not hide ours.
    return cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
