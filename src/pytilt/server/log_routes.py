"""`/api/logs`: lines of the log, chosen, searched for and followed."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from itertools import islice

import msgspec
from msgspec.structs import replace
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pytilt.errors import UserError
from pytilt.model.base import Value
from pytilt.model.lines import Block, Line, Selection
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.times import in_utc, micros_of, precise, time_of
from pytilt.server.streaming import Streamed
from pytilt.store.logs import LogStore, each_line
from pytilt.store.scanner_pool import LogScanner
from pytilt.store.search import LogSearch, LogSearcher, backward, check

NDJSON = "application/x-ndjson"

LARGEST_NUMBER = 2**35
"""The limit of numbers in a query: there are fewer lines, and no date is more seconds ago."""

LOG_END = "X-Log-End"
"""The header with the cursor of the line that comes next."""

LINES_AT_ONCE = 1000
"""So many lines are encoded in one turn of the event loop."""

MOST_CONTEXT = 1000


class LogRequest(Value):
    """What is asked for."""

    selection: Selection
    search: LogSearch | None = None
    follow: bool = False
    end: int | None = None
    limit: int | None = None


class LogRoutes:
    """Answers requests for lines of the log; `docs/api.md` lists the parameters.

    Args:
        logs: the session's log.
        scanner: scans it for what is searched for.
        known: returns the names of all resources.
    """

    def __init__(self, logs: LogStore, scanner: LogScanner, known: Callable[[], Collection[str]]) -> None:
        self._logs = logs
        self._scanner = scanner
        self._known = known

    async def read(self, request: Request) -> Response:
        """Lines of the log, as JSON lines where nothing else is asked for; with `follow`, without end."""
        query = request.query_params
        wanted = _wanted(query, self._logs.now())
        if query.get("resources") == "known":
            self._refuse_unknown(query.getlist("resource"))
        cursor = await self._cursor(query, wanted)
        headers = {LOG_END: str(len(self._logs))}
        if wanted.search is not None:
            await self._check(wanted.search.pattern)
            last = int(_number(query, "last"))
            if query.get("order") == "backward":
                found = _with_failure(self._searched_backward(cursor, wanted, last))
                return Streamed((_in_array(lines) async for lines in found), NDJSON, headers)
            found = _with_failure(self._searched(cursor, wanted))
            if last:
                found = _last_of(found, last)
            return Streamed((_encoded(lines) async for lines in found), NDJSON, headers)
        blocks = self._blocks(cursor, wanted)
        if query.get("format") == "text":
            return Streamed((_plain(some) async for some in blocks), "text/plain", headers)
        if query.get("format") == "blocks":
            return Streamed((_in_blocks(some) async for some in blocks), NDJSON, headers)
        return Streamed((_encoded(lines) async for lines in _lines_of(blocks)), NDJSON, headers)

    def _refuse_unknown(self, names: Sequence[str]) -> None:
        known = self._known()
        for name in names:
            if name not in known:
                raise HTTPException(404, f'No such resource "{name}"\nhint: there are: {", ".join(sorted(known))}')

    async def _cursor(self, query: QueryParams, wanted: LogRequest) -> int:
        """Where to begin."""
        if "tail" in query:
            count = int(_number(query, "tail"))
            return await self._logs.find_tail(count, wanted.selection, before=wanted.end)
        cursor = int(_number(query, "cursor"))
        if wanted.limit is not None and wanted.end is not None:
            return max(cursor, await self._logs.find_tail(wanted.limit, wanted.selection, before=wanted.end))
        return cursor

    async def _blocks(self, cursor: int, wanted: LogRequest) -> AsyncIterator[Sequence[Block]]:
        """The blocks that are chosen, cut to the lines that are."""
        if wanted.follow:
            async for blocks in self._logs.follow_blocks(cursor, wanted.selection):
                yield [block.since(cursor) for block in blocks]
            return
        end = len(self._logs) if wanted.end is None else min(wanted.end, len(self._logs))
        limit = wanted.limit
        while cursor < end and limit != 0:
            blocks, after = self._logs.read_turn(cursor, wanted.selection, limit)
            found = [block.since(cursor) for block in blocks]
            if limit is not None or wanted.end is not None:
                found = _cut(found, end, limit)
                limit = None if limit is None else limit - sum(block.count for block in found)
            yield found
            cursor = after
            await asyncio.sleep(0)

    async def _searched_backward(
        self, cursor: int, wanted: LogRequest, last: int
    ) -> AsyncIterator[Sequence[Line | None]]:
        """The last so many lines that are found, or all: the newest part of the log that has some comes first."""
        assert wanted.search is not None
        end = len(self._logs) if wanted.end is None else min(wanted.end, len(self._logs))
        left = last or None
        async with aclosing(backward(self._logs, self._scanner, wanted.search, range(cursor, end))) as found:
            async for lines in found:
                some = lines if left is None else _last(lines, left)
                if some:
                    yield some
                    left = None if left is None else left - sum(line is not None for line in some)
                    if left == 0:
                        return

    async def _searched(self, cursor: int, wanted: LogRequest) -> AsyncIterator[Sequence[Line | None]]:
        """The lines that are found; `{}` stands where lines between them are left out."""
        assert wanted.search is not None
        searcher = LogSearcher(self._logs, self._scanner, wanted.search, cursor)
        left = wanted.limit
        with self._logs.changes() as changed:
            while True:
                changed.clear()
                end = len(self._logs) if wanted.end is None else min(wanted.end, len(self._logs))
                async with aclosing(searcher.advance(end)) as found:
                    async for lines in found:
                        some = lines if left is None else _first(lines, left)
                        left = None if left is None else left - sum(line is not None for line in some)
                        if some:
                            yield some
                        if left == 0:
                            return
                if not wanted.follow:
                    return
                await changed.wait()

    async def _check(self, pattern: str) -> None:
        try:
            await check(self._logs, self._scanner, pattern)
        except UserError as problem:
            raise HTTPException(400, str(problem)) from problem


async def _lines_of(found: AsyncIterator[Sequence[Block]]) -> AsyncIterator[Sequence[Line]]:
    """The lines of blocks, some at a time: a short block may have many."""
    async for blocks in found:
        lines = each_line(blocks, 0)
        while some := tuple(islice(lines, LINES_AT_ONCE)):
            yield some
            await asyncio.sleep(0)


async def _with_failure(found: AsyncIterator[Sequence[Line | None]]) -> AsyncIterator[Sequence[Line | None]]:
    """The lines that are found; where the search cannot go on, a line says so, after the last one."""
    last = 0
    try:
        async for lines in found:
            last = max((line.number for line in lines if line is not None), default=last)
            yield lines
    except UserError as problem:
        line = Line(number=last, time=precise(datetime.now(UTC)), resource=ResourceName(""), span=SpanId(""), text="")
        yield [replace(line, text=text, level=Level.ERROR) for text in str(problem).splitlines()]


async def _last_of(found: AsyncIterator[Sequence[Line | None]], count: int) -> AsyncIterator[Sequence[Line | None]]:
    """The last so many of the lines that are found."""
    kept: deque[Line | None] = deque(maxlen=count)
    async for lines in found:
        kept.extend(lines)
    yield tuple(kept)


def _wanted(query: QueryParams, now: datetime) -> LogRequest:
    selection = Selection(
        resources=frozenset(ResourceName(name) for name in query.getlist("resource")),
        level=_level(query, "level"),
        at_least=_level(query, "at_least"),
        source=query.get("source", "all"),
        since=_time(query, "since", now),
        until=_time(query, "until", now),
    )
    follow = bool(query.get("follow"))
    if follow and ("before" in query or "limit" in query):
        raise HTTPException(400, "follow has no end: it goes with neither before nor limit")
    return LogRequest(
        selection=selection,
        search=_search(query, selection) if "grep" in query else None,
        follow=follow,
        end=int(_number(query, "before")) if "before" in query else None,
        limit=int(_number(query, "limit")) if "limit" in query else None,
    )


def _search(query: QueryParams, selection: Selection) -> LogSearch:
    context = min(int(_number(query, "context")), MOST_CONTEXT)
    return LogSearch(pattern=query["grep"], selection=selection, context=context)


def _cut(blocks: Sequence[Block], end: int, limit: int | None) -> list[Block]:
    """The blocks without the lines from a number on, and with no more lines than a limit."""
    found: list[Block] = []
    for block in blocks:
        kept = min(block.count, end - block.number, block.count if limit is None else limit)
        if kept > 0:
            found.append(block.first(kept))
            limit = None if limit is None else limit - kept
    return found


def _first(lines: Sequence[Line | None], limit: int) -> Sequence[Line | None]:
    """The lines up to the last one of so many."""
    count = 0
    for place, line in enumerate(lines):
        count += line is not None
        if count == limit:
            return lines[: place + 1]
    return lines


def _last(lines: Sequence[Line | None], count: int) -> Sequence[Line | None]:
    """The lines from the first one of the last so many on."""
    return _first(lines[::-1], count)[::-1]


def _in_blocks(blocks: Sequence[Block]) -> bytes:
    encode = msgspec.json.Encoder().encode
    return b"".join(encode(block) + b"\n" for block in blocks)


def _plain(blocks: Sequence[Block]) -> bytes:
    return "".join(f"{block.text}\n" for block in blocks).encode(errors="replace")


def _encoded(lines: Sequence[Line | None]) -> bytes:
    encode: Callable[[object], bytes] = msgspec.json.Encoder().encode
    return b"".join((b"{}" if line is None else encode(line)) + b"\n" for line in lines)


def _in_array(lines: Sequence[Line | None]) -> bytes:
    return b"[" + b",".join(b"{}" if line is None else msgspec.json.encode(line) for line in lines) + b"]\n"


def _level(query: QueryParams, name: str) -> Level | None:
    word = query.get(name, "").upper()
    return Level(word) if word in Level.__members__ else None


def _time(query: QueryParams, name: str, now: datetime) -> str:
    """A moment of the query: so many seconds ago, or an RFC 3339 time; empty where there is none."""
    text = query.get(name, "")
    if known := in_utc(text) if text[:4].isdigit() and "T" in text else None:
        return time_of(micros_of(known))
    seconds = _number(query, name)
    return precise(now - timedelta(seconds=seconds)) if seconds else ""


def _number(query: QueryParams, name: str) -> float:
    """A number of the query that is not negative; 0 where there is none."""
    text = query.get(name, "0")
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < LARGEST_NUMBER:
        raise HTTPException(400, f"{name} is not a number: {text}")
    return number
