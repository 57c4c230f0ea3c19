"""The last words of `tilt ci` when it fails: which resource, why, what else is not well, and where all of it is."""

import os
from collections.abc import Sequence
from typing import TextIO

from pytilt.loop.verdict import Trouble, Verdict
from pytilt.model.names import TILTFILE


def last_words(verdict: Verdict, *, told: bool, log: str) -> str:
    """What is said after `Error: `.

    Args:
        verdict: one that failed.
        told: does the error stand above already, complete? Then its first line is enough here.
        log: path of the log with the lines of all resources.
    """
    lines = [_error(verdict, told=told)]
    lines += [f"Failed too: {each.resource}: {_first_line(each.text)}" for each in verdict.broken]
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


def _error(verdict: Verdict, *, told: bool) -> str:
    if not verdict.resource:
        return _first_line(verdict.error) if told else verdict.error
    if verdict.resource == TILTFILE and told:
        return "the Tiltfile cannot be evaluated, for the reason above"
    return f"{verdict.resource}: {_first_line(verdict.error) if told else verdict.error}"


def _listed(troubles: Sequence[Trouble]) -> str:
    return ", ".join(f"{each.resource} ({_first_line(each.text)})" for each in troubles)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
