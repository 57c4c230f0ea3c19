"""The signs of the display. Every state has a shape of its own, so that it is recognized without colour."""

from datetime import datetime

from pytilt.hud.pieces import Piece
from pytilt.model.updates import Outcome
from pytilt.views.dots import TONES, Dot, Tone
from pytilt.views.updates import Bar

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
SPINS_PER_SECOND = 10

DOTS = {Dot.OK: "●", Dot.ERROR: "✖", Dot.PENDING: "◌", Dot.IDLE: "○", Dot.DISABLED: "□"}

BLOCKS = "▁▂▃▄▅▆▇█"

OUTCOMES = {
    Outcome.OK: Piece(text="✔", tone=Tone.OK),
    Outcome.FAILED: Piece(text="✖", tone=Tone.ERROR),
    Outcome.FELL_BACK: Piece(text="↪", tone=Tone.WARN),
    Outcome.INTERRUPTED: Piece(text="↪", tone=Tone.WARN),
    Outcome.CANCELED: Piece(text="□", tone=Tone.MUTED),
}


def spin(now: datetime) -> str:
    """The spinner at a moment."""
    return SPINNER[int(now.timestamp() * SPINS_PER_SECOND) % len(SPINNER)]


def dot(word: Dot, now: datetime) -> Piece:
    """The dot of a row."""
    return Piece(text=DOTS.get(word) or spin(now), tone=TONES[word])


def outcome(word: Outcome, now: datetime) -> Piece:
    """The sign of an update in a history."""
    return OUTCOMES.get(word) or Piece(text=spin(now), tone=Tone.BUSY)


def bar(each: Bar) -> Piece:
    """One bar of the recent updates; those that were well are quiet, so that the others are noticed."""
    return Piece(text=BLOCKS[each.level - 1], tone=Tone.MUTED if each.tone is Tone.OK else each.tone)
