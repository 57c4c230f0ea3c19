"""Requests to a container engine: plain ones, streamed ones, and connections that are taken over."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import quote

import msgspec

from pytilt.errors import DockerApiError, EngineUnreachableError
from pytilt.images.docker.address import EngineAddress, TlsFiles
from pytilt.model.base import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from httpcore import AsyncNetworkStream

__all__ = ["DockerApi", "DockerApiError", "DuplexStream", "Params", "Response", "path"]

Params = Mapping[str, str | int | bool | tuple[str, ...]]
"""Query parameters; booleans are sent as `1` and `0`, tuples as several parameters of one name."""

Content = bytes | AsyncIterable[bytes]
"""The body of a request, as a whole or in chunks."""

T = TypeVar("T")

CONNECT_SECONDS = 10.0
"""A local engine accepts a connection within milliseconds even under load; a remote one within a round trip."""

CHUNK_BYTES = 65536


class Response(Value):
    """What the engine answered."""

    status: int
    headers: Mapping[str, str] = {}
    """Names in lower case."""
    body: bytes = b""

    def json(self) -> object:
        """The body, decoded."""
        return msgspec.json.decode(self.body)

    def decode(self, kind: type[T]) -> T:
        """The body as a value of the given type; fields that it does not know are left out.

        Raises:
            DockerApiError: the body has another shape.
        """
        try:
            return msgspec.json.decode(self.body, type=kind)
        except msgspec.DecodeError as error:
            raise DockerApiError(
                f"the container engine's answer cannot be read: {error}", status=self.status
            ) from error


class DuplexStream:
    """A connection that was taken over: raw bytes both ways."""

    def __init__(self, stream: "AsyncNetworkStream") -> None:
        self._stream = stream

    async def send(self, data: bytes) -> None:
        """Write all of it.

        Raises:
            EngineUnreachableError: the engine closed the connection.
        """
        with _mapped_core("write to"):
            await self._stream.write(data)

    async def receive(self) -> bytes:
        """The next bytes, empty at the end.

        Raises:
            EngineUnreachableError: the connection broke.
        """
        with _mapped_core("read from"):
            return await self._stream.read(CHUNK_BYTES)

    def close_sending(self) -> None:
        """Tell the other side that nothing more comes (its standard input ends); receiving goes on.

        Not over TLS, which cannot close one direction: there it does nothing.
        """
        if self._stream.get_extra_info("ssl_object") is None:
            self._stream.get_extra_info("socket").shutdown(socket.SHUT_WR)


class DockerApi:
    """An engine at an address; connections are opened when needed and kept.

    Paths carry no API version, so the engine answers in its newest.

    Args:
        address: where it listens.
    """

    def __init__(self, address: EngineAddress) -> None:
        self.address = address
        self._closing = AsyncExitStack()
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        client = await asyncio.to_thread(_client, self.address)
        self._client = await self._closing.enter_async_context(client)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._closing.aclose()
        self._client = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: object = None,
        content: Content | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - a limit that becomes an error of ours
    ) -> Response:
        """Ask and wait for the whole answer.

        Args:
            method: for example `GET`.
            path: for example `/containers/json`; names in it quoted, see `path`.
            params: the query.
            json: a value to send as JSON.
            content: raw bytes to send instead.
            headers: more headers.
            timeout: seconds for all of it; None: no limit once connected.

        Raises:
            DockerApiError: the engine answered with a status of 400 or more.
            EngineUnreachableError: it does not answer.
        """
        try:
            async with asyncio.timeout(timeout):
                return await self._request(method, path, params, json, content, headers)
        except TimeoutError as error:
            raise EngineUnreachableError(
                f"the container engine at `{self.address.url}` did not answer `{method} {path}` within {timeout:g} s",
                hint="see whether it is overloaded: `docker info`",
            ) from error

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: object = None,
        content: Content | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Ask, and read the answer's body in chunks as they come.

        The arguments are those of `request`.

        Raises:
            DockerApiError: the engine answered with a status of 400 or more.
            EngineUnreachableError: it does not answer, or stops in the middle.
        """
        async with self._open(method, path, params, json, content, headers) as answer:
            yield self._chunks(answer)

    @asynccontextmanager
    async def hijack(
        self, path: str, json: object = None, *, params: Params | None = None
    ) -> AsyncIterator[DuplexStream]:
        """POST, and take the connection over for raw bytes (exec, attach).

        Args:
            path: for example `/exec/ID/start`.
            json: a value to send as JSON.
            params: the query.

        Raises:
            DockerApiError: the engine refused.
            EngineUnreachableError: it does not answer.
        """
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
        async with self._open("POST", path, params, json, None, headers) as answer:
            if answer.status_code != 101:
                raise DockerApiError(f"the container engine did not hand over `POST {path}`", status=answer.status_code)
            yield DuplexStream(answer.extensions["network_stream"])

    async def _request(
        self,
        method: str,
        path: str,
        params: Params | None,
        json: object,
        content: Content | None,
        headers: Mapping[str, str] | None,
    ) -> Response:
        async with self._open(method, path, params, json, content, headers) as answer:
            body = b"".join([chunk async for chunk in self._chunks(answer)])
            return Response(status=answer.status_code, headers=dict(answer.headers), body=body)

    @asynccontextmanager
    async def _open(
        self,
        method: str,
        path: str,
        params: Params | None,
        json: object,
        content: Content | None,
        headers: Mapping[str, str] | None,
    ) -> "AsyncIterator[httpx.Response]":
        if self._client is None:
            raise RuntimeError("the engine is asked outside of its `async with`")
        sent = dict(headers or {})
        if json is not None:
            content = msgspec.json.encode(json)
            sent["Content-Type"] = "application/json"
        query = {name: _query_value(value) for name, value in (params or {}).items()}
        request = self._client.build_request(method, path, params=query, content=content, headers=sent)
        with _mapped(self.address):
            answer = await self._client.send(request, stream=True)
        try:
            if answer.status_code >= 400:
                with _mapped(self.address):
                    raise _refusal(answer.status_code, await answer.aread())
            yield answer
        finally:
            await answer.aclose()

    async def _chunks(self, answer: "httpx.Response") -> AsyncIterator[bytes]:
        with _mapped(self.address):
            async for chunk in answer.aiter_raw():
                yield chunk


