"""Updates in words: what kind of work one was, how long it took, what it was for; and the bars of recent ones."""

import math
import posixpath
from datetime import datetime
from pathlib import PurePath

from pytilt.model.base import Value
from pytilt.model.resources import Deploy
from pytilt.model.updates import Hold, HoldReason, Outcome, Reason, Strategy, Update
from pytilt.views.ages import duration, running, seconds_since
from pytilt.views.dots import Tone

BARS = 8
"""Updates that the bar line of a row shows."""

BAR_LEVELS = 8
"""Heights of a bar: 1 to 8."""

SHORTEST_SECONDS, LONGEST_SECONDS = 0.005, 60.0
"""An update of so many seconds has the lowest and the highest bar; between them the height is logarithmic."""


class Cell(Value):
    """A piece of text and how it is meant."""

    text: str
    tone: Tone = Tone.PLAIN


class Bar(Value):
    """One update in the bar line."""

    level: int
    """1 to 8."""
    tone: Tone


class HistoryLine(Value):
    """One update as people read it in the history of a row."""

    outcome: Outcome
    what: str
    """`Initial Build`, or the files that changed."""
    how: str
    """`live`, `rebuild`, …"""
    took: str
    """Empty while it runs."""
    when: str
    """RFC 3339: when it ended, or when it began while it runs."""
    error: str = ""
    note: str = ""


_ENDED = {
    Outcome.OK: Tone.OK,
    Outcome.FAILED: Tone.ERROR,
    Outcome.FELL_BACK: Tone.WARN,
    Outcome.INTERRUPTED: Tone.WARN,
    Outcome.CANCELED: Tone.MUTED,
}
_VERBS = {Outcome.FELL_BACK: "fell back", Outcome.INTERRUPTED: "interrupted", Outcome.CANCELED: "canceled"}


def work(update: Update, deploy: Deploy | None, *, builds: bool = True) -> str:
    """The word for what an update does or did: `live`, `build`, `rebuild`, `deploy`, `command`, `evaluate`.

    Args:
        update: the update.
        deploy: of its resource; None for the Tiltfile.
        builds: has the resource images of its own?
    """
    if update.strategy is Strategy.LIVE:
        return "live"
    if update.strategy is Strategy.EVALUATE or deploy is None:
        return "evaluate"
    if update.strategy is Strategy.COMMAND:
        return "command" if deploy.updates else "start"
    if not builds:
        return "deploy"
    return "build" if update.reason & Reason.INITIAL_BUILD else "rebuild"


def update_cell(update: Update, word: str) -> Cell:
    """What the last or the running update was, with how long it took: `live 8 ms`, `rebuild 2.1 s`."""
    if update.outcome is Outcome.RUNNING:
        return Cell(text=word, tone=Tone.BUSY)
    took = duration(update.seconds)
    if update.outcome is Outcome.OK:
        return Cell(text=f"{word} {took}", tone=Tone.WARN if update.warnings else Tone.PLAIN)
    verb = _VERBS.get(update.outcome, "failed")
    return Cell(text=f"{word} {verb} {took}", tone=_ENDED[update.outcome])


def hold_text(hold: Hold) -> str:
    """Why an update waits: `waits for db`."""
    on = ", ".join(hold.on)
    if hold.reason is HoldReason.CHANGES_OWN_DEPS:
        names = ", ".join(posixpath.basename(path) for path in hold.files)
        return f"waits for another change: it changes {names or 'what it depends on'} itself"
    known = {
        HoldReason.TILTFILE_RELOAD: "waits for the Tiltfile",
        HoldReason.WAITING_FOR_DEPLOY: "waits for its container",
        HoldReason.WAITING_FOR_CLUSTER: "waits for the cluster",
        HoldReason.WAITING_FOR_SLOT: "waits for its turn",
        HoldReason.REPAIR_UNDONE: "waits for a trigger: what it applies is undone again and again",
        HoldReason.DEBOUNCE: "waits until its files are quiet",
        HoldReason.WAITING_FOR_GIT: "waits until git is done",
        HoldReason.IS_UNPARALLELIZABLE_LOCAL: "waits to run alone",
        HoldReason.WAITING_FOR_LOCAL: "waits for a command that runs alone",
    }
    return known.get(hold.reason) or f"waits for {on or 'others'}"


def bars(history: tuple[Update, ...]) -> tuple[Bar, ...]:
    """The recent updates, oldest first: the higher, the longer it took."""
    return tuple(Bar(level=_level(update.seconds), tone=_ENDED[update.outcome]) for update in reversed(history[:BARS]))


def elapsed(started_at: str, now: datetime) -> str:
    """How long an update runs already; empty for an empty time."""
    seconds = seconds_since(started_at, now)
    return "" if seconds is None else running(seconds)


def history_line(update: Update, word: str, root: str) -> HistoryLine:
    """One update for the history of a row.

    Args:
        update: the update.
        word: what it did, see `work`.
        root: files below this directory are shown relative to it.
    """
    took = "" if update.outcome is Outcome.RUNNING else duration(update.seconds)
    return HistoryLine(
        outcome=update.outcome,
        what=what_for(update, root),
        how=word,
        took=took,
        when=update.finished_at or update.started_at,
        error=update.error,
        note=update.note,
    )


def what_for(update: Update, root: str) -> str:
    """Why an update ran: its files where there are some, else the reason."""
    if update.changed_files and not update.reason.triggered and not update.reason & Reason.INITIAL_BUILD:
        return "  ".join(shown_path(path, root) for path in update.changed_files)
    return update.reason.shown or "Update"


def shown_path(path: str, root: str) -> str:
    """A path as people name it: relative to the Tiltfile's folder where it is below that."""
    pure = PurePath(path)
    return str(pure.relative_to(root)) if root and pure.is_relative_to(root) else path


def _level(seconds: float) -> int:
    bounded = min(max(seconds, SHORTEST_SECONDS), LONGEST_SECONDS)
    share = math.log(bounded / SHORTEST_SECONDS) / math.log(LONGEST_SECONDS / SHORTEST_SECONDS)
    return 1 + round(share * (BAR_LEVELS - 1))
