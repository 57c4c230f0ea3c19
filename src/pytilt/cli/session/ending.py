"""The last words of a session: which resource is not well, why, and where to go from here."""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TextIO

from pytilt.host.output import names_error
from pytilt.loop.planning.verdict import Verdict
from pytilt.model.lines import Selection
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.model.objects import Resource, Runtime, Tiltfile
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Outcome, Update
from pytilt.store.logs import LogStore
from pytilt.store.objects import Snapshot, Store
from pytilt.views.headlines import headline

CRASH_LINES = 60
"""Lines from the end of a log that are searched for the cause."""

BRIEF_LINES = 3
"""So many lines of an error are enough where it was printed above."""


def farewell(state: Snapshot, *, stays: bool = True) -> str:
    """What `tilt up` says when it ends; empty where there is nothing to say.

    Args:
        state: the objects of the session at its end.
        stays: is what was deployed left?
    """
    from pytilt.views.rows import rows  # imported here: only the end needs it

    # What was under way is canceled because the user leaves: nothing is broken.
    left = {each.name for each in state.all(Resource) if _canceled(each.status.last)}
    left |= {each.name for each in state.all(Tiltfile) if _canceled(next(iter(each.status.history), None))}
    lines = [
        f"{row.name} is broken: {headline(row.error)}" for row in rows(state) if row.trouble and row.name not in left
    ]
    if stays and any(resource.status.applied for resource in state.all(Resource)):
        lines.append("What was deployed stays; `tilt down` removes it.")
    return "\n".join(lines)


def crash_words(state: Snapshot, logs: LogStore) -> dict[ResourceName, list[str]]:
    """What everything that crashed said itself before it ended.

    Args:
        state: the objects of the session at its end.
        logs: its log, which is still open.
    """
    if not any(each.status.status is RuntimeStatus.ERROR for each in state.all(Runtime)):
        return {}
    from pytilt.views.loglines import own_words  # imported here: only the end needs it
    from pytilt.views.rows import rows

    found: dict[ResourceName, list[str]] = {}
    for row in rows(state):
        if row.crashed:
            selection = Selection(resources=frozenset({row.name}), source="runtime")
            found[row.name] = own_words(logs.read(logs.tail(CRASH_LINES, selection), selection)[0], row.error)
    return found


async def keeping_crashes(
    show: Callable[[Store, LogStore], Awaitable[None]],
    store: Store,
    logs: LogStore,
    crashes: dict[ResourceName, list[str]],
) -> None:
    """Show a session; at its end, keep what those that crashed said, as nobody can read the log later."""
    try:
        await show(store, logs)
    finally:
        crashes.update(crash_words(store.snapshot(), logs))


def last_words(verdict: Verdict, crashes: Mapping[ResourceName, Sequence[str]], *, shown: bool, log: str) -> str:
    """What `tilt ci` says after `Error: ` when it fails.

    Args:
        verdict: one that failed.
        crashes: what those that crashed said themselves.
        shown: was the error printed above already, complete? Then its first lines are enough here.
        log: path of the log with the lines of all resources.
    """
    lines = [_error(verdict, crashes.get(verdict.resource, ()), shown=shown)]
    lines += [
        f"Failed too: {each.resource}: {_brief(_joined(each.text, crashes.get(each.resource, ())))}"
        for each in verdict.broken
    ]
    lines += [f"Not ready yet: {each.resource}: {headline(each.text)}" for each in verdict.unready]
    if verdict.resource != TILTFILE:
        lines.append(f"The log of all resources: {log}")
    return "\n".join(lines)


def same_place(one: TextIO, other: TextIO) -> bool:
    """Do two streams lead to the same terminal, file or pipe?"""
    try:
        return os.path.sameopenfile(one.fileno(), other.fileno())
    except (OSError, ValueError):
        return False


def _canceled(last: Update | None) -> bool:
    return last is not None and last.outcome is Outcome.CANCELED


def _error(verdict: Verdict, words: Sequence[str], *, shown: bool) -> str:
    if not verdict.resource:
        return _brief(verdict.error) if shown else verdict.error
    if verdict.resource == TILTFILE and shown:
        return "the Tiltfile cannot be evaluated, for the reason above"
    error = _joined(verdict.error, words)
    return f"{verdict.resource}: {_brief(error) if shown else error}"


def _joined(error: str, words: Sequence[str]) -> str:
    return "\n".join([error, *words])


def _brief(text: str) -> str:
    """An error in few lines, without its hint: the first one, and those that name what is wrong, else the last."""
    message = text.strip().partition("\nhint: ")[0]
    lines = message.splitlines()
    if len(lines) <= BRIEF_LINES:
        return message
    causes = [line for line in lines[1:] if names_error(line)]
    rest = causes[: BRIEF_LINES - 1] if causes else ["…", *lines[1 - BRIEF_LINES :]]
    return "\n".join([lines[0], *rest])