def path(*parts: str) -> str:
    """Join parts to a path, each quoted: `path("images", "shop/web:1", "json")`.

    Slashes and colons stay, since the engine expects image names unquoted.
    """
    return "".join(f"/{quote(part, safe='/:@')}" for part in parts)


def _query_value(value: str | int | bool | tuple[str, ...]) -> str | list[str]:
    if isinstance(value, tuple):
        return list(value)
    return str(int(value)) if isinstance(value, bool) else str(value)


def _client(address: EngineAddress) -> "httpx.AsyncClient":
    import httpx

    secure = address.base_url.startswith("https")
    transport = httpx.AsyncHTTPTransport(
        uds=address.socket_path or None,
        verify=_ssl_context(address.tls or TlsFiles()) if secure else False,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=8),
        trust_env=False,
    )
    timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
    return httpx.AsyncClient(transport=transport, base_url=address.base_url, timeout=timeout, trust_env=False)


def _ssl_context(files: TlsFiles) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=files.ca or None)
        if files.cert:
            context.load_cert_chain(files.cert, files.key or None)
    except OSError as error:
        raise EngineUnreachableError(
            f"cannot read the container engine's TLS files: {error}",
            where=files.ca or files.cert,
            hint="check `DOCKER_CERT_PATH`: the folder needs `ca.pem`, `cert.pem` and `key.pem`",
        ) from error
    if not files.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _refusal(status: int, body: bytes) -> DockerApiError:
    try:
        message = msgspec.json.decode(body, type=dict[str, object]).get("message", "")
    except msgspec.DecodeError:
        message = body.decode(errors="replace").strip()
    return DockerApiError(str(message) or f"the container engine answered with status {status}", status=status)


@contextmanager
def _mapped(address: EngineAddress) -> "Iterator[None]":
    """Turn the HTTP library's errors into ours."""
    import httpx

    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise _unreachable(address, error) from error
    except httpx.TransportError as error:
        raise EngineUnreachableError(
            f"the container engine at `{address.url}` broke the connection: {error or type(error).__name__}",
            hint="see whether it still runs: `docker info`",
        ) from error


@contextmanager
def _mapped_core(doing: str) -> "Iterator[None]":
    import httpcore

    try:
        yield
    except (httpcore.ReadError, httpcore.WriteError) as error:
        raise EngineUnreachableError(f"cannot {doing} the container engine: the connection broke") from error


def _unreachable(address: EngineAddress, error: BaseException) -> EngineUnreachableError:
    said = f" (from {address.source})" if address.source else ""
    message = f"the container engine at `{address.url}`{said} does not answer: {error or type(error).__name__}"
    if "Permission denied" in str(error):
        hint = "let your user talk to it: `sudo usermod -aG docker $USER`, then log in again"
    elif address.socket_path:
        hint = "start it, for example `sudo systemctl start docker`, or set `DOCKER_HOST` to where it listens"
    else:
        hint = "check the address and that the engine listens there, or set `DOCKER_HOST`"
    return EngineUnreachableError(message, hint=hint)
