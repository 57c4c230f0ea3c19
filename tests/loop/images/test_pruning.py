import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from pytilt.errors import EngineUnreachableError
from pytilt.loop.images.pruning import Pruned, Pruning, is_prune_due
from pytilt.model.images import DockerBuild, Image
from pytilt.model.logs import Level
from pytilt.model.names import TILTFILE, ImageName, ResourceName, SpanId
from pytilt.model.objects import Resource, ResourceStatus, Tiltfile, TiltfileStatus
from pytilt.model.resources import Declaration, KubernetesDeploy, PruneSettings, ResourceSpec
from pytilt.model.updates import Outcome, Reason, Strategy, Update
from pytilt.store.objects import Store
from tests.loop.waiting import running
from tests.virtual_time import virtual_time

AUTOMATIC = PruneSettings(automatic=True, every_seconds=3600)


@pytest.mark.parametrize(
    ("settings", "last", "builds", "now", "due"),
    [
        (PruneSettings(), None, 1, 0, False),
        (AUTOMATIC, None, 0, 0, False),
        (AUTOMATIC, None, 1, 0, True),
        (AUTOMATIC, Pruned(builds=1, at=10), 9, 3609, False),
        (AUTOMATIC, Pruned(builds=1, at=10), 1, 3610, True),
        (replace(AUTOMATIC, every_builds=3), Pruned(builds=1, at=0), 3, 9999, False),
        (replace(AUTOMATIC, every_builds=3), Pruned(builds=1, at=0), 4, 1, True),
    ],
)
def test_images_are_removed_after_the_first_build_then_after_a_time_or_some_builds(
    settings: PruneSettings, last: Pruned | None, builds: int, now: float, due: bool
):
    assert is_prune_due(settings, last, builds, now) is due


class Session:
    """A store with one resource whose updates the test puts in."""

    def __init__(self, settings: PruneSettings) -> None:
        self.store = Store()
        self.lines: list[tuple[str, Level]] = []
        self.pruned = 0
        image = Image(name=ImageName("img/web"), build=DockerBuild(context="/"))
        self.spec = ResourceSpec(name=ResourceName("web"), deploy=KubernetesDeploy(objects=()), images=(image,))
        declaration = Declaration(resources=(self.spec,), prune=settings)
        self.store.put(Tiltfile(name=TILTFILE, path="/Tiltfile", status=TiltfileStatus(declaration=declaration)))
        self.builds()

    def builds(self, *numbers: int, current: int = 0) -> None:
        """Let these updates have ended, and one run."""
        made = tuple(update(number, Outcome.OK) for number in numbers)
        now = (update(current, Outcome.RUNNING),) if current else ()
        status = ResourceStatus(history=made, current=now)
        self.store.put(Resource(name=self.spec.name, spec=self.spec, status=status))

    def log(self, text: str, *, level: Level = Level.INFO, progress: str = "") -> None:  # noqa: ARG002 - a `Log`
        self.lines.append((text, level))

    async def prune(self, _: Declaration, emit: Callable[[str], None]) -> None:
        self.pruned += 1
        emit("[Docker Prune] removed 0 containers")
        emit("[Docker Prune] removed 1 images, reclaimed 2MB")

    async def fail(self, _: Declaration, _emit: Callable[[str], None]) -> None:
        self.pruned += 1
        raise EngineUnreachableError("no engine")


def update(number: int, outcome: Outcome) -> Update:
    return Update(
        id=number,
        span=SpanId("s"),
        reason=Reason.NONE,
        strategy=Strategy.FULL,
        started_at="2026-01-01T00:00:00Z",
        outcome=outcome,
    )


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@virtual_time
async def test_a_session_removes_images_when_nothing_is_updated_and_again_every_hour():
    session = Session(AUTOMATIC)
    async with running(Pruning(session.store, session.log, session.prune).run()):
        session.builds(1, current=2)
        await settle()
        assert session.pruned == 0
        session.builds(1, 2)
        await settle()
        assert session.pruned == 1
        assert session.lines == [("[Docker Prune] removed 1 images, reclaimed 2MB\n", Level.INFO)]
        await asyncio.sleep(3500)
        assert session.pruned == 1
        await asyncio.sleep(200)
        assert session.pruned == 2


@virtual_time
async def test_an_engine_that_does_not_answer_ends_nothing():
    session = Session(AUTOMATIC)
    async with running(Pruning(session.store, session.log, session.fail).run()):
        session.builds(1)
        await settle()
        assert session.lines == [("[Docker Prune] old images stay: no engine\n", Level.WARN)]
        session.builds(1, 2)
        await settle()
        await asyncio.sleep(3700)
        assert len(session.lines) == 2
