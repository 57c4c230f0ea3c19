"""Commands that change what they depend on: paused when each run asks for the next."""

from collections.abc import Callable, Mapping

from pytilt.host.files import ABSENT
from pytilt.loop.planning.freshness import image_watch
from pytilt.model.base import Value
from pytilt.model.images import CustomBuild
from pytilt.model.objects import Resource

ROUNDS = 5
"""Runs in a row that change the same file, each because the one before did."""

EDITED_ROUNDS = 25
"""The same for a file that was also changed while no command ran: somebody may save it again and again."""


class Judgement(Value):
    """What a run did to its own dependencies."""

    restored: tuple[str, ...] = ()
    """They changed and are what they were before: no reason for another run."""
    pauses: tuple[str, ...] = ()
    """It changes them each time: the reason to wait for somebody."""


def command_watches(resource: Resource) -> tuple[str, ...]:
    """The watches of files on which the commands of a resource depend."""
    own = (resource.name,) if resource.spec.deploy.runs_commands else ()
    custom = [each for each in resource.spec.images if isinstance(each.build, CustomBuild)]
    return (*own, *(image_watch(each.name) for each in custom))


class _RunHistory:
    def __init__(self) -> None:
        self.upto = 0
        """Changes up to this sequence were judged."""
        self.counts: dict[str, int] = {}
        """How many runs in a row changed a file."""
        self.own: set[str] = set()
        """Files that a run changed and brought back to what they were."""
        self.paused: set[str] = set()
        """Files because of which it was paused before."""
        self.edited: set[str] = set()
        """Files that changed while it did not run."""

    def limit(self, path: str) -> int:
        """How many runs in a row may change a file."""
        if path in self.edited:
            return EDITED_ROUNDS
        return 1 if path in self.paused else ROUNDS


class Rounds:
    """Remembers for each resource what its runs changed."""

    def __init__(self) -> None:
        self._histories: dict[str, _RunHistory] = {}

    def begin(self, name: str, due: Mapping[str, int], *, only_changes: bool) -> None:
        """A run begins.

        Args:
            name: of the resource.
            due: the files that changed since the last, with their sequences.
            only_changes: is there no other reason to run?
        """
        history = self._histories.setdefault(name, _RunHistory())
        outside = {path for path, sequence in due.items() if sequence > history.upto}
        history.edited |= outside
        if outside or not due or not only_changes:
            history.counts = {}

    def end(
        self, name: str, before: Mapping[str, bytes | None], content: Callable[[str], bytes | None], sequence: int
    ) -> Judgement:
        """A run has ended.

        Args:
            name: of the resource.
            before: the files that changed meanwhile, and what they were before.
            content: what a file is now.
            sequence: of the newest change.
        """
        history = self._histories.setdefault(name, _RunHistory())
        same = {path for path, was in before.items() if was is not None and content(path) == was}
        # A file that was not there and is gone was temporary. Else somebody may have changed a file and taken that
        # back, and the command have seen it: it runs once more, and what it does then is its own doing.
        restored = {path for path in same if path in history.own or before[path] == ABSENT}
        history.own |= same
        history.upto = sequence
        history.counts = {path: history.counts.get(path, 0) + 1 for path in before.keys() - restored}
        pauses = {path for path, count in history.counts.items() if count >= history.limit(path)}
        history.paused |= pauses
        return Judgement(restored=tuple(sorted(restored)), pauses=tuple(sorted(pauses)))
