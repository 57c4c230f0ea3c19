"""A resource whose container is a directory of this machine, to be updated in place."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from pytilt.cluster.seam import ContainerRef, ExecStream
from pytilt.host.state import StateDirectory
from pytilt.liveupdate.keeping import KeptFiles
from pytilt.liveupdate.receiver import Receiver, ReceiverOptions
from pytilt.liveupdate.shell import open_shell
from pytilt.loop.live_updates.keeper import Keeper
from pytilt.loop.live_updates.receivers import Receivers
from pytilt.loop.live_updates.syncing import Syncing
from pytilt.loop.planning import freshness
from pytilt.loop.planning.schedule import Start
from pytilt.loop.updates.outcomes import Done
from pytilt.model.files import FileRule, Ignore
from pytilt.model.images import BuiltImage, LiveUpdate, Run, Sync
from pytilt.model.live_updates import LiveContainer, LiveUpdateState
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import (
    FileWatch,
    FileWatchStatus,
    ImageMap,
    ImageMapStatus,
    Resource,
    Runtime,
    RuntimeState,
)
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.model.updates import DeployedImage, Reason, Strategy
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.containers import FakeContainers
from tests.liveupdate.shells import Shells
from tests.loop.declaring import image, kubernetes, prepare, update

WEB = ResourceName("web")


class Doors(Shells):
    """Shells behind doors that a test can lock with `fail`."""

    @asynccontextmanager
    async def exec(self, ref: ContainerRef, argv: Sequence[str]) -> AsyncIterator[ExecStream]:
        async with FakeContainers.exec(self, ref, argv), super().exec(ref, argv) as stream:
            yield stream


def open_in_shell(
    containers: FakeContainers, ref: ContainerRef, options: ReceiverOptions
) -> AbstractAsyncContextManager[Receiver]:
    assert options.helper
    return open_shell(containers, ref)


class Trial:
    """A resource whose container is a directory of this machine."""

    def __init__(self, store: Store, logs: LogStore, root: Path, containers: FakeContainers | None = None) -> None:
        self.store = store
        self.logs = logs
        self.local, self.remote = root / "src", root / "container"
        self.local.mkdir()
        self.remote.mkdir()
        self.containers = containers or Doors()
        self.receivers = Receivers(store, partial(open_in_shell, self.containers))
        self.kept = KeptFiles(StateDirectory(root / "kept"))
        self.keeper = Keeper(self.kept)
        self.syncing = Syncing(store, self.receivers, self.keeper, gone_seconds=0.05)
        self.declare()
        self.run("c1")

    def declare(self, *runs: Run, **rules: object) -> None:
        sync = Sync(local=str(self.local), remote=str(self.remote))
        live = LiveUpdate(syncs=(sync,), runs=runs, **rules)  # type: ignore[arg-type]  # fields of a live update
        files = FileRule(paths=(str(self.local),), ignores=(Ignore(base=str(self.local), patterns=("*.tmp",)),))
        spec = image("img", live_update=live, files=files)
        prepare(self.store, kubernetes("web", images=[spec]))
        built = BuiltImage(name=spec.name, id="sha256:1", reference="img:1")
        self.store.put(ImageMap(name="img", spec=spec, status=ImageMapStatus(built=built, reference="img:1")))
        applied = (DeployedImage(name=spec.name, reference="img:1"),)
        self.status(history=(update(),), applied_images=applied)

    def status(self, **fields: object) -> None:
        self.store.change(Resource, "web", lambda each: replace(each, status=replace(each.status, **fields)))

    def run(self, *ids: str) -> None:
        """Say that a pod runs for each of these containers; all enter the same directory."""
        pods = tuple(
            Pod(
                name="web-1",
                namespace="default",
                uid=each,
                created_at="",
                phase="Running",
                containers=(Container(name="web", image="img:1", id=each, state=ContainerState.RUNNING),),
            )
            for each in ids
        )
        self.store.put(Runtime(name="web", status=RuntimeState(pods=pods)))

    def write(self, **files: str | None) -> None:
        """Write files, or delete them, all as one change."""
        watch = self.store.get(FileWatch, freshness.image_watch(image("img").name)) or FileWatch(name="image:img")
        sequence = watch.status.latest + 1
        for name, text in files.items():
            if text is None:
                (self.local / name).unlink()
            else:
                (self.local / name).write_text(text)
        older = {path: number for path, number in watch.status.changes.items() if Path(path).name not in files}
        changes = {**older, **{str(self.local / name): sequence for name in files}}
        self.store.put(replace(watch, status=FileWatchStatus(changes=changes, latest=sequence)))

    def empty(self) -> None:
        """Take everything out of the container."""
        for path in self.remote.iterdir():
            path.unlink()

    async def update(
        self, sequence: int = 1, reason: Reason = Reason.CHANGED_FILES, *, only_in_place: bool = False
    ) -> Done:
        resource = self.store.get(Resource, "web")
        assert resource
        start = Start(
            resource=WEB, reason=reason, strategy=Strategy.LIVE, sequence=sequence, only_in_place=only_in_place
        )
        return await self.syncing.update(resource, start, self.logs.span(WEB, SpanId("build:1")))

    def live(self) -> LiveContainer | None:
        """What is known of the way into the container."""
        found = self.store.get(LiveUpdateState, "web")
        return found.status.containers[0] if found else None

    def inside(self) -> dict[str, str]:
        """What is in the container."""
        return {path.name: path.read_text() for path in self.remote.iterdir()}
