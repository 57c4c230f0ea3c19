"""`FileWatch` objects of Tiltfiles and clients: their files are watched, and what changes becomes events."""

from msgspec.structs import replace

from pytilt.errors import PytiltError
from pytilt.loop.api.disabling import disable_status
from pytilt.loop.planning import freshness
from pytilt.loop.updates.watching import EDITORS, Watching
from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.api.file_watches import MOST_EVENTS, STANDS_FOR, ApiFileWatch, FileEvent, FileEventsStatus
from pytilt.model.files import FileRule, Ignore
from pytilt.model.objects import FileWatch, Session
from pytilt.model.stored import Owner
from pytilt.store.objects import Store

OWNER = Owner(kind=ApiFileWatch.kind, name="")
"""Of the watches of this machine that stand for these objects."""


class FileWatches:
    """Writes the status of every FileWatch that a Tiltfile or a client made.

    Args:
        store: the session's objects.
        watching: watches the files.
    """

    def __init__(self, store: Store, watching: Watching) -> None:
        self._store = store
        self._watching = watching
        self._rules: dict[str, tuple[FileRule, ...]] = {}
        self._seen: dict[str, int] = {}
        """For every watch the newest sequence that became an event."""

    async def run(self) -> None:
        """Follow the objects and the files, without end."""
        async for _ in self._store.watch(
            ApiFileWatch, FileWatch, ConfigMap, Session, aspects={FileWatch: _own_changes}
        ):
            await self.turn()

    async def turn(self) -> None:
        """One turn: watch what is declared, report what changed."""
        session = self._store.get(Session, "Tiltfile")
        watched = {} if session is not None and session.ci else self._wanted()
        if watched != self._rules:
            error = ""
            try:
                await self._watching.declare(watched, OWNER)
            except PytiltError as problem:
                error = str(problem)
            for name in watched.keys() | self._rules.keys():
                if watched.get(name) != self._rules.get(name):
                    self._begin(name.removeprefix(STANDS_FOR), error)
            self._rules = watched
        for each in self._store.snapshot().all(ApiFileWatch):
            self._report(each.name)

    def _wanted(self) -> dict[str, tuple[FileRule, ...]]:
        found: dict[str, tuple[FileRule, ...]] = {}
        state, now = self._store.snapshot(), self._store.now()
        for each in state.all(ApiFileWatch):
            status = disable_status(state, each.spec.disable_source, each.status.disable_status, now)
            self._store.put(replace(each, status=replace(each.status, disable_status=status)))
            if status.state != "Disabled":
                ignores = tuple(Ignore(base=rule.base_path, patterns=rule.patterns) for rule in each.spec.ignores)
                found[watch_name(each.name)] = (FileRule(paths=each.spec.watched_paths, ignores=(*ignores, EDITORS)),)
        return found

    def _begin(self, name: str, error: str) -> None:
        """Begin to watch other files than before: what was seen of those before counts no more."""
        self._store.change(
            ApiFileWatch,
            name,
            lambda each: replace(
                each,
                status=FileEventsStatus(
                    monitor_start_time=self._store.now(), error=error, disable_status=each.status.disable_status
                ),
            ),
        )

    def _report(self, name: str) -> None:
        watch = self._store.get(FileWatch, watch_name(name))
        if watch is None:
            return
        seen = self._seen.get(name, 0)
        files = tuple(sorted(freshness.changes(self._store.snapshot(), watch.name, above=seen)))
        self._seen[name] = max(seen, watch.status.latest)
        self._watching.taken(watch.name, self._seen[name])
        if files:
            event = FileEvent(time=self._store.now(), seen_files=files)
            self._store.change(
                ApiFileWatch,
                name,
                lambda each: replace(
                    each,
                    status=replace(
                        each.status,
                        last_event_time=event.time,
                        file_events=(*each.status.file_events, event)[-MOST_EVENTS:],
                    ),
                ),
            )


def watch_name(name: str) -> str:
    """The name of the watch of this machine that stands for an object."""
    return f"{STANDS_FOR}{name}"


def _own_changes(watch: FileWatch) -> int:
    return watch.version if watch.name.startswith(STANDS_FOR) else 0
