"""A watcher that follows symbolic links where rules ask for it: what changes behind a link has changed at the link."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import NamedTuple

from pytilt.host.files.contents import fingerprint as fingerprint_of
from pytilt.host.files.contract import Changes, Watcher
from pytilt.host.files.links import FollowedLink, walk
from pytilt.host.ignoring import Matcher, compile_ignores
from pytilt.model.files import FileRule, Ignore

_ROUNDS = 5
"""So often the links are looked for again when they changed meanwhile."""


class _KeyedLink(NamedTuple):
    """A link that one key wants to have followed."""

    key: str
    link: FollowedLink
    matcher: Matcher

    @property
    def inner(self) -> Iterator[FileRule]:
        """What is to be watched for its sake."""
        yield FileRule(paths=(self.link.target,))
        for passed in sorted(self.link.passed):
            yield FileRule(paths=(passed,), ignores=(Ignore(base=passed, patterns=("*",)),))

    def seen(self, path: str) -> str | None:
        """Where something that changed is, seen through the link; None where it is not."""
        target = self.link.target
        if path == target or path in self.link.passed:
            return self.link.path
        if path.startswith(f"{target.rstrip('/')}/"):
            found = f"{self.link.path}/{path[len(target.rstrip('/')) + 1 :]}"
            return None if self.matcher.matches(found) else found
        return None


class FollowingWatcher:
    """A `Watcher` that has another one watch what links lead to, and reports it under the path of the link.

    Args:
        watcher: watches files and leaves links alone.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._rules: Mapping[str, Sequence[FileRule]] = {}
        self._followed: frozenset[_KeyedLink] = frozenset()
        self._links: frozenset[str] = frozenset()
        """The paths of all links that are followed."""
        self._updating = asyncio.Lock()

    async def update(self, rules: Mapping[str, Sequence[FileRule]]) -> None:
        """Watch exactly these rules; see `Watcher.update`."""
        async with self._updating:
            self._rules = dict(rules)
            await self._watch()

    async def _watch(self) -> frozenset[_KeyedLink]:
        """Watch what the rules name and what links lead to; return the links that were not followed before."""
        before = self._followed
        if not any(rule.follow for each in self._rules.values() for rule in each):
            self._followed, self._links = frozenset(), frozenset()
            await self._watcher.update(self._rules)
            return frozenset()
        for _ in range(_ROUNDS):
            # Watched before they are looked for again, so that no new link is missed.
            await self._watcher.update(self._with_targets())
            found = await asyncio.to_thread(_find, self._rules)
            if found == self._followed:
                break
            self._followed, self._links = found, frozenset(each.link.path for each in found)
        return self._followed - before

    def _with_targets(self) -> dict[str, Sequence[FileRule]]:
        rules = {key: list(each) for key, each in self._rules.items()}
        for each in sorted(self._followed, key=lambda each: each.link):
            if each.key in rules:
                rules[each.key] += each.inner
        return {key: tuple(dict.fromkeys(each)) for key, each in rules.items()}

    async def changes(self) -> AsyncIterator[Changes]:
        """Yield what changed since the last item; see `Watcher.changes`."""
        held: frozenset[str] = frozenset()
        async for found in self._watcher.changes():
            followed = {key for key, each in self._rules.items() if any(rule.follow for rule in each)}
            if followed.isdisjoint(found.paths):
                yield found
            elif (seen := await self._seen(found, followed)).paths or seen.warning or seen.held != held:
                yield seen
            held = found.held

    async def _seen(self, changes: Changes, keys: set[str]) -> Changes:
        """What changed as it is seen through links; a link that leads elsewhere stands for all that it leads to."""
        paths: dict[str, set[str]] = {}
        created = set(changes.created)
        for key, changed in changes.paths.items():
            if key not in keys:
                paths[key] = set(changed)
                continue
            paths[key] = {path for path in changed if _covered(path, self._rules.get(key, ()))}
            for path, seen in self._through(key, changed):
                paths[key].add(seen)
                if path in changes.created:
                    created.add(seen)
        if any(self._matters(path, changes) for key in keys for path in changes.paths.get(key, ())):
            async with self._updating:
                new = await self._watch()
            for each in new:
                paths.setdefault(each.key, set()).add(each.link.path)
        return changes._replace(
            paths={key: frozenset(each) for key, each in paths.items() if each}, created=frozenset(created)
        )

    def _through(self, key: str, changed: frozenset[str]) -> Iterator[tuple[str, str]]:
        for each in self._followed:
            if each.key == key:
                for path in changed:
                    if (seen := each.seen(path)) is not None:
                        yield path, seen

    def _matters(self, path: str, changes: Changes) -> bool:
        """May links be others because of this change?"""
        if path in changes.created or path in self._links or not os.path.exists(path):  # noqa: PTH110 - quick
            return True
        return os.path.islink(path) or os.path.isdir(path) or any(path in each.link.passed for each in self._followed)  # noqa: PTH112, PTH114 - quick

    async def flush(self) -> None:
        """Have the reader know all that happened; see `Watcher.flush`."""
        await self._watcher.flush()

    def read(self) -> bool:
        """Whether the reader has all that is complete; see `Watcher.read`."""
        return self._watcher.read()

    async def taken(self) -> None:
        """Wait until the reader has what was read; see `Watcher.taken`."""
        await self._watcher.taken()

    def fingerprint(self, path: str) -> bytes:
        """What is at a path, and behind the link that is there; see `Watcher.fingerprint`."""
        found = self._watcher.fingerprint(path)
        return found + fingerprint_of(os.path.realpath(path)) if path in self._links else found


def _covered(path: str, rules: Sequence[FileRule]) -> bool:
    for rule in rules:
        inside = any(path == each or path.startswith(f"{each.rstrip('/')}/") for each in rule.paths)
        if inside and not compile_ignores(rule.ignores).matches(path):
            return True
    return False


def _find(rules: Mapping[str, Sequence[FileRule]]) -> frozenset[_KeyedLink]:
    """All links of all rules that ask for it."""
    found = set()
    for key, its in rules.items():
        for rule in its:
            matcher = compile_ignores(rule.ignores)
            for root in rule.follow:
                found |= {_KeyedLink(key, each.link, matcher) for each in walk(root, matcher) if each.link}
    return frozenset(found)
