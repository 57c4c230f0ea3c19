"""Requests to the API server: plain ones and streamed ones, with the user's identity on them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit

from pytilt.cluster import objects
from pytilt.host.processes import Runner
from pytilt.http.decoding import MalformedJsonError, beginning, decode
from pytilt.http.exchange import Exchange, unpacked
from pytilt.http.messages import SWITCHING_PROTOCOLS, Head
from pytilt.http.pool import Pool
from pytilt.http.proxies import UnusableProxyError, open_through
from pytilt.http.wires import BrokenWireError, Wire, open_tcp
from pytilt.kubernetes import failures
from pytilt.kubernetes.authentication import Authenticator, Identity
from pytilt.kubernetes.connection import Connection
from pytilt.kubernetes.failures import Failure
from pytilt.kubernetes.plugins import Report, to_nobody
from pytilt.kubernetes.transport import socket_options, tls_context
from pytilt.model.base import Value

if TYPE_CHECKING:
    import ssl

Params = Sequence[tuple[str, str]]

CONNECT_SECONDS = 10.0
"""A cluster that takes longer to accept a connection counts as unreachable."""

ANSWER_SECONDS = 30.0
"""The longest that a plain request waits for its answer, as in Tilt's applies."""

KEPT_CONNECTIONS = 20
KEPT_SECONDS = 60.0

LONGEST_LINE_BYTES = 64 * 1024**2
"""Of a log or a watch; an object has 1.5 MB at most, a line of a log that is longer is taken for an attack."""

JSON = "application/json"

_TRIES_PER_IDENTITY = 2


class _Request(Value):
    """What is asked."""

    method: str
    path: str
    params: Params = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    repeat: bool = True
    """May it be sent once more if the connection breaks?"""

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.params, errors='surrogateescape')}" if self.params else self.path


class ApiResponse(Value):
    """What the server answered."""

    status: int
    body: bytes = b""
    connection: Connection
    """To which server."""
    date: str = ""
    """The time at the server, as its header says it; empty: it says none."""

    @property
    def ok(self) -> bool:
        """Was the request granted? To be sent elsewhere, as by a page where one logs in, is no grant."""
        return self.status < 300

    @property
    def failure(self) -> Failure:
        """Why it was not."""
        return failures.parse(self.status, self.body)

    def json(self) -> dict[str, Any]:
        """The body as an object.

        Raises:
            ClusterUnreachableError: it is none; nothing is known then, which is not the same as that there is nothing.
        """
        try:
            return decode(self.body, dict[str, Any])
        except MalformedJsonError as error:
            raise failures.no_api(self.connection, str(error)) from error

    def object(self) -> dict[str, Any]:
        """The body as an object of the cluster's, which has `metadata`.

        Raises:
            ClusterUnreachableError: it is none.
        """
        found = self.json()
        if not isinstance(found.get("metadata"), dict):
            raise failures.no_api(self.connection, f"no object; it begins with {beginning(self.body)}")
        return found

    def listing(self, key: str) -> dict[str, Any]:
        """The body as an object that holds a list.

        Raises:
            ClusterUnreachableError: it is no list.
        """
        found = self.json()
        if not isinstance(found.get(key), list | None) or not (key in found or "metadata" in found):
            raise failures.no_api(self.connection, f"no list of `{key}`; it begins with {beginning(self.body)}")
        return found

    def items(self, key: str) -> list[dict[str, Any]]:
        """The objects of its list; what is no object in it is left out.

        Raises:
            ClusterUnreachableError: it has none.
        """
        return objects.items(self.listing(key), key)


class Stream:
    """An answer that is read piece by piece."""

    def __init__(self, exchange: Exchange, connection: Connection) -> None:
        self._exchange = exchange
        self._connection = connection

    async def lines(self, *, parted_from: int = 0) -> AsyncGenerator[bytes, None]:
        """The lines, each with its newline; the last one may have none.

        Args:
            parted_from: of a line that is longer than so many bytes come parts, the last of them with the newline; 0:
                one that is too long for memory is an error.

        Raises:
            ClusterUnreachableError: the connection broke.
        """
        rest = bytearray()
        async with aclosing(self._pieces()) as pieces:
            async for piece in pieces:
                searched = len(rest)
                rest += piece
                if parted_from and len(rest) > parted_from and b"\n" not in piece:
                    yield bytes(rest)
                    rest.clear()
                if len(rest) > LONGEST_LINE_BYTES and b"\n" not in piece:
                    raise failures.unreachable(self._connection, "it sends a line that does not end")
                start = 0
                while (end := rest.find(b"\n", max(start, searched))) >= 0:
                    yield bytes(rest[start : end + 1])
                    start = end + 1
                del rest[:start]
        if rest:
            yield bytes(rest)

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        with mapped(self._connection):
            async for piece in self._exchange.chunks():
                yield piece


