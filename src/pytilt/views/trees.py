"""What waits for what, as a tree: a resource below each of those it depends on."""

from collections.abc import Iterator, Mapping

from pytilt.model.base import Value
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.views.dots import Dot
from pytilt.views.rows import Row


class Branch(Value):
    """One line of the tree."""

    lines: str
    """The lines that lead to it, drawn with `│ ├─ └─`."""
    name: ResourceName
    dot: Dot
    again: bool = False
    """It is further up already, with what depends on it."""


def dependency_tree(found: tuple[Row, ...]) -> tuple[Branch, ...]:
    """The tree: resources that depend on none are its roots, below each is what waits for it."""
    rows = {row.name: row for row in found if row.name != TILTFILE}
    above: dict[ResourceName, list[ResourceName]] = {name: [] for name in rows}
    for row in rows.values():
        for name in row.dependencies:
            if name in above:
                above[name].append(row.name)
    roots = [row.name for row in rows.values() if not any(name in rows for name in row.dependencies)]
    drawn: set[ResourceName] = set()
    lines = [branch for root in roots for branch in _below(rows, above, root, "", "", drawn)]
    circles = [name for name in rows if name not in drawn]
    return (*lines, *(Branch(lines="", name=name, dot=rows[name].dot) for name in circles))


def _below(
    rows: Mapping[ResourceName, Row],
    above: Mapping[ResourceName, list[ResourceName]],
    name: ResourceName,
    lead: str,
    corner: str,
    drawn: set[ResourceName],
) -> Iterator[Branch]:
    again = name in drawn and bool(above[name])
    drawn.add(name)
    yield Branch(lines=lead + corner, name=name, dot=rows[name].dot, again=again)
    if again:
        return
    deeper = lead + {"": "", "├─ ": "│  ", "└─ ": "   "}[corner]
    for child in above[name]:
        last = child == above[name][-1]
        yield from _below(rows, above, child, deeper, "└─ " if last else "├─ ", drawn)
