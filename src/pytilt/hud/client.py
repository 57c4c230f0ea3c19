"""A running session over its interface: the real `SessionSource`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from urllib.parse import quote, urlencode

import msgspec

from pytilt.errors import SessionUnreachableError
from pytilt.hud.mirror import WATCHED, Mirror
from pytilt.hud.session import Arguments, Enable, LogQuery, Request, TriggerRequest
from pytilt.hud.wire import Place, request
from pytilt.model.api.words import GROUP_VERSION
from pytilt.model.lines import Line
from pytilt.model.stored import Object
from pytilt.model.updates import Reason
from pytilt.store.objects import Snapshot

FRAME_SECONDS = 0.03
"""Changes that come within this time are one state: nobody sees faster."""


class Client:
    """Asks one session.

    Args:
        place: where it listens.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._decoder = msgspec.json.Decoder(Line)

    async def objects(self, take: Callable[[Snapshot], None]) -> None:
        """See `SessionSource.objects`."""
        mirror, changed = Mirror(), asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                for address, kind in WATCHED.items():
                    group.create_task(self._watch(mirror, address, kind, changed), name=f"watch {address}")
                await changed.wait()
                while True:
                    await asyncio.sleep(FRAME_SECONDS)
                    changed.clear()
                    take(mirror.snapshot())
                    await changed.wait()
        except* SessionUnreachableError as problems:
            raise _first(problems) from None

    async def follow(self, query: LogQuery, tail: int) -> AsyncIterator[list[Line]]:
        """See `SessionSource.follow`."""
        path = _logs(query, follow="1", tail=str(tail))
        async with request(self.place, "GET", path) as answer:
            async for lines in answer.lines():
                yield [self._decoder.decode(line) for line in lines if line]
        raise SessionUnreachableError("the session has ended")

    async def older(self, query: LogQuery, before: int | None, count: int) -> list[Line]:
        """See `SessionSource.older`."""
        words = {"tail": str(count)} if before is None else {"before": str(before), "limit": str(count)}
        return await self._all(_logs(query, **words))

    async def newer(self, query: LogQuery, after: int, count: int) -> list[Line]:
        """See `SessionSource.newer`."""
        return await self._all(_logs(query, cursor=str(after + 1), limit=str(count)))

    async def ask(self, wanted: Request) -> str:
        """See `SessionSource.ask`."""
        method, path, body = _question(wanted)
        async with request(self.place, method, path, msgspec.json.encode(body)) as answer:
            text = (await answer.text()).strip()
            if method == "PATCH" and answer.status == 200:
                return ""  # the answer is the object
            return text or ("" if answer.status == 200 else f"refused ({answer.status})")

    async def _watch(self, mirror: Mirror, address: str, kind: type[Object], changed: asyncio.Event) -> None:
        async with request(self.place, "GET", f"/apis/{address}?watch=1") as answer:
            if answer.status != 200:
                raise SessionUnreachableError((await answer.text()).strip() or f"refused ({answer.status})")
            async for lines in answer.lines():
                for line in lines:
                    if line:
                        mirror.take(kind, line)
                changed.set()
        raise SessionUnreachableError("the session has ended")

    async def _all(self, path: str) -> list[Line]:
        found: list[Line] = []
        async with request(self.place, "GET", path) as answer:
            async for lines in answer.lines():
                found += [self._decoder.decode(line) for line in lines if line]
        return found


def _first(problems: BaseExceptionGroup[SessionUnreachableError]) -> SessionUnreachableError:
    found: BaseException = problems
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, SessionUnreachableError)
    return found


def _logs(query: LogQuery, **more: str) -> str:
    words = {"source": query.source, **more}
    if query.resource is not None:
        words["resource"] = query.resource
    if query.level is not None:
        words["at_least"] = query.level.value
    return f"/api/logs?{urlencode(words, errors='surrogateescape')}"


def _question(wanted: Request) -> tuple[str, str, object]:
    if isinstance(wanted, TriggerRequest):
        return "POST", "/api/trigger", {"manifest_names": [wanted.name], "build_reason": int(Reason.HUD_TRIGGER)}
    if isinstance(wanted, Enable):
        return "POST", "/api/enable", {"names": wanted.names, "enabled": wanted.enabled}
    if isinstance(wanted, Arguments):
        return "POST", "/api/args", wanted.args
    status = {"lastClickedAt": wanted.at, "inputs": wanted.inputs}
    return "PATCH", f"/apis/{GROUP_VERSION}/uibuttons/{quote(wanted.button, safe='')}/status", {"status": status}
