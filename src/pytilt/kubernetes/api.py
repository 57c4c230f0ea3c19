"""Requests to the API server: plain ones and streamed ones, with the user's identity on them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from pytilt.host.processes import Runner
from pytilt.kubernetes import failures
from pytilt.kubernetes.authentication import Authenticator, Identity
from pytilt.kubernetes.connection import Connection
from pytilt.kubernetes.failures import Failure
from pytilt.kubernetes.transport import socket_options, tls_context
from pytilt.model.base import Value

if TYPE_CHECKING:
    import ssl

    import httpcore
    import httpx

Params = Sequence[tuple[str, str]]

CONNECT_SECONDS = 10.0
"""A cluster that takes longer to accept a connection is told to be unreachable."""

ANSWER_SECONDS = 30.0
"""The longest that a plain request waits for its answer, as in Tilt's applies."""

_TRIES_PER_IDENTITY = 2
_SWITCHING_PROTOCOLS = 101
_READ_BYTES = 65536


class Answer(Value):
    """What the server answered."""

    status: int
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Was the request granted?"""
        return self.status < 400

    @property
    def failure(self) -> Failure:
        """Why it was not."""
        return failures.parse(self.status, self.body)

    def json(self) -> dict[str, Any]:
        """The body as an object, empty where it is none."""
        try:
            return msgspec.json.decode(self.body, type=dict[str, Any])
        except msgspec.DecodeError:
            return {}


class Stream:
    """An answer that is read piece by piece."""

    def __init__(self, response: "httpx.Response", connection: Connection) -> None:
        self._response = response
        self._connection = connection

    async def lines(self) -> AsyncGenerator[bytes, None]:
        """The lines, each with its newline; the last one may have none.

        Raises:
            ClusterUnreachableError: the connection broke.
        """
        rest = bytearray()
        async with aclosing(self._pieces()) as pieces:
            async for piece in pieces:
                searched = len(rest)
                rest += piece
                start = 0
                while (end := rest.find(b"\n", max(start, searched))) >= 0:
                    yield bytes(rest[start : end + 1])
                    start = end + 1
                del rest[:start]
        if rest:
            yield bytes(rest)

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        with mapped(self._connection):
            async for piece in self._response.aiter_bytes():
                yield piece


class TakenOver:
    """A connection that was taken over: raw bytes both ways."""

    def __init__(self, stream: "httpcore.AsyncNetworkStream", connection: Connection) -> None:
        self._stream = stream
        self._connection = connection

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            ClusterUnreachableError: the connection is closed.
        """
        import httpcore

        try:
            await self._stream.write(data)
        except httpcore.NetworkError as error:
            raise failures.unreachable(self._connection, "the connection was closed") from error

    async def receive_bytes(self) -> bytes:
        """The next bytes.

        Raises:
            EOFError: the connection was closed, properly or not.
        """
        import httpcore

        try:
            data = await self._stream.read(_READ_BYTES)
        except httpcore.NetworkError as error:
            raise EOFError from error
        if not data:
            raise EOFError
        return data


