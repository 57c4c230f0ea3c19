"""Log lines for people: JSON unfolded to words, links and found words marked."""

import json
import re
from collections.abc import Iterator, Sequence

from pytilt.host.output import excerpt
from pytilt.model.base import Value
from pytilt.model.lines import Line
from pytilt.model.logs import Level

MESSAGE_KEYS = ("message", "msg", "event", "text")
LEVEL_KEYS = ("level", "lvl", "severity", "levelname")
TIME_KEYS = ("time", "timestamp", "ts", "@timestamp", "t")
"""Keys by which loggers name the same three things. The time is left out: every line has one of its own."""

OWN_SPANS = ("pod:", "localserve:")
"""The spans of what runs itself, in which others do not speak of it."""

TITLES = ("Running cmd: ",)
"""How lines of these spans begin that say what is run."""

URL = re.compile(r"https?://[^\s\"'<>`\x1b]+[^\s\"'<>`\x1b.,;:!?)\]}]")


class TextSpan(Value):
    """A part of a text: characters from `start` up to but not including `end`."""

    start: int
    end: int


def unfolded(text: str) -> str:
    """A JSON line as `level message key=value`; any other line as it is."""
    if not text.startswith("{") or not text.rstrip().endswith("}"):
        return text
    try:
        fields = json.loads(text)
    except ValueError:
        return text
    message = next((key for key in MESSAGE_KEYS if isinstance(fields.get(key), str)), None)
    if message is None:
        return text
    level = next((key for key in LEVEL_KEYS if isinstance(fields.get(key), str)), None)
    left_out = {message, level, *(key for key in TIME_KEYS if key in fields)}
    words = [fields[level].lower()] if level else []
    words.append(fields[message])
    words += [f"{key}={_value(value)}" for key, value in fields.items() if key not in left_out]
    return " ".join(words)


def loudness(text: str, level: Level) -> Level:
    """How loud a line is: by its own level, else by the level that a JSON line names."""
    if level is not Level.INFO or not text.startswith("{"):
        return level
    found = re.search(r'"(?:level|lvl|severity|levelname)"\s*:\s*"(\w+)"', text)
    word = found[1].lower() if found else ""
    if word in ("error", "fatal", "critical", "panic"):
        return Level.ERROR
    return Level.WARN if word in ("warn", "warning") else level


def own_words(lines: Sequence[Line], known: str) -> list[str]:
    """The last output of something that ended, as far as it explains the end.

    Args:
        lines: from the end of its log.
        known: what is said of its end elsewhere.
    """
    said = [line.text for line in lines if line.span.startswith(OWN_SPANS) and not line.text.startswith(TITLES)]
    return excerpt([text for text in said if text not in known.splitlines()])


def links(text: str) -> Iterator[TextSpan]:
    """The positions of web addresses in a line."""
    return (TextSpan(start=found.start(), end=found.end()) for found in URL.finditer(text))


def finds(text: str, words: str) -> Iterator[TextSpan]:
    """Where a search finds its words in a line; capital letters only matter when the words have some."""
    if not words:
        return
    searched, wanted = (text, words) if words != words.lower() else (text.lower(), words)
    at = searched.find(wanted)
    while at >= 0:
        yield TextSpan(start=at, end=at + len(wanted))
        at = searched.find(wanted, at + len(wanted))


def clock(time: str) -> str:
    """The time of day of an RFC 3339 time, `12:03:04`."""
    return time[11:19]


def _value(value: object) -> str:
    if isinstance(value, str):
        return value if value and not re.search(r"[\s=\"]", value) else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
