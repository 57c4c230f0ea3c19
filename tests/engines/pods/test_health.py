import asyncio
from contextlib import asynccontextmanager

from pytilt.engines.health.probing import Target
from pytilt.engines.pods.health import PodHealth
from pytilt.engines.podspec.plan import Instance, RunState
from tests.engines.pods.harness import Harness, a_pod, container
from tests.virtual_time import unix_time, until, virtual_time


class Owner:
    """Owns a container, and notes what is said of its health."""

    def __init__(self) -> None:
        self.current = Instance(id="", attempt=0, state=RunState.RUNNING)
        self.health: list[tuple[str, bool]] = []
        self.killed: list[tuple[int | None, str]] = []

    def instance(self, container):
        assert container == "app"
        return self.current

    def set_health(self, container, *, started=None, ready=None):
        assert container == "app"
        self.health += [(name, value) for name, value in (("started", started), ("ready", ready)) if value is not None]

    async def kill(self, container, instance, grace, why):
        assert (container, instance) == ("app", self.current)
        self.killed.append((grace, why))

    def mark_dirty(self):
        raise AssertionError("the engine answers")


class Patient:
    """A container that runs, and what is watched of it."""

    def __init__(self, **fields) -> None:
        self.harness = Harness()
        self.owner = Owner()
        self.spec = container("app", **fields)
        self.asked: list[tuple[str, float]] = []
        self.failing: set[str] = set()
        self.harness.runtime.command = self._answer

    def _answer(self, where, argv):
        assert where.name == "app"
        self.asked.append((argv[0], unix_time()))
        return (1, b"no") if argv[0] in self.failing else (0, b"")

    @asynccontextmanager
    async def watched(self, *, adopted=False, before=None):
        runtime = self.harness.runtime
        created = await runtime.create("app", {"Image": "app"})
        await runtime.start(created)
        self.owner.current = Instance(id=created, attempt=0, state=RunState.RUNNING)
        async with asyncio.TaskGroup() as tasks:
            health = PodHealth(self.harness.context, a_pod(self.spec), self.owner, tasks)
            target = Target(container=self.spec, id=created, sandbox="", address="")
            self.at_once = health.begin(target, adopted=adopted, before=before or {})
            yield health
            health.end_all()


def probe(name, **more):
    return {"exec": {"command": [name]}, "periodSeconds": 1, **more}


@virtual_time
async def test_a_container_without_probes_is_well_at_once():
    patient = Patient()
    async with patient.watched():
        assert patient.at_once == (True, True)
        await asyncio.sleep(60)
    assert patient.owner.health == []


@virtual_time
async def test_nothing_else_is_asked_before_the_startup_probe_has_passed():
    patient = Patient(startupProbe=probe("up", failureThreshold=60), readinessProbe=probe("ready"))
    patient.failing = {"up"}
    async with patient.watched():
        assert patient.at_once == (False, False)
        await asyncio.sleep(5)
        assert {name for name, _ in patient.asked} == {"up"}
        patient.failing = set()
        await until(lambda: patient.owner.health)
        await asyncio.sleep(2)
    assert patient.owner.health == [("started", True), ("ready", True)]


@virtual_time
async def test_a_startup_probe_that_never_passes_ends_the_container():
    patient = Patient(startupProbe=probe("up", failureThreshold=3, terminationGracePeriodSeconds=5))
    patient.failing = {"up"}
    async with patient.watched():
        await until(lambda: patient.owner.killed)
    assert patient.owner.killed[0] == (5, "failed startup probe")


@virtual_time
async def test_an_adopted_container_has_its_start_behind_it():
    patient = Patient(startupProbe=probe("up"), readinessProbe=probe("ready"), lifecycle={"postStart": probe("hook")})
    async with patient.watched(adopted=True, before={"started": True}):
        assert patient.at_once == (True, False)
        await until(lambda: patient.owner.health)
    assert patient.owner.health == [("ready", True)]
    assert {name for name, _ in patient.asked} == {"ready"}


@virtual_time
async def test_probes_are_asked_at_their_times():
    patient = Patient(readinessProbe=probe("ready", initialDelaySeconds=5, periodSeconds=7))
    async with patient.watched():
        began = unix_time()
        await asyncio.sleep(20)
    assert [round(at - began) for _, at in patient.asked] == [5, 12, 19]


@virtual_time
async def test_a_container_that_was_replaced_meanwhile_is_not_killed_for_the_one_before():
    patient = Patient(livenessProbe=probe("alive", failureThreshold=1))
    patient.failing = {"alive"}
    async with patient.watched():
        patient.owner.current = Instance(id="another", attempt=1, state=RunState.RUNNING)
        await until(lambda: patient.asked)
        await asyncio.sleep(3)
    assert patient.owner.killed == []


@virtual_time
async def test_nothing_is_watched_any_more_once_the_pod_ends():
    patient = Patient(readinessProbe=probe("ready"))
    async with patient.watched() as health:
        await until(lambda: patient.asked)
        health.end_all()
        asked = len(patient.asked)
        await asyncio.sleep(60)
        target = Target(container=patient.spec, id=patient.owner.current.id, sandbox="", address="")
        health.begin(target, adopted=True, before={})
        await asyncio.sleep(60)
    assert len(patient.asked) == asked
