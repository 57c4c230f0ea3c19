"""Answers that are remembered until something that they depend on is another object.

What the store holds is never changed but replaced, so identity says whether an answer still holds: to look at twenty
pods again takes longer than to plan an update of them.
"""

from collections.abc import Callable
from operator import is_
from typing import Generic, TypeVar

T = TypeVar("T")


class IdentityCache(Generic[T]):
    """What was found last for each of some names.

    Args:
        limit: how many are kept at most.
    """

    def __init__(self, limit: int = 1000) -> None:
        self._limit = limit
        self._answers: dict[str, tuple[tuple[object, ...], T]] = {}

    def get(self, name: str, given: tuple[object, ...], find: Callable[[], T]) -> T:
        """The answer for a name.

        Args:
            name: whose answer it is.
            given: all that it depends on.
            find: finds it, where it was another one of these objects before.
        """
        known = self._answers.get(name)
        if known is not None and len(known[0]) == len(given) and all(map(is_, known[0], given)):
            return known[1]
        answer = find()
        self._answers.pop(name, None)
        self._answers[name] = given, answer
        if len(self._answers) > self._limit:
            del self._answers[next(iter(self._answers))]
        return answer
