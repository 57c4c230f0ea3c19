"""Many who ask for one thing each at the same time: one request for all things answers them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from pytilt.http.shared_work import SharedWork

K = TypeVar("K")
T = TypeVar("T")

MANY = 2
"""Where so many things were asked for one by one, and somebody still waits, the next question asks for everything."""


class Coalescer(Generic[K, T]):
    """Asks for one thing, or for all where many wait. No answer is older than its question.

    Args:
        one: asks for one thing.
        everything: asks for all things that there are, by key.
    """

    def __init__(self, one: Callable[[K], Awaitable[T]], everything: Callable[[], Awaitable[Mapping[K, T]]]) -> None:
        self._one = one
        self._everything = everything
        self._asking_all = SharedWork()
        self._asking = 0
        self._burst = 0
        """How many have asked since nobody waited for an answer."""
        self._waiting = 0
        self._questions = 0
        self._known: Mapping[K, T] = {}
        self._known_since = 0
        """Every question up to this one came before everything was asked for."""

    async def get(self, key: K) -> T:
        """The answer about one thing; raises what asking raises."""
        self._asking += 1
        self._burst += 1
        try:
            if self._burst > MANY:
                known = await self._all()
                if key in known:
                    return known[key]
            return await self._one(key)
        finally:
            self._asking -= 1
            if not self._asking:
                self._burst = 0

    async def _all(self) -> Mapping[K, T]:
        self._questions += 1
        question = self._questions
        self._waiting += 1
        try:
            await self._asking_all.ensure(lambda: question > self._known_since, self._ask_all)
            return self._known
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._known = {}

    async def _ask_all(self) -> None:
        await asyncio.sleep(0)  # more may ask in this turn of the loop
        newest = self._questions
        self._known = await self._everything()
        self._known_since = newest