class KubernetesApi:
    """The API server of a connection; it is entered once, around everything that uses it.

    Args:
        connection: where the server is and who asks.
        runner: runs credential plugins.
    """

    def __init__(self, connection: Connection, runner: Runner) -> None:
        self.connection = connection
        self._authenticator = Authenticator(connection, runner)
        self._closing = AsyncExitStack()
        self._clients: dict[tuple[str, str], httpx.AsyncClient] = {}
        self._contexts: dict[tuple[str, str], ssl.SSLContext] = {}
        self._opening = asyncio.Lock()
        self._extensions = {"sni_hostname": connection.tls_server_name} if connection.tls_server_name else {}

    async def __aenter__(self) -> Self:
        """Nothing is opened before the first request."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        await self._closing.aclose()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        seconds: float | None = ANSWER_SECONDS,
    ) -> Answer:
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
        import httpx

        for attempt in range(_TRIES_PER_IDENTITY):
            identity = await self._authenticator.identity()
            client = await self._client(identity)
            request = client.build_request(
                method,
                path,
                params=list(params),
                content=body,
                headers=[*identity.headers, *(headers or {}).items()],
                timeout=httpx.Timeout(seconds, connect=CONNECT_SECONDS),
                extensions=self._extensions,
            )
            response = await self._sent(client, request, repeat=method != "POST")
            answer = Answer(status=response.status_code, body=response.content)
            if answer.status == 401:
                if attempt == 0 and await self._authenticator.renew(identity):
                    continue
                raise failures.unauthorized(self.connection, answer.failure)
            return answer
        raise AssertionError  # the last attempt returns or raises

    @asynccontextmanager
    async def stream(self, path: str, *, params: Params = ()) -> AsyncIterator[Stream | Failure]:
        """Ask for something that is told piece by piece, for as long as it takes.

        Raises:
            ClusterUnreachableError: there is no answer, or the credentials are not accepted.
        """
        async with AsyncExitStack() as closing:
            answer = await self._opened(closing, "GET", path, params, {})
            yield answer if isinstance(answer, Failure) else Stream(answer, self.connection)

    @asynccontextmanager
    async def upgrade(
        self, path: str, protocol: str, headers: Mapping[str, str]
    ) -> AsyncIterator[TakenOver | Failure | None]:
        """Take a connection over for another protocol; None where the server stays with HTTP.

        Args:
            path: below the server's address.
            protocol: the other protocol, for the header `Upgrade`.
            headers: beside those of the user.

        Raises:
            ClusterUnreachableError: there is no answer, or the credentials are not accepted.
        """
        async with AsyncExitStack() as closing:
            wanted = {"Accept": "*/*", "Connection": "Upgrade", "Upgrade": protocol, **headers}
            answer = await self._opened(closing, "POST", path, (), wanted)
            if isinstance(answer, Failure):
                yield answer
            elif answer.status_code != _SWITCHING_PROTOCOLS:
                yield None
            else:
                yield TakenOver(answer.extensions["network_stream"], self.connection)

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

    async def _opened(
        self, closing: AsyncExitStack, method: str, path: str, params: Params, headers: Mapping[str, str]
    ) -> "httpx.Response | Failure":
        import httpx

        for attempt in range(_TRIES_PER_IDENTITY):
            identity = await self._authenticator.identity()
            client = await self._client(identity)
            timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS, read=None)
            request = client.build_request(
                method,
                path,
                params=list(params),
                headers=[*identity.headers, *headers.items()],
                timeout=timeout,
                extensions=self._extensions,
            )
            response = await self._sent(client, request, repeat=True, stream=True)
            closing.push_async_callback(response.aclose)
            if response.status_code < 400:
                return response
            with mapped(self.connection):
                failure = failures.parse(response.status_code, await response.aread())
            if failure.code != 401:
                return failure
            if attempt or not await self._authenticator.renew(identity):
                raise failures.unauthorized(self.connection, failure)
        raise AssertionError  # the last attempt returns or raises

    async def _sent(
        self, client: "httpx.AsyncClient", request: "httpx.Request", *, repeat: bool, stream: bool = False
    ) -> "httpx.Response":
        import httpx

        with mapped(self.connection):
            try:
                return await client.send(request, stream=stream)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                if not repeat:
                    raise
                return await client.send(request, stream=stream)

    async def _client(self, identity: Identity) -> "httpx.AsyncClient":
        key = (identity.certificate, identity.key)
        async with self._opening:
            if key not in self._clients:
                client = await asyncio.to_thread(_new_client, self.connection, await self.tls(identity))
                self._clients[key] = await self._closing.enter_async_context(client)
            return self._clients[key]


@contextmanager
def mapped(connection: Connection) -> Iterator[None]:
    """Turn the errors of the HTTP library into ours."""
    import httpx

    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        text = str(error) or type(error).__name__
        raise failures.unreachable(connection, text, hint=_hint(text)) from error


def _hint(text: str) -> str | None:
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "its certificate is not the one that the kubeconfig expects; fetch the kubeconfig anew"
    return None


def _new_client(connection: Connection, context: "ssl.SSLContext") -> "httpx.AsyncClient":
    import httpx

    try:
        transport = httpx.AsyncHTTPTransport(
            verify=context,
            trust_env=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=60),
            proxy=httpx.Proxy(connection.proxy) if connection.proxy else None,
            socket_options=list(socket_options()),
        )
    except (ImportError, ValueError) as error:
        raise failures.unreachable(
            connection,
            f"the proxy `{connection.proxy}` cannot be used: {error}",
            hint="for a SOCKS proxy install `socksio` and `python-socks` beside pytilt",
        ) from error
    return httpx.AsyncClient(
        base_url=connection.server,
        transport=transport,
        headers={"Accept": "application/json", "User-Agent": "tilt"},
        follow_redirects=False,
    )
