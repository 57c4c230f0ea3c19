"""Answers that no honest server gives, made of honest ones: what is wrong with each, a number decides."""

import asyncio
import copy
import gzip
import json
import random
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

ODD: tuple[Any, ...] = (None, True, 7, -1, 1.5, "", "x", "²", "9" * 5000, [], [1], ["x"], {}, {"a": 1}, [{}], [[1]])
"""What may stand in place of any value."""

HTML = b"<html><body>Please log in</body></html>"
LARGE_BYTES = 2 * 1024**2
PATIENCE_SECONDS = 10.0


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values in a value of JSON, beginning with the shortest."""
    yield path
    found = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in found:
        yield from places(below, (*path, key))


def changed(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """A copy of a value of JSON with something else at a place."""
    if not path:
        return odd
    found = copy.deepcopy(value)
    place = found
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = odd
    return found


def answer(status: str, body: bytes, *headers: str) -> bytes:
    """An honest answer, after which the connection is closed."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def honest_answer(value: Any) -> bytes:
    """An answer with this body: a value of JSON, or bytes."""
    return answer("200 OK", _body(value))


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """An answer in chunks."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in chunks) + end


HEADS = (
    b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(100_000)),
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * LARGE_BYTES,
    b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
    b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
    b"HTTP/1.1 \r\n\r\n",
    b"HTTP/1.1 99999999 OK\r\n\r\n",
    b"HTTP/9.9 200 OK\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"\x16\x03\x01\x02\x00\x01",
    b"\0" * 1000,
    b"HTTP/1.1 200 OK\r\nX\xff: \xfe\r\n : y\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, x, chunked\r\n\r\n",
    b"",
)
"""What may come in place of the beginning of an answer."""

LARGE = (b"[" + b"1," * LARGE_BYTES, b'{"items": [' + b"{}," * 300_000 + b"{}]}", b" " * LARGE_BYTES)

Way = Callable[[random.Random, Any], bytes]
"""Makes a hostile answer of an honest body."""


def _body(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def _odd_field(chance: random.Random, value: Any) -> bytes:
    if isinstance(value, bytes):
        return answer("200 OK", value[: chance.randrange(len(value) + 1)] + b"\xff{[")
    path = chance.choice(list(places(value)))
    return answer("200 OK", _body(changed(value, path, chance.choice(ODD))))


def _odd_line(chance: random.Random, value: Any) -> bytes:
    odd = chance.choice(
        (b"<html>\n", b"[]\n", b"{}\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n", b'{"type":"ERROR"}\n', b"")
    )
    return chunked(_body(value), b"\n", odd, _body(value)[: chance.randrange(50)])


def _odd_status(chance: random.Random, value: Any) -> bytes:
    status = {"kind": "Status", "code": 409, "reason": "x", "message": "y", "details": {"causes": [{"field": "a"}]}}
    path = chance.choice(list(places(status)))
    code = chance.choice(
        ("100", "199", "204", "302", "304", "400", "403", "404", "409", "422", "429", "500", "503", "999")
    )
    return answer(
        f"{code} X", chance.choice((_body(value), _body(changed(status, path, chance.choice(ODD))), HTML, b""))
    )


def _cut(chance: random.Random, value: Any) -> bytes:
    whole = answer("200 OK", _body(value))
    return whole[: chance.randrange(len(whole))]


def _flipped(chance: random.Random, value: Any) -> bytes:
    whole = bytearray(answer("200 OK", _body(value)))
    for _ in range(chance.randrange(1, 20)):
        whole[chance.randrange(len(whole))] = chance.randrange(256)
    return bytes(whole)


def _odd_length(chance: random.Random, value: Any) -> bytes:
    length = chance.choice(
        ("0", "-1", "3", "x", "9" * 30, "9" * 5000, "5, 5", "5\r\nContent-Length: 6", "0x10", "²", "")
    )
    return f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode() + _body(value)


def _odd_head(chance: random.Random, value: Any) -> bytes:
    return chance.choice(HEADS) + chance.choice((b"", _body(value)))


def _odd_chunks(chance: random.Random, value: Any) -> bytes:
    end = chance.choice(
        (b"zz\r\n", b"-5\r\nx\r\n", b"ffffffffffffffffffff\r\nx", b"5;" + b"a" * LARGE_BYTES, b"", b"0\r\nX: ")
    )
    return chunked(_body(value), end=end)


def _packed(chance: random.Random, value: Any) -> bytes:
    whole = gzip.compress(_body(value))
    packed = chance.choice((b"no", whole[:-3], whole + b"x", whole))
    return answer("200 OK", packed, "Content-Encoding: gzip")


def _large(chance: random.Random, value: Any) -> bytes:
    del value
    return answer("200 OK", chance.choice(LARGE))


def _other(chance: random.Random, value: Any) -> bytes:
    del value
    return answer("200 OK", chance.choice((HTML, b"", b"null", b"[]", b"{}", b'"x"', b"1" * 5000)))


WAYS: tuple[Way, ...] = (
    *(_odd_field,) * 4,
    _odd_line,
    _odd_status,
    _cut,
    _flipped,
    _odd_length,
    _odd_head,
    _odd_chunks,
    _packed,
    _large,
    _other,
)


def hostile(number: int, honest: Any) -> bytes:
    """A hostile answer; the same for the same number.

    Args:
        number: decides what is wrong.
        honest: what the body would be: a value of JSON, or bytes.
    """
    chance = random.Random(number)
    return chance.choice(WAYS)(chance, honest)


class HostileServer:
    """Gives each request a hostile answer, or now and then an honest one; what came before is the same for a number.

    Args:
        honest: what an honest server answers to a path.
        number: decides what is wrong.
        hostility: in which part of the answers something is.
    """

    def __init__(self, honest: Callable[[str], Any], number: int, *, hostility: float = 0.6) -> None:
        self._honest = honest
        self._chance = random.Random(number)
        self._hostility = hostility
        self._serving: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        """The connections that are open, and what serves each."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and close."""
        self._serving[writer] = asyncio.current_task()
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode()
            value = self._honest(target)
            hostility = self._chance.random() < self._hostility
            writer.write(hostile(self._chance.randrange(1_000_000_000), value) if hostility else honest_answer(value))
            await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        del self._serving[writer]

    @asynccontextmanager
    async def on_socket(self, path: str) -> AsyncIterator[None]:
        """Listen on a Unix socket."""
        async with await asyncio.start_unix_server(self.serve, path), self._ending():
            yield

    @asynccontextmanager
    async def on_port(self) -> AsyncIterator[int]:
        """Listen on a port of this machine."""
        async with await asyncio.start_server(self.serve, "127.0.0.1", 0) as server, self._ending():
            yield server.sockets[0].getsockname()[1]

    @asynccontextmanager
    async def _ending(self) -> AsyncIterator[None]:
        """End, when the block does, what still serves somebody."""
        try:
            yield
        finally:
            serving = dict(self._serving)
            for writer in serving:
                writer.transport.abort()
            await asyncio.gather(*filter(None, serving.values()))


