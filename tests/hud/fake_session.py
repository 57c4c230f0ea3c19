"""A session in memory, for the display: what it shows is put in, what it asks for is written down."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

from pytilt.errors import SessionUnreachableError
from pytilt.hud.session import LogQuery, Request
from pytilt.model.lines import Line, Selection
from pytilt.model.names import ResourceName
from pytilt.model.stored import Object
from pytilt.store.objects import Store


class FakeSession:
    """A `SessionSource` whose objects and lines a test puts in.

    Args:
        objects: what is there at first.
        lines: of the log.
    """

    def __init__(self, objects: Iterable[Object] = (), lines: Iterable[Line] = ()) -> None:
        self.store = Store()
        self.lines = list(lines)
        self.asked: list[Request] = []
        self.refusal = ""
        """What it answers when it is asked for something."""
        self.down = ""
        """Why it does not answer at all; empty: it does."""
        self._changed = asyncio.Event()
        self.put(*objects)

    def put(self, *objects: Object) -> None:
        """Write objects, and notify whoever watches."""
        for each in objects:
            self.store.put(each)

    def say(self, *lines: Line) -> None:
        """Append lines to the log, and notify whoever follows."""
        self.lines += lines
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def objects(self, take: "Callable[..., None]") -> None:
        """See `SessionSource.objects`."""
        self._answer()
        async for _ in self.store.watch():
            self._answer()
            take(self.store.snapshot())

    async def follow(self, query: LogQuery, tail: int) -> AsyncIterator[list[Line]]:
        """See `SessionSource.follow`."""
        self._answer()
        seen = len(self.lines)
        yield self._chosen(query, self.lines)[-tail:]
        while True:
            if seen == len(self.lines):
                await self._changed.wait()
            self._answer()
            new, seen = self.lines[seen:], len(self.lines)
            yield self._chosen(query, new)

    async def older(self, query: LogQuery, before: int | None, count: int) -> list[Line]:
        """See `SessionSource.older`."""
        self._answer()
        return [line for line in self._chosen(query, self.lines) if before is None or line.number < before][-count:]

    async def newer(self, query: LogQuery, after: int, count: int) -> list[Line]:
        """See `SessionSource.newer`."""
        self._answer()
        return [line for line in self._chosen(query, self.lines) if line.number > after][:count]

    async def ask(self, request: Request) -> str:
        """See `SessionSource.ask`."""
        self._answer()
        self.asked.append(request)
        return self.refusal

    def _answer(self) -> None:
        if self.down:
            raise SessionUnreachableError(self.down)

    def _chosen(self, query: LogQuery, lines: list[Line]) -> list[Line]:
        resources = frozenset({query.resource} if query.resource else set[ResourceName]())
        wanted = Selection(resources=resources, source=query.source, at_least=query.level)
        return [line for line in lines if wanted.wants(line)]
