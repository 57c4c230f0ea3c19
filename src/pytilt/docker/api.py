"""Requests to a container engine: plain ones, streamed ones, and connections that are taken over."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from pytilt.docker.address import EngineAddress, TlsFiles
from pytilt.errors import DockerApiError, EngineUnreachableError
from pytilt.http.decoding import MalformedJsonError, decode
from pytilt.http.exchange import Content, Exchange
from pytilt.http.messages import SWITCHING_PROTOCOLS, Head
from pytilt.http.pool import Pool
from pytilt.http.wires import BrokenWireError, SocketWire, Wire, open_tcp
from pytilt.model.base import Value

__all__ = ["DockerApi", "DockerApiError", "DuplexStream", "Params", "Response", "path"]

Params = Mapping[str, str | int | bool | tuple[str, ...]]
"""Query parameters; booleans are sent as `1` and `0`, tuples as several parameters of one name."""

T = TypeVar("T")

CONNECT_SECONDS = 10.0
"""A local engine accepts a connection within milliseconds even under load; a remote one within a round trip."""

LONGEST_MESSAGE = 4000
"""Of a refusal that is no JSON: a page of a proxy's can be of any length."""

KEPT_CONNECTIONS = 8
KEPT_SECONDS = 5.0


class Response(Value):
    """What the engine answered."""

    status: int
    headers: Mapping[str, str] = {}
    """Names in lower case."""
    body: bytes = b""

    def decode(self, kind: type[T]) -> T:
        """The body as a value of the given type; fields that it does not know are left out.

        Raises:
            DockerApiError: the body has another shape.
        """
        try:
            return decode(self.body, kind)
        except MalformedJsonError as error:
            raise DockerApiError(
                f"the container engine's answer cannot be read: {error}", status=self.status
            ) from error


class DuplexStream:
    """A connection that was taken over: raw bytes both ways."""

    def __init__(self, wire: Wire, received: bytes) -> None:
        self._wire = wire
        self._received = received

    async def send(self, data: bytes) -> None:
        """Write all of it.

        Raises:
            EngineUnreachableError: the engine closed the connection.
        """
        with _taken_over("write to"):
            await self._wire.send(data)

    async def receive(self) -> bytes:
        """The next bytes, empty at the end.

        Raises:
            EngineUnreachableError: the connection broke.
        """
        if self._received:
            data, self._received = self._received, b""
            return data
        with _taken_over("read from"):
            return await self._wire.receive()

    def close_sending(self) -> None:
        """Close the sending side (the other's standard input ends); receiving goes on.

        Not over TLS, which cannot close one direction: there it does nothing.
        """
        self._wire.end_sending()


