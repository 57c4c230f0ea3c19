"""The session in one line: where it runs, how many rows are well, and what asks for attention."""

from pathlib import PurePath

from pytilt.model.base import Value
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.model.objects import ClusterState, Session, Tiltfile
from pytilt.store.objects import Snapshot
from pytilt.views.dots import Dot
from pytilt.views.headlines import headline
from pytilt.views.rows import Row


class Summary(Value):
    """What the status bar shows."""

    project: str = ""
    """The folder of the Tiltfile."""
    context: str = ""
    namespace: str = ""
    cluster_error: str = ""
    counts: tuple[tuple[Dot, int], ...] = ()
    """How many rows there are of each dot, the worst first."""
    broken: tuple[ResourceName, ...] = ()
    """The rows that are broken."""
    tiltfile: Dot = Dot.PENDING
    warnings: int = 0
    args: tuple[str, ...] = ()


class Turn(Value):
    """A row that broke, or that is well again."""

    name: ResourceName
    broken: bool
    why: str = ""


def summary(state: Snapshot, found: tuple[Row, ...]) -> Summary:
    """Sum up a session.

    Args:
        state: its objects.
        found: its rows.
    """
    tiltfile, cluster = state.get(Tiltfile, TILTFILE), state.get(ClusterState, "default")
    session = next(iter(state.all(Session)), None)
    path = session.tiltfile_path if session else tiltfile.path if tiltfile else ""
    dots = [row.dot for row in found if row.name != TILTFILE]
    own = next((row for row in found if row.name == TILTFILE), None)
    return Summary(
        project=PurePath(path).parent.name,
        context=cluster.info.context if cluster and cluster.info else "",
        namespace=cluster.info.namespace if cluster and cluster.info else "",
        cluster_error=cluster.error if cluster else "",
        counts=tuple((dot, dots.count(dot)) for dot in Dot if dot in dots),
        broken=tuple(row.name for row in found if row.trouble and row.name != TILTFILE),
        tiltfile=own.dot if own else Dot.PENDING,
        warnings=sum(len(row.warnings) for row in found),
        args=tiltfile.args if tiltfile else (),
    )


def turns(before: tuple[Row, ...], after: tuple[Row, ...]) -> tuple[Turn, ...]:
    """Which rows turned from green to red or from red to green, over any number of yellow steps.

    Args:
        before: rows that are each green or red: the last such row of every name.
        after: the rows now.
    """
    old = {row.name: row.dot for row in before}
    found = []
    for row in after:
        if row.dot is Dot.ERROR and old.get(row.name) is Dot.OK:
            found.append(Turn(name=row.name, broken=True, why=headline(row.error)))
        elif row.dot is Dot.OK and old.get(row.name) is Dot.ERROR:
            found.append(Turn(name=row.name, broken=False))
    return tuple(found)


def settled(before: tuple[Row, ...], after: tuple[Row, ...]) -> tuple[Row, ...]:
    """The last green or red row of every name: what `turns` compares with next time."""
    old = {row.name: row for row in before}
    kept = (row if row.dot in (Dot.OK, Dot.ERROR) else old.get(row.name) for row in after)
    return tuple(row for row in kept if row is not None)
