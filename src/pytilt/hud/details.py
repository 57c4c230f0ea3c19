"""What an expanded row shows below itself: why it is broken, what was done, what runs, where it is reached."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from pytilt.host.output import plain
from pytilt.hud import glyphs
from pytilt.hud.pieces import CONTINUED, Piece, both_ends, cut, fit_middle, length, link, wrapped
from pytilt.model.api.buttons import UIButton
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.model.resources import Link
from pytilt.views.ages import age_of
from pytilt.views.dots import Tone
from pytilt.views.loglines import unfolded
from pytilt.views.rows import Row
from pytilt.views.timelines import step_lines
from pytilt.views.updates import HistoryLine, elapsed

INDENT = 4
TITLE_WIDTH = 9

ERROR_LINES = 8
"""Lines of an error that are shown at least; all of it is in the log."""
LOG_LINES = 4
"""Lines of the log of what crashed that are shown at least."""
OTHER_LINES = 3
"""Lines of anything else that is wrapped."""
HISTORY_LINES = 3
PODS = 3
STEPS = 6
"""Steps of the last update that are shown, the longest ones."""

Line = list[Piece]


def details(row: Row, last_words: Sequence[str], now: datetime, width: int, *, spare: int = 0) -> list[Line]:
    """The lines below an expanded row.

    Args:
        row: the row.
        last_words: of its log, where what runs is broken.
        now: to compute ages.
        width: of the table, in cells.
        spare: so many lines of the screen are empty; what says why it is broken may have them.
    """
    room = max(1, width - INDENT - TITLE_WIDTH)
    words = _paragraph([unfolded(plain(line)) for line in last_words], room, LOG_LINES + spare)
    spare = max(0, spare - max(0, len(words) - LOG_LINES))
    error = _paragraph(row.error.splitlines(), room, ERROR_LINES + spare)
    blocks = (
        # Its own last words explain more than that it ended.
        _block("log", [_text(line, Tone.PLAIN) for line in words], room),
        _block("error", [_text(line, Tone.ERROR) for line in error], room),
        _block("waits", [_text(line, Tone.BUSY) for line in _paragraph([row.waits], room, OTHER_LINES)], room),
        _block(
            "warning",
            [
                _text(line, Tone.WARN)
                for text in row.warnings
                for line in _paragraph(text.splitlines(), room, OTHER_LINES)
            ],
            room,
        ),
        _block("history", [_history(line, now, room) for line in row.history[:HISTORY_LINES]], room),
        _block("timing", _steps(row, min(room, 110)), room),
        _block("pods", [line for pod in row.pods[:PODS] for line in _pod(pod, now, room)], room),
        _block("live", [_text(line, Tone.PLAIN) for line in _paragraph(row.live, room, OTHER_LINES)], room),
        _block("links", _links(row, room), room),
        _block("buttons", _buttons(row, room), room),
        _block(
            "needs",
            [_text(line, Tone.PLAIN) for line in _paragraph([", ".join(row.dependencies)], room, OTHER_LINES)],
            room,
        ),
    )
    found = [line for block in blocks for line in block]
    return found or list(_block("", [_text("nothing has happened here yet", Tone.MUTED)], room))


def _block(title: str, lines: Sequence[Line], room: int) -> Iterable[Line]:
    for number, line in enumerate(lines):
        lead = title if number == 0 else ""
        yield [Piece(text=" " * INDENT + lead.ljust(TITLE_WIDTH), tone=Tone.MUTED), *cut(line, room)]


def _steps(row: Row, width: int) -> list[Line]:
    lines = step_lines(row.timed, width, most=STEPS) if row.timed is not None else []
    return [_text(line, Tone.PLAIN) for line in lines]


def _text(text: str, tone: Tone) -> Line:
    return [Piece(text=text, tone=tone)]


def _paragraph(texts: Sequence[str], room: int, count: int) -> list[str]:
    """Lines wrapped to a width; where they are too many, each keeps its ends only, and the last one counts the rest."""
    lines = [wrapped(plain(text), room) for text in texts if text.strip()]
    if sum(map(len, lines)) > count:
        lines = [_ends(line, room) for line in lines]
    rows = [(number, part) for number, line in enumerate(lines) for part in line]
    if len(rows) <= count:
        return [part for _, part in rows]
    left = len({number for number, _ in rows if number >= rows[count - 1][0]})
    more = f"… {left} more {'line' if left == 1 else 'lines'} in the log (enter)"
    return [*(part for _, part in rows[: count - 1]), more]


def _ends(line: list[str], room: int) -> list[str]:
    """Of a line that was wrapped, the beginning and the end."""
    if len(line) <= 2:
        return line
    return [line[0], fit_middle(f"{CONTINUED}… {line[-1].strip()}", room).rstrip()]


def _history(line: HistoryLine, now: datetime, room: int) -> Line:
    took = line.took or f"{elapsed(line.when, now)} …"
    ago = f"{age_of(line.when, now)} ago" if line.took else "now"
    right = [
        Piece(text=f"{line.how} {took}".rjust(16), tone=Tone.PLAIN),
        Piece(text=ago.rjust(9), tone=Tone.MUTED),
    ]
    left = [glyphs.outcome(line.outcome, now), Piece(text=f" {line.what}")]
    if line.note:
        left.append(Piece(text=f"  ({line.note})", tone=Tone.MUTED))
    return both_ends(left, right, min(room, 110))


def _pod(pod: Pod, now: datetime, room: int) -> Iterable[Line]:
    tone = Tone.OK if pod.ready else Tone.BUSY if not _broken(pod) else Tone.ERROR
    status = "terminating" if pod.deleting else pod.status or pod.phase
    right = [
        Piece(text=status, tone=tone),
        Piece(text=f"  ↻{pod.restarts}" if pod.restarts else "", tone=Tone.BUSY),
        Piece(text=f"{age_of(pod.created_at, now)} old".rjust(9), tone=Tone.MUTED),
    ]
    yield both_ends([Piece(text=pod.name)], right, min(room, 110))
    if len(pod.containers) > 1 or _broken(pod):
        for container in pod.containers:
            yield _container(container)


def _broken(pod: Pod) -> bool:
    return any(_container_tone(each) is Tone.ERROR for each in pod.containers)


def _container(container: Container) -> Line:
    state = container.reason or container.state.value
    if container.exit_code is not None:
        state += f" (exit {container.exit_code})"
    ready = "" if container.ready or container.init or container.state is not ContainerState.RUNNING else ", not ready"
    return [
        Piece(text=f"└ {container.name}  ", tone=Tone.MUTED),
        Piece(text=f"{state}{ready}", tone=_container_tone(container)),
        Piece(text=f"  {container.image}", tone=Tone.MUTED),
    ]


def _container_tone(container: Container) -> Tone:
    if container.state is ContainerState.RUNNING:
        return Tone.OK if container.ready else Tone.BUSY
    if container.exit_code == 0:
        return Tone.MUTED
    waits = container.state is ContainerState.WAITING and container.reason in (
        "",
        "ContainerCreating",
        "PodInitializing",
    )
    return Tone.BUSY if waits else Tone.ERROR


def _buttons(row: Row, room: int) -> list[Line]:
    """As many buttons on a line as have room; a click presses one."""
    return _wrapped((_button(each) for each in row.buttons), room)


def _button(button: UIButton) -> Line:
    tone = Tone.MUTED if button.spec.disabled else Tone.LINK
    action = f"app.press_named({button.name!r})"
    return [Piece(text=f"[{plain(button.spec.text)}]", tone=tone, action=action), Piece(text="  ")]


def _links(row: Row, room: int) -> list[Line]:
    """As many links on a line as have room."""
    return _wrapped((_link(each) for each in row.endpoints), room)


def _link(endpoint: Link) -> Line:
    address = endpoint.url if urlsplit(endpoint.url).path != "/" else endpoint.url.rstrip("/")
    name = [Piece(text=f"{endpoint.name} ", tone=Tone.MUTED)] if endpoint.name else []
    shown = Piece(text=f"✖ {address}", tone=Tone.ERROR) if endpoint.error else link(endpoint.url, address)
    return [*name, shown, Piece(text="   ")]


def _wrapped(items: Iterable[Line], room: int) -> list[Line]:
    """Items side by side, as many on a line as have room."""
    lines: list[Line] = []
    used = 0
    for pieces in items:
        size = length(pieces)
        if not lines or used + size > room:
            lines.append([])
            used = 0
        lines[-1] += pieces
        used += size
    return lines
