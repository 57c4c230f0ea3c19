"""What a program printed, cut to what explains its failure: the lines that name an error, then the last ones. Pure."""

import codecs
import re
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache

EXCERPT_LINES = 5
"""Lines of an excerpt, by default; all of the output is in the log."""

KEPT_LINES = 500
"""So many lines from the end of an output are looked through for errors."""

KEPT_CHARACTERS = 1000
"""A longer line is cut: an excerpt is for people."""

ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
"""Sequences that steer a terminal."""

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]+")


class Tail:
    """Keeps the end of what a program prints, in bounded memory."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._rest = ""

    def feed(self, text: str) -> None:
        """Take what was printed, in pieces of any size."""
        *lines, rest = (self._rest + text).split("\n")
        self._lines += lines
        self._rest = rest[-KEPT_CHARACTERS:]

    def excerpt(self) -> str:
        """What explains the program's failure, see `excerpt`."""
        return "\n".join(excerpt([*self._lines, self._rest]))


def excerpt(lines: Sequence[str], count: int = EXCERPT_LINES) -> list[str]:
    """What explains a program's failure: first the lines that name an error, then the last ones; each once.

    Args:
        lines: what it printed, oldest first.
        count: so many lines at most. Of many that name an error, the first ones and the last one fill half of it,
            or what the others leave.
    """
    shown = [line for each in lines if (line := _last_state(each))]
    errors = list(dict.fromkeys(line for line in shown if names_error(line)))
    others = [*dict.fromkeys(line for line in reversed(shown) if line not in errors)][:count][::-1]
    share = max(1, count // 2, count - len(others))
    if len(errors) > share:
        errors = [*errors[: share - 1], errors[-1]]
    room = count - len(errors)
    return [*errors, *(others[-room:] if room else ())]


def names_error(line: str) -> bool:
    """Does a line look like an error message, in the forms of compilers, interpreters, package managers and shells?"""
    return _errors().search(line[:KEPT_CHARACTERS]) is not None


def plain(text: str) -> str:
    """A line without the sequences that colour it or move the cursor, tabs as spaces."""
    return CONTROL.sub("", ESCAPE.sub("", text)).expandtabs(4)


def decoded(take: Callable[[str], None]) -> Callable[[bytes], None]:
    """Hand on bytes as text; a character may arrive in two pieces, and what is no UTF-8 is replaced."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    return lambda data: take(decode(data))


def both(*takers: Callable[[str], None]) -> Callable[[str], None]:
    """Hand text on to several."""

    def take(text: str) -> None:
        for each in takers:
            each(text)

    return take


def _last_state(line: str) -> str:
    """Of a line that was rewritten by carriage returns its last state, as it is read."""
    text = plain(line.rstrip("\r").rsplit("\r", 1)[-1]).rstrip()
    return text if len(text) <= KEPT_CHARACTERS else f"{text[: KEPT_CHARACTERS - 1]}…"


@cache  # compiled when something fails, not at every start
def _errors() -> re.Pattern[str]:
    return re.compile(
        r"""
        \b(?i:error|fatal|panic)(?:\[\w+\]|\ ?[A-Z]{1,4}\d+)?\s?[:!\]]
        | \b[\w.]*[a-z](?:Error|Exception)(?::|$)
        | \b(?:ERROR|FATAL|CRITICAL)\b
        | ^(?:npm\ ERR!|E:\ |E\ {3}|FAIL(?:ED|URE)?\b|---\ FAIL)
        | ^[^\s:()]+\.\w+[:(]\d+[:,)](?!.*\b(?:[Ww]arning|note|info)\b)
        | (?i:(?:command|file)?\ not\ found$|:\ no\ such\ file\ or\ directory|permission\ denied|undefined\ reference)
        | (?i:(?:syntax|parse)\ error|segmentation\ fault|out\ of\ memory|^killed$)
        """,
        re.VERBOSE,
    )