async def trouble(work: Awaitable[object], expected: tuple[type[Exception], ...]) -> str:
    """What is wrong with how it ended: nothing where it ended well, or with an error that is expected."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await work
    except expected:
        return ""
    except BaseException as error:  # noqa: BLE001 - all of them are reported
        return f"{error!r:.200} at {traceback.extract_tb(error.__traceback__)[-1]}"
    return ""


class OddAnswers:
    """Honest answers, but for something odd in one place of one of them at a time.

    Args:
        honest: what an honest server answers to a path.
    """

    def __init__(self, honest: Callable[[str], Any]) -> None:
        self._honest = honest
        self._odd: dict[str, Any] = {}
        self._asked: set[str] = set()

    def __call__(self, target: str) -> Any:
        """What is answered now."""
        path = target.partition("?")[0]
        self._asked.add(path)
        return self._odd.get(path, self._honest(target))

    async def troubles(self, answers: Mapping[str, Any], trouble: Callable[[], Awaitable[str]]) -> list[str]:
        """What goes wrong with something odd in any place of the answers that are asked for; each place gets a fifth.

        Args:
            answers: the honest ones, by their paths. Those that are no JSON stay as they are.
            trouble: what is wrong now.
        """
        assert await trouble() == ""
        wrong = []
        for path in sorted(path for path in self._asked & answers.keys() if not isinstance(answers[path], bytes)):
            for index, place in enumerate(places(answers[path])):
                for odd in ODD[index % 5 :: 5]:
                    self._odd = {path: changed(answers[path], place, odd)}
                    if found := await trouble():
                        wrong.append(f"{path} {place} = {str(odd)[:10]!r}: {found}")
            self._odd = {}
        return wrong