class DockerApi:
    """An engine at an address; connections are opened when needed and kept.

    Paths carry no API version, so the engine answers in its newest.

    Args:
        address: where it listens.
    """

    def __init__(self, address: EngineAddress) -> None:
        self.address = address
        self._base = urlsplit(address.base_url)
        self._tls: ssl.SSLContext | None = None
        self._pool: Pool | None = None

    async def __aenter__(self) -> Self:
        if self._base.scheme == "https":
            self._tls = await asyncio.to_thread(_ssl_context, self.address.tls or TlsFiles())
        self._pool = Pool(self._connect, keep=KEPT_CONNECTIONS, seconds=KEPT_SECONDS)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.close()
        self._pool = None

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
        async with self._open(method, path, params, json, content, _pairs(headers)) as (_, exchange):
            yield self._chunks(exchange)

    @asynccontextmanager
    async def hijack(
        self,
        path: str,
        json: object = None,
        *,
        params: Params | None = None,
        protocol: str = "tcp",
        headers: Sequence[tuple[str, str]] = (),
    ) -> AsyncIterator[DuplexStream]:
        """POST, and take the connection over for raw bytes (exec, attach, session).

        Args:
            path: for example `/exec/ID/start`.
            json: a value to send as JSON.
            params: the query.
            protocol: what is spoken afterwards, as `Upgrade` names it.
            headers: more headers; a name may come more than once.

        Raises:
            DockerApiError: the engine refused.
            EngineUnreachableError: it does not answer.
        """
        upgrade = [("Connection", "Upgrade"), ("Upgrade", protocol), *headers]
        async with self._open("POST", path, params, json, None, upgrade) as (head, exchange):
            if head.status != SWITCHING_PROTOCOLS:
                raise DockerApiError(f"the container engine did not hand over `POST {path}`", status=head.status)
            yield DuplexStream(exchange.wire, exchange.take_over())

    async def _request(
        self,
        method: str,
        path: str,
        params: Params | None,
        json: object,
        content: Content | None,
        headers: Mapping[str, str] | None,
    ) -> Response:
        async with self._open(method, path, params, json, content, _pairs(headers)) as (head, exchange):
            with _mapped(self.address):
                return Response(status=head.status, headers=head.headers, body=await exchange.body())

    @asynccontextmanager
    async def _open(
        self,
        method: str,
        path: str,
        params: Params | None,
        json: object,
        content: Content | None,
        headers: Sequence[tuple[str, str]],
    ) -> AsyncIterator[tuple[Head, Exchange]]:
        if self._pool is None:
            raise RuntimeError("the engine is asked outside of its `async with`")
        sent = list(headers)
        if json is not None:
            content = msgspec.json.encode(json)
            sent.append(("Content-Type", "application/json"))
        target = f"{self._base.path}{path}{_query(params or {})}"
        async with self._pool.exchange() as exchange:
            with _mapped(self.address):
                head = await exchange.ask(method, target, sent, content or b"")
                refusal = await exchange.body() if head.status >= 400 else b""
            if head.status >= 400:
                raise _refusal(head.status, refusal)
            yield head, exchange

    async def _chunks(self, exchange: Exchange) -> AsyncIterator[bytes]:
        with _mapped(self.address):
            async for chunk in exchange.chunks():
                yield chunk

    async def _connect(self) -> Exchange:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return Exchange(await self._open_wire(), self._base.netloc)
        except (OSError, ValueError) as error:  # a TimeoutError, and a host that is none, too
            raise _unreachable(self.address, error) from error

    async def _open_wire(self) -> Wire:
        if self.address.socket_path:
            return await SocketWire.open(self.address.socket_path)
        return await open_tcp(self._base.hostname or "", self._base.port or 0, tls=self._tls)


def path(*parts: str) -> str:
    """Join parts to a path, each quoted: `path("images", "shop/web:1", "json")`.

    In names of images slashes stay, since the engine expects them so.

    Raises:
        DockerApiError: a part would lead elsewhere, as `..` does.
    """
    safe = "/:@" if parts[0] == "images" else ":@"
    if any(step in ("", ".", "..") for part in parts for step in (part.split("/") if "/" in safe else (part,))):
        raise DockerApiError(f"`{'/'.join(parts[1:])}` cannot be asked for: invalid reference format", status=400)
    return "".join(f"/{quote(part, safe=safe, errors='surrogateescape')}" for part in parts)


def _pairs(headers: Mapping[str, str] | None) -> list[tuple[str, str]]:
    return list((headers or {}).items())


def _query(params: Params) -> str:
    values = {
        name: value if isinstance(value, tuple) else str(int(value)) if isinstance(value, bool) else str(value)
        for name, value in params.items()
    }
    return f"?{urlencode(values, doseq=True, errors='surrogateescape')}" if values else ""


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
        message = decode(body, dict[str, object]).get("message", "")
    except MalformedJsonError:
        message = body.decode(errors="replace").strip()[:LONGEST_MESSAGE]
    return DockerApiError(str(message) or f"the container engine answered with status {status}", status=status)


@contextmanager
def _mapped(address: EngineAddress) -> Iterator[None]:
    try:
        yield
    except BrokenWireError as error:
        raise EngineUnreachableError(
            f"the container engine at `{address.url}` broke the connection: {error}",
            hint="see whether it still runs: `docker info`",
        ) from error


@contextmanager
def _taken_over(doing: str) -> Iterator[None]:
    try:
        yield
    except BrokenWireError as error:
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
