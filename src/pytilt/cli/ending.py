"""The last words of a session: which resource is not well, why, and where to go from here."""

import os
from collections.abc import Sequence
from typing import TextIO

from pytilt.host.output import names_error
from pytilt.loop.verdict import Trouble, Verdict
from pytilt.model.names import TILTFILE
from pytilt.model.objects import Resource, Tiltfile
from pytilt.model.updates import Outcome, Update
from pytilt.store.objects import Snapshot

BRIEF_LINES = 3
"""So many lines of an error are enough where it stands above already."""


def farewell(state: Snapshot) -> str:
    """What `tilt up` says when it ends; empty where there is nothing to say.

    Args:
        state: the objects of the session at its end.
    """
    from pytilt.views.rows import rows  # imported here: only the end needs it

    # What was under way is canceled because the user leaves: nothing is broken.
    left = {each.name for each in state.all(Resource) if _canceled(each.status.last)}
    left |= {each.name for each in state.all(Tiltfile) if _canceled(next(iter(each.status.history), None))}
    lines = [
        f"{row.name} is broken: {_first_line(row.error)}" for row in rows(state) if row.trouble and row.name not in left
    ]
    if any(resource.status.applied for resource in state.all(Resource)):
        lines.append("What was deployed stays; `tilt down` removes it.")
    return "\n".join(lines)


def last_words(verdict: Verdict, *, told: bool, log: str) -> str:
    """What `tilt ci` says after `Error: ` when it fails.

    Args:
        verdict: one that failed.
        told: does the error stand above already, complete? Then its first lines are enough here.
        log: path of the log with the lines of all resources.
    """
    lines = [_error(verdict, told=told)]
    lines += [f"Failed too: {each.resource}: {_brief(each.text)}" for each in verdict.broken]
    if verdict.unready:
        lines.append(f"Not ready yet: {_listed(verdict.unready)}")
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


def _error(verdict: Verdict, *, told: bool) -> str:
    if not verdict.resource:
        return _brief(verdict.error) if told else verdict.error
    if verdict.resource == TILTFILE and told:
        return "the Tiltfile cannot be evaluated, for the reason above"
    return f"{verdict.resource}: {_brief(verdict.error) if told else verdict.error}"


def _listed(troubles: Sequence[Trouble]) -> str:
    return ", ".join(f"{each.resource} ({_first_line(each.text)})" for each in troubles)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _brief(text: str) -> str:
    """An error in few lines, without its hint: the first one, and those that name what is wrong, else the last."""
    message = text.strip().partition("\nhint: ")[0]
    lines = message.splitlines()
    if len(lines) <= BRIEF_LINES:
        return message
    telling = [line for line in lines[1:] if names_error(line)]
    rest = telling[: BRIEF_LINES - 1] if telling else ["…", *lines[1 - BRIEF_LINES :]]
    return "\n".join([lines[0], *rest])