class TakenOver:
    """A connection that was taken over: raw bytes both ways."""

    def __init__(self, wire: Wire, received: bytes, connection: Connection, headers: Mapping[str, str]) -> None:
        self.headers = headers
        """What the server said of it; names in lower case."""
        self._wire = wire
        self._received = received
        self._connection = connection

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            ClusterUnreachableError: the connection is closed.
        """
        try:
            await self._wire.send(data)
        except BrokenWireError as error:
            raise failures.unreachable(self._connection, "the connection was closed") from error

    async def receive_bytes(self) -> bytes:
        """The next bytes.

        Raises:
            EOFError: the connection was closed, properly or not.
        """
        if self._received:
            data, self._received = self._received, b""
            return data
        try:
            data = await self._wire.receive()
        except BrokenWireError as error:
            raise EOFError from error
        if not data:
            raise EOFError
        return data


class KubernetesApi:
    """The API server of a connection; it is entered once, around everything that uses it.

    Args:
        connection: where the server is and who asks.
        runner: runs credential plugins.
        report: takes what a credential plugin says that takes its time.
    """

    def __init__(self, connection: Connection, runner: Runner, report: Report = to_nobody) -> None:
        self.connection = connection
        self._server = urlsplit(connection.server)
        self._authenticator = Authenticator(connection, runner, report)
        self._pools: dict[tuple[str, str], Pool] = {}
        self._contexts: dict[tuple[str, str], ssl.SSLContext] = {}
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Nothing is opened before the first request."""
        await self._authenticator.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        await self._authenticator.__aexit__(None, None, None)
        for pool in self._pools.values():
            pool.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        seconds: float | None = ANSWER_SECONDS,
    ) -> ApiResponse:
        """Ask for something; sent again once when a connection that was kept open turns out to be closed.

        Args:
            method: GET, PATCH, ….
            path: below the server's address.
            params: of the query.
            body: what to send.
            headers: beside those of the user.
            seconds: how long the answer may take; None: as long as it takes.

        Returns:
            The answer, a refusal too.

        Raises:
            ClusterUnreachableError: there is none, or the credentials are not accepted.
        """
        asked = _Request(
            method=method,
            path=path,
            params=params,
            headers=(("Accept", JSON), ("Accept-Encoding", "gzip"), *(headers or {}).items()),
            body=body,
            repeat=method != "POST",
        )
        for attempt in range(_TRIES_PER_IDENTITY):
            identity = await self._authenticator.identity()
            answer = await self._answer(identity, asked, seconds)
            if answer.status == 401:
                if attempt == 0 and await self._authenticator.renew(identity):
                    continue
                raise failures.unauthorized(self.connection, answer.failure)
            return answer
        raise AssertionError  # the last attempt returns or raises

    @asynccontextmanager
    async def stream(self, path: str, *, params: Params = ()) -> AsyncIterator[Stream | Failure]:
        """Ask for something that is answered piece by piece, for as long as it takes.

        Raises:
            ClusterUnreachableError: there is no answer, or the credentials are not accepted.
        """
        async with AsyncExitStack() as closing:
            asked = _Request(method="GET", path=path, params=params, headers=(("Accept", JSON),))
            answer = await self._opened(closing, asked)
            yield answer if isinstance(answer, Failure) else Stream(answer[1], self.connection)

    @asynccontextmanager
    async def upgrade(
        self, path: str, protocol: str, headers: Mapping[str, str], *, method: str = "POST"
    ) -> AsyncIterator[TakenOver | Failure | None]:
        """Take a connection over for another protocol; None where the server stays with HTTP.

        Args:
            path: below the server's address.
            protocol: the other protocol, for the header `Upgrade`.
            headers: beside those of the user.
            method: the one that the other protocol begins with.

        Raises:
            ClusterUnreachableError: there is no answer, or the credentials are not accepted.
        """
        async with AsyncExitStack() as closing:
            wanted = (("Accept", "*/*"), ("Connection", "Upgrade"), ("Upgrade", protocol), *headers.items())
            answer = await self._opened(closing, _Request(method=method, path=path, headers=wanted))
            if isinstance(answer, Failure):
                yield answer
            elif answer[0].status != SWITCHING_PROTOCOLS:
                yield None
            else:
                yield TakenOver(answer[1].wire, answer[1].take_over(), self.connection, answer[0].headers)

    async def identity(self) -> Identity:
        """What to show; for connections that are no HTTP requests."""
        return await self._authenticator.identity()

    async def renew(self, refused: Identity) -> bool:
        """Ask for another identity; see `Authenticator.renew`."""
        return await self._authenticator.renew(refused)

    async def tls(self, identity: Identity) -> "ssl.SSLContext":
        """What is trusted and shown in TLS."""
        key = (identity.certificate, identity.key)
        if key not in self._contexts:
            self._contexts[key] = await asyncio.to_thread(tls_context, self.connection, *key)
        return self._contexts[key]

    async def _answer(self, identity: Identity, asked: _Request, seconds: float | None) -> ApiResponse:
        try:
            async with asyncio.timeout(seconds):
                with mapped(self.connection):
                    try:
                        return await self._whole_answer(identity, asked)
                    except BrokenWireError:  # it may have been kept for too long
                        if not asked.repeat:
                            raise
                    return await self._whole_answer(identity, asked)
        except TimeoutError as error:
            raise failures.unreachable(self.connection, f"no answer within {seconds:g} s") from error

    async def _whole_answer(self, identity: Identity, asked: _Request) -> ApiResponse:
        async with AsyncExitStack() as closing:
            head, exchange = await self._send(closing, identity, asked)
            body = await exchange.body()
        if head.headers.get("content-encoding") == "gzip":
            body = unpacked(body)
        date = head.headers.get("date", "")
        return ApiResponse(status=head.status, body=body, connection=self.connection, date=date)

    async def _opened(self, closing: AsyncExitStack, asked: _Request) -> tuple[Head, Exchange] | Failure:
        for attempt in range(_TRIES_PER_IDENTITY):
            identity = await self._authenticator.identity()
            with mapped(self.connection):
                try:
                    head, exchange = await self._send(closing, identity, asked)
                except BrokenWireError:  # as above
                    head, exchange = await self._send(closing, identity, asked)
                if head.status < 300:
                    return head, exchange
                failure = failures.parse(head.status, await exchange.body())
            if failure.code != 401:
                return failure
            if attempt or not await self._authenticator.renew(identity):
                raise failures.unauthorized(self.connection, failure)
        raise AssertionError  # the last attempt returns or raises

    async def _send(self, closing: AsyncExitStack, identity: Identity, asked: _Request) -> tuple[Head, Exchange]:
        pool = await self._pool(identity)
        exchange = await closing.enter_async_context(pool.exchange())
        headers = (*identity.headers, *asked.headers)
        return await exchange.ask(asked.method, f"{self._server.path}{asked.target}", headers, asked.body), exchange

    async def _pool(self, identity: Identity) -> Pool:
        key = (identity.certificate, identity.key)
        async with self._opening:
            if key not in self._pools:
                context = await self.tls(identity) if self._server.scheme == "https" else None
                connect = partial(self._connect, context)
                self._pools[key] = Pool(connect, keep=KEPT_CONNECTIONS, seconds=KEPT_SECONDS)
            return self._pools[key]

    async def _connect(self, context: "ssl.SSLContext | None") -> Exchange:
        connection = self.connection
        try:
            opened = partial(open_through, connection.proxy) if connection.proxy else open_tcp
            async with asyncio.timeout(CONNECT_SECONDS):
                wire = await opened(
                    self._server.hostname or "",
                    self._server.port or (443 if context else 80),
                    tls=context,
                    name=connection.tls_server_name,
                    options=socket_options(),
                )
        except UnusableProxyError as error:
            raise failures.unreachable(
                connection, f"the proxy `{connection.proxy}` cannot be used", hint=str(error)
            ) from error
        except (OSError, ValueError) as error:  # a TimeoutError, and a port that is no number, too
            text = str(error) or type(error).__name__
            raise failures.unreachable(connection, text, hint=_hint(text)) from error
        return Exchange(wire, self._server.netloc)


@contextmanager
def mapped(connection: Connection) -> Iterator[None]:
    """Turn what happens to connections into the errors of the program."""
    try:
        yield
    except BrokenWireError as error:
        raise failures.unreachable(connection, f"the connection broke: {error}") from error


def _hint(text: str) -> str | None:
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "its certificate is not the one that the kubeconfig expects; fetch the kubeconfig anew"
    return None
