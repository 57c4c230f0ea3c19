"""Asking a running session; on the standard library's client, so that a command costs no more than it must."""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from pytilt.errors import NotFoundError, SessionUnreachableError, UserError
from pytilt.session.places import token_path
from pytilt.settings import Settings
from pytilt.views.api import GROUP_VERSION

TIMEOUT_SECONDS = 30.0
"""For the first byte of an answer; streams have no limit."""

Json = dict[str, Any]


class Client:
    """Asks one session.

    Args:
        settings: host and port, and where the token is.
        host: instead of the settings' one.
        port: instead of the settings' one.
    """

    def __init__(self, settings: Settings, host: str | None = None, port: int | None = None) -> None:
        self.host = host or settings.host
        self.port = settings.port if port is None else port
        self._token_path = token_path(settings)

    @property
    def context(self) -> str:
        """The name of the session's API server, as Tilt names it in its messages."""
        return "tilt-default" if self.port == 10350 else f"tilt-{self.port}"

    def items(self, plural: str) -> Json:
        """All objects of a kind, as a `…List`."""
        return self._get(_path(plural))

    def get(self, plural: str, name: str) -> Json:
        """One object.

        Raises:
            NotFoundError: there is none of this name.
        """
        return self._get(_path(plural, name))

    def watch(self, plural: str) -> Iterator[Json]:
        """Events `{type, object}` without end: first what is there, then every change."""
        return self._lines(f"{_path(plural)}?watch=1")

    def logs(self, query: Mapping[str, str | list[str]]) -> Iterator[Json]:
        """Lines of the log, for the parameters of `/api/logs`."""
        return self._lines(f"/api/logs?{urlencode(query, doseq=True, errors='surrogateescape')}")

    def post(self, path: str, body: Json | list[str]) -> str:
        """Post JSON and return the answer's text.

        Raises:
            UserError: the session refused; the message has its status and words.
        """
        with self._request("POST", path, json.dumps(body)) as answer:
            text = answer.read().decode().strip()
            if answer.status != 200:
                raise UserError(f"({answer.status}): {text}")
            return text

    def patch(self, plural: str, name: str, changes: Json) -> Json:
        """Change an object; return it as it is then.

        Raises:
            UserError: the session refused.
        """
        path = f"/apis/{GROUP_VERSION}/{plural}/{quote(name, safe='')}"
        with self._request("PATCH", path, json.dumps(changes)) as answer:
            return _found(answer)

    def _get(self, path: str) -> Json:
        with self._request("GET", path) as answer:
            return _found(answer)

    def _lines(self, path: str) -> Iterator[Json]:
        with self._request("GET", path) as answer:
            if answer.status != 200:
                raise UserError(answer.read().decode().strip())
            while line := answer.readline():
                yield json.loads(line)

    @contextmanager
    def _request(self, method: str, path: str, body: str | None = None) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_SECONDS)
        headers = {"X-Tilt-Token": self._token()}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            if "watch=" in path or "follow=" in path:
                _without_limit(connection.sock)
            yield answer
        except (OSError, http.client.HTTPException, ValueError) as problem:  # a host or a token that is none, too
            reason = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
            raise SessionUnreachableError(
                f"No tilt apiserver found: {self.context} ({self.host}:{self.port} does not answer: {reason.lower()})",
                hint="start a session with `tilt up`, or name its port with `--port` or TILT_PORT",
            ) from problem
        finally:
            connection.close()

    def _token(self) -> str:
        try:
            return self._token_path.read_text().strip()
        except (OSError, ValueError):
            return ""


def _path(*segments: str) -> str:
    """Where a kind is, or an object of it."""
    quoted = (quote(segment, safe="", errors="surrogateescape") for segment in segments)
    return "/".join((f"/apis/{GROUP_VERSION}", *quoted))


def _found(answer: http.client.HTTPResponse) -> Json:
    text = answer.read().decode()
    if answer.status != 200:
        kind = NotFoundError if answer.status == 404 else UserError
        raise kind(f"Error from server ({answer.reason.replace(' ', '')}): {text.strip()}")
    found: Json = json.loads(text)
    return found


def _without_limit(connection: socket.socket | None) -> None:
    if connection is not None:
        connection.settimeout(None)
