"""What an expanded row shows below itself: why it is broken, what was done, what runs, where it is reached."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from pytilt.hud import glyphs
from pytilt.hud.pieces import Piece, both_ends, cut, link
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.views.ages import age_of
from pytilt.views.dots import Tone
from pytilt.views.loglines import plain, unfolded
from pytilt.views.rows import Row
from pytilt.views.updates import HistoryLine, elapsed

INDENT = 4
TITLE_WIDTH = 9

ERROR_LINES = 5
"""Lines of an error that are shown; all of it is in the log."""
LOG_LINES = 4
"""Lines from the end of the log of what crashed."""
HISTORY_LINES = 3
PODS = 3

Line = list[Piece]


def details(row: Row, last_words: Sequence[str], now: datetime, width: int) -> list[Line]:
    """The lines below an expanded row.

    Args:
        row: the row.
        last_words: the end of its log, where what runs is broken.
        now: to tell ages.
        width: of the table, in cells.
    """
    room = width - INDENT - TITLE_WIDTH
    blocks = (
        _block("error", [_text(line, Tone.ERROR) for line in _shortened(row.error, ERROR_LINES)], room),
        _block("log", [_text(unfolded(plain(line)), Tone.PLAIN) for line in last_words[-LOG_LINES:]], room),
        _block("waits", [_text(row.waits, Tone.BUSY)] if row.waits else [], room),
        _block("warning", [_text(line, Tone.WARN) for text in row.warnings for line in _shortened(text, 2)], room),
        _block("history", [_history(line, now, room) for line in row.history[:HISTORY_LINES]], room),
        _block("pods", [line for pod in row.pods[:PODS] for line in _pod(pod, now, room)], room),
        _block("links", _links(row, room), room),
        _block("needs", [_text(", ".join(row.dependencies), Tone.PLAIN)] if row.dependencies else [], room),
    )
    found = [line for block in blocks for line in block]
    return found or list(_block("", [_text("nothing has happened here yet", Tone.MUTED)], room))


def _block(title: str, lines: Sequence[Line], room: int) -> Iterable[Line]:
    for number, line in enumerate(lines):
        lead = title if number == 0 else ""
        yield [Piece(text=" " * INDENT + lead.ljust(TITLE_WIDTH), tone=Tone.MUTED), *cut(line, room)]


def _text(text: str, tone: Tone) -> Line:
    return [Piece(text=text, tone=tone)]


def _shortened(text: str, count: int) -> list[str]:
    lines = [plain(line) for line in text.splitlines() if line.strip()]
    if len(lines) <= count:
        return lines
    return [*lines[: count - 1], f"… {len(lines) - count + 1} more lines in the log (enter)"]


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


def _links(row: Row, room: int) -> list[Line]:
    """As many links on a line as have room."""
    lines: list[Line] = []
    used = 0
    for endpoint in row.endpoints:
        address = endpoint.url if urlsplit(endpoint.url).path != "/" else endpoint.url.rstrip("/")
        pieces = [Piece(text=f"{endpoint.name} ", tone=Tone.MUTED)] if endpoint.name else []
        pieces += [link(endpoint.url, address), Piece(text="   ")]
        size = sum(len(piece.text) for piece in pieces)
        if not lines or used + size > room:
            lines.append([])
            used = 0
        lines[-1] += pieces
        used += size
    return lines
