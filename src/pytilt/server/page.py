"""The page as the browser gets it: static files that the build has made of `web/`, under a strict policy."""

import asyncio
import hashlib
import mimetypes
import re
import zlib
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from itertools import chain
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pytilt.host.peers import Endpoint, is_own
from pytilt.model.base import Value
from pytilt.server.guard import COOKIE, ONE_TIME, cookie_value, is_cookie, is_loopback, is_near
from pytilt.views.api import Json

BUILT = Path(__file__).parent / "static"
"""Where `hatch_build.py` puts it."""

PROBLEM = "problem.txt"
"""Beside it: why it is not there."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self' 'unsafe-inline'",  # sizes and places of rows are set by the script
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""What the page may load: its own files, and nothing from anywhere else."""

POLICY_HEADER = "Content-Security-Policy"

SELF = "'self'"

HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}


FOREVER = "public, max-age=31536000, immutable"

INDEX = "index.html"

LOG = "/log"

FIRST_LINES = "</api/logs?tail=1000&format=blocks>; rel=preload; as=fetch; crossorigin"
"""The header with which the browser asks for what the log shows first before it has the script that does."""

GZIP = 31
"""The window bits by which zlib writes the format of gzip."""

INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
"""The script that chooses the colours before anything is drawn."""


class _Asset(Value):
    """A file of the page."""

    content: bytes = b""
    compressed: bytes = b""
    media_type: str = ""


class PageFiles:
    """Answers requests for the page.

    Args:
        token: what the browser is to show from then on; None: nothing.
        folder: where the built page is.
        own: whether this user made a connection, by its two ends: other users of this machine get nothing.
    """

    def __init__(
        self, token: str | None, folder: Path = BUILT, own: Callable[[Endpoint, Endpoint], bool] = is_own
    ) -> None:
        self._token = token
        self._own = own
        self.folder = folder
        """Where the built page is."""
        self._assets: dict[str, _Asset] = {}

    @property
    def built(self) -> bool:
        """Is it there?"""
        return (self.folder / INDEX).is_file()

    async def asset(self, request: Request) -> Response:
        """A script. Its name changes with its content: browsers and the session keep it."""
        name = request.path_params["name"]
        kept = self._assets.get(name)
        if kept is None:
            kept = self._assets[name] = await asyncio.to_thread(_asset, self.folder / "assets" / name)
        if not kept.content:
            self._assets.pop(name, None)
            raise HTTPException(404, "no such file")
        compressed = not is_loopback(request.scope) and "gzip" in request.headers.get("accept-encoding", "")
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
        if compressed:
            headers["Content-Encoding"] = "gzip"
        return Response(kept.compressed if compressed else kept.content, headers=headers, media_type=kept.media_type)

    async def answer(self, request: Request, rows: Callable[[], tuple[Json, ...]]) -> Response:
        """The page, and the token where the browser may have it.

        Args:
            request: for any address of the page.
            rows: makes what the table shows if the page was not built.
        """
        if ONE_TIME in request.query_params:  # the guard has checked it; it must not stay in the history
            rest = request.url.remove_query_params(ONE_TIME)
            there = RedirectResponse(f"{rest.path}?{rest.query}" if rest.query else rest.path, 303)
            return self._with_token(there, near=is_loopback(request.scope))
        response: Response
        index = self._index()
        if index:
            policy = f"script-src {' '.join(chain([SELF], map(allowing, INLINE.findall(index))))}"
            headers = {**HEADERS, POLICY_HEADER: f"{policy}; {POLICY}", "Cache-Control": "no-cache"}
            if request.url.path == LOG and not request.url.query and self._is_known(request):
                headers["Link"] = FIRST_LINES
            response = HTMLResponse(index, headers=headers, background=BackgroundTask(_get_channels_ready))
        else:
            from pytilt.server.table import page as table  # imported here: a released version has the page

            headers = {**HEADERS, POLICY_HEADER: POLICY}
            response = HTMLResponse(table(rows(), problem=self._problem()), headers=headers)
        return self._with_token(response, near=True) if await self._may_have_token(request) else response

    async def _may_have_token(self, request: Request) -> bool:
        """Is it a browser of this user, on this machine?"""
        scope = request.scope
        return is_loopback(scope) and await asyncio.to_thread(self._own, scope["client"], scope["server"])

    def _is_known(self, request: Request) -> bool:
        """Does the browser have the token already? Else it would be refused what it asks for too early."""
        shown = request.cookies.get(COOKIE, "")
        return self._token is None or is_cookie(shown, self._token, near=is_near(request.scope))

    def _index(self) -> bytes:
        """The page, as it is on the disk now; empty where it was not built."""
        with suppress(OSError):
            return (self.folder / INDEX).read_bytes()
        return b""

    def _problem(self) -> str:
        """Why the page was not built."""
        with suppress(OSError):
            return (self.folder / PROBLEM).read_text()
        return "it was not built"

    def _with_token(self, response: Response, *, near: bool) -> Response:
        if self._token is not None:
            response.set_cookie(COOKIE, cookie_value(self._token, near=near), samesite="strict", httponly=True)
        return response


async def _get_channels_ready() -> None:
    """The page that was just sent opens a channel as soon as its script runs, and to import that takes a moment."""
    await asyncio.to_thread(import_module, "uvicorn.protocols.websockets.websockets_sansio_impl")


def _asset(path: Path) -> _Asset:
    """A file and its compressed form; empty where there is none."""
    try:
        content = path.read_bytes()
    except (OSError, ValueError):  # the name may have a NUL in it
        return _Asset()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _Asset(content=content, compressed=zlib.compress(content, wbits=GZIP), media_type=media_type)


def allowing(script: bytes) -> str:
    """What allows exactly this script in a policy."""
    return f"'sha256-{b64encode(hashlib.sha256(script).digest()).decode()}'"
