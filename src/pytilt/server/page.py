"""The page as the browser gets it: static files that the build has made of `web/`, under a strict policy."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from pytilt.server.guard import COOKIE, ONE_TIME, is_loopback
from pytilt.server.table import page as table
from pytilt.views.api import Json

BUILT = Path(__file__).parent / "static"
"""Where `hatch_build.py` puts it."""

PROBLEM = "problem.txt"
"""Beside it: why it is not there."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # sizes and places of rows are set by the script
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""What the page may load: its own files, and nothing from anywhere else."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class PageFiles:
    """Answers requests for the page.

    Args:
        token: what the browser is to show from then on; None: nothing.
        folder: where the built page is.
    """

    def __init__(self, token: str | None, folder: Path = BUILT) -> None:
        self._token = token
        self.folder = folder
        """Where the built page is."""

    @property
    def built(self) -> bool:
        """Is it there?"""
        return (self.folder / "index.html").is_file()

    @property
    def assets(self) -> StaticFiles:
        """Scripts and styles. Their names change with their content."""
        return StaticFiles(directory=self.folder / "assets", check_dir=False)

    def answer(self, request: Request, rows: Callable[[], tuple[Json, ...]]) -> Response:
        """The page, and the token where the browser may have it.

        Args:
            request: for any address of the page.
            rows: makes what the table shows if the page was not built.
        """
        if ONE_TIME in request.query_params:  # the guard has checked it; it must not stay in the history
            rest = request.url.remove_query_params(ONE_TIME)
            return self._with_token(RedirectResponse(f"{rest.path}?{rest.query}" if rest.query else rest.path, 303))
        response: Response
        if self.built:
            response = FileResponse(self.folder / "index.html", headers={**HEADERS, "Cache-Control": "no-cache"})
        else:
            response = HTMLResponse(table(rows(), problem=self._problem()), headers=HEADERS)
        return self._with_token(response) if is_loopback(request.scope) else response

    def _problem(self) -> str:
        """Why the page was not built."""
        with suppress(OSError):
            return (self.folder / PROBLEM).read_text()
        return "it was not built"

    def _with_token(self, response: Response) -> Response:
        if self._token is not None:
            response.set_cookie(COOKIE, self._token, samesite="strict", httponly=True)
        return response
