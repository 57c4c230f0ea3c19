"""Rows in the groups of their labels, and which of them a filter lets through."""

from enum import StrEnum

from pytilt.model.base import Value
from pytilt.model.names import TILTFILE
from pytilt.views.dots import Dot
from pytilt.views.rows import Row

UNLABELED = ""
"""The group of the rows that have no label."""


class Show(StrEnum):
    """Which rows are shown."""

    ALL = "all"
    UNHEALTHY = "unhealthy"
    PENDING = "pending"


class Filter(Value):
    """Which rows are shown, and a text that their names contain."""

    show: Show = Show.ALL
    text: str = ""

    def lets_through(self, row: Row) -> bool:
        """Is this row shown?"""
        if self.text and self.text.lower() not in row.name.lower():
            return False
        if self.show is Show.UNHEALTHY:
            return row.dot is Dot.ERROR
        if self.show is Show.PENDING:
            return row.dot in (Dot.PENDING, Dot.UPDATING)
        return True

    @property
    def active(self) -> bool:
        """Does it hide anything?"""
        return bool(self.text) or self.show is not Show.ALL

    @property
    def shown(self) -> str:
        """In words, for people; empty when it hides nothing."""
        words = [] if self.show is Show.ALL else [self.show.value]
        return " ".join([*words, *([f'"{self.text}"'] if self.text else [])])


class Group(Value):
    """The rows of one label."""

    label: str
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """What people read."""
        return self.label or "without label"

    @property
    def counts(self) -> tuple[tuple[Dot, int], ...]:
        """How many rows there are of each dot, the worst first; dots without rows are left out."""
        dots = [row.dot for row in self.rows]
        return tuple((dot, dots.count(dot)) for dot in Dot if dot in dots)


def groups(found: tuple[Row, ...], wanted: Filter | None = None) -> tuple[Group, ...]:
    """Rows in groups by label, groups by name; a row is in the group of its first label.

    Without any label there is one group without a title. `(Tiltfile)` is always in the last group.
    """
    let = [row for row in found if wanted is None or wanted.lets_through(row)]
    labels = sorted({row.labels[0] for row in found if row.labels})
    if not labels:
        return (Group(label=UNLABELED, rows=tuple(let)),) if let else ()
    by_label = [
        Group(label=label, rows=tuple(row for row in let if row.labels and row.labels[0] == label)) for label in labels
    ]
    rest = [row for row in let if not row.labels and row.name != TILTFILE]
    last = [row for row in let if row.name == TILTFILE]
    by_label.append(Group(label=UNLABELED, rows=(*rest, *last)))
    return tuple(group for group in by_label if group.rows)
