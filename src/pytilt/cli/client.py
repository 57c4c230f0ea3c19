"""Asking a running session."""

from __future__ import annotations

import time

from pytilt.errors import NotFoundError, SessionUnreachableError, UserError
from pytilt.host.reading import read_file
from pytilt.http.blocking import BlockingResponse, ask
from pytilt.http.quoting import query_of, quoted
from pytilt.model.api.words import GROUP, VERSION
from pytilt.model.json_text import Json, dumps, loads
from pytilt.session.lookup import session_address, token_file
from pytilt.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

TIMEOUT_SECONDS = 30.0
"""For the first byte of an answer; streams have no limit."""


_FORBIDDEN = 403

_REASONS = {405: "MethodNotAllowed", 409: "Conflict", 422: "Invalid"}
"""What Kubernetes calls an answer, where HTTP has another word."""


class SessionClient:
    """Asks one session.

    Args:
        settings: host and port, and where the token and the files of running sessions are.
        host: instead of the settings' one.
        port: instead of the settings' one, or of that of the project's session.
        seconds: how long until an answer begins.
    """

    def __init__(
        self,
        settings: Settings,
        host: str | None = None,
        port: int | None = None,
        *,
        seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._seconds = seconds
        self.host, self.port = session_address(settings, host, port)
        self._token_file = token_file(settings)

    @property
    def context(self) -> str:
        """The name of the session's API server, as Tilt names it in its messages."""
        return "tilt-default" if self.port == 10350 else f"tilt-{self.port}"

    def items(self, resource: str) -> Json:
        """All objects of a kind, as a `…List`."""
        return self._get(_path(resource))

    def get(self, resource: str, name: str) -> Json:
        """One object.

        Raises:
            NotFoundError: there is none of this name.
        """
        return self._get(_path(resource, name))

    def status(self, *, after_barrier: bool = False) -> Json:
        """The session at a glance, of one moment; with `after_barrier` it looks at the disk first."""
        return self._get(f"/api/status{'?barrier=1' if after_barrier else ''}")

    def watch(self, resource: str, *, after_barrier: bool = False) -> Iterator[Json]:
        """Events `{type, object}` until the session ends: first what is there, then every change.

        Args:
            resource: the plural of the kind, with its group.
            after_barrier: have the session look at the disk first, and send a `BOOKMARK` after what is there.
        """
        more = "&barrier=1&sendInitialEvents=1" if after_barrier else ""
        return self._lines(f"{_path(resource)}?watch=1{more}")

    def watch_for(self, resource: str, seconds: float) -> Iterator[Json]:
        """The same for so many seconds at most.

        Raises:
            SessionUnreachableError: the session has ended before.
        """
        deadline = time.monotonic() + seconds
        yield from self._lines(f"{_path(resource)}?watch=1", deadline)
        if time.monotonic() < deadline:
            raise SessionUnreachableError("the session has ended")

    def log_lines(self, query: Mapping[str, str | list[str]]) -> Iterator[list[bytes]]:
        """The lines of an answer of `/api/logs`, as many as have come at a time."""
        path = f"/api/logs?{query_of(query)}"
        with self._request("GET", path) as answer:
            if answer.head.status != 200:
                raise UserError(answer.body().decode().strip())
            yield from answer.line_groups()

    def download(self, path: str) -> Iterator[bytes]:
        """The answer of an address, piece by piece.

        Raises:
            UserError: the session refused; the message has its words.
        """
        with self._request("GET", path) as answer:
            if answer.head.status != 200:
                raise UserError(answer.body().decode().strip())
            yield from answer.pieces()

    def post(self, path: str, body: Json | list[str]) -> str:
        """Post JSON and return the answer's text.

        Raises:
            UserError: the session refused; the message has its status and words.
        """
        with self._request("POST", path, dumps(body)) as answer:
            text = answer.body().decode().strip()
            if answer.head.status != 200:
                raise UserError(f"({answer.head.status}): {text}")
            return text

    def patch(
        self, resource: str, name: str, changes: Json | list[Any], *, status: bool = False, dry_run: bool = False
    ) -> Json:
        """Change an object, or its status, by a merge patch or a JSON patch; return it as it is then.

        With `dry_run` the session checks it and keeps nothing; so it does of the others, too.

        Raises:
            UserError: the session refused.
        """
        path = _path(resource, name) + ("/status" if status else "")
        return self._send("PATCH", path, changes, dry_run=dry_run)

    def create(self, resource: str, body: Json, *, dry_run: bool = False) -> Json:
        """Make an object; return it as it is then.

        Raises:
            UserError: the session refused.
        """
        return self._send("POST", _path(resource), body, dry_run=dry_run)

    def replace(self, resource: str, name: str, body: Json, *, dry_run: bool = False) -> Json:
        """Write an object anew; return it as it is then.

        Raises:
            UserError: the session refused.
        """
        return self._send("PUT", _path(resource, name), body, dry_run=dry_run)

    def delete(self, resource: str, name: str, *, dry_run: bool = False) -> None:
        """Delete an object.

        Raises:
            NotFoundError: there is none of this name.
        """
        self._send("DELETE", _path(resource, name), dry_run=dry_run)

    def _send(self, method: str, path: str, body: Json | list[Any] | None = None, *, dry_run: bool) -> Json:
        with self._request(
            method, f"{path}?dryRun=All" if dry_run else path, "" if body is None else dumps(body)
        ) as answer:
            return _found(answer)

    def _get(self, path: str) -> Json:
        with self._request("GET", path) as answer:
            return _found(answer)

    def _lines(self, path: str, deadline: float | None = None) -> Iterator[Json]:
        with self._request("GET", path) as answer:
            if answer.head.status != 200:
                raise UserError(answer.body().decode().strip())
            if deadline is not None:
                answer.wait_until(deadline)
            try:
                for line in answer.lines():
                    yield loads(line)
            except TimeoutError:
                return

    def _request(self, method: str, path: str, body: str = "") -> _SessionRequest:
        def send() -> BlockingResponse:
            headers = [("X-Tilt-Token", self._token())]
            answer = ask(self.host, self.port, method, path, headers, body.encode(), seconds=self._seconds)
            if "watch=" in path or "follow=" in path:
                answer.wait_forever()
            return answer

        return _SessionRequest(send, f"{self.context} ({self.host}:{self.port}", self._token_file)

    def _token(self) -> str:
        try:
            return read_file(self._token_file).decode().strip()
        except (OSError, ValueError):
            return ""


class _SessionRequest:
    """One request to a session and its answer: a failure on the way says that there is no session.

    Args:
        send: asks it.
        place: the session's name and address, for the message.
        token_file: where the token is that is shown, for the message.
    """

    def __init__(self, send: Callable[[], BlockingResponse], place: str, token_file: str) -> None:
        self._send = send
        self._place = place
        self._token_file = token_file

    def __enter__(self) -> BlockingResponse:
        try:
            self._answer = self._send()
        except (OSError, ValueError) as problem:  # a host or a token that is none, too
            raise self._unreachable(problem) from problem
        if self._answer.head.status == _FORBIDDEN:
            try:
                self._refuse(self._answer.body().decode(errors="replace").strip())
            finally:
                self._answer.close()
        return self._answer

    def _refuse(self, text: str) -> None:
        hint = (
            f"it does not know the token of `{self._token_file}`: it was started with another TILT_DEV_DIR, or that "
            "folder was deleted since; then end it with ctrl-C and start it again"
        )
        raise UserError(f"Error from server (Forbidden): {text}", hint=hint if "session token" in text else None)

    def __exit__(self, kind: object, problem: object, trace: object) -> None:
        self._answer.close()
        if isinstance(problem, (OSError, ValueError)):
            raise self._unreachable(problem) from problem

    def _unreachable(self, problem: Exception) -> SessionUnreachableError:
        reason = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
        return SessionUnreachableError(
            f"No tilt apiserver found: {self._place} does not answer: {reason.lower()})",
            hint="start a session with `tilt up`, or name its port with `--port` or TILT_PORT",
        )


def _path(resource: str, *name: str) -> str:
    """Where a kind is, or an object of it.

    Args:
        resource: the plural, alone for one of Tilt's kinds, else with its group: `runtimes.pytilt.dev`.
        name: of the object.
    """
    plural, _, group = resource.partition(".")
    return "/".join((f"/apis/{group or GROUP}/{VERSION}", *map(quoted, (plural, *name))))


def _found(answer: BlockingResponse) -> Json:
    text, head = answer.body().decode(), answer.head
    if head.status not in (200, 201):
        kind = NotFoundError if head.status == 404 else UserError
        reason = _REASONS.get(head.status, head.reason.replace(" ", ""))
        if head.status == 409 and "already exists" in text:
            reason = "AlreadyExists"
        raise kind(f"Error from server ({reason}): {text.strip()}")
    found: Json = loads(text)
    return found
