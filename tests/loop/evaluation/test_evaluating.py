import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from pytilt.cluster import objects
from pytilt.loop.evaluation.evaluating import Evaluating
from pytilt.loop.evaluation.evaluator import Evaluator
from pytilt.loop.evaluation.resource_deletion import ResourceDeletion
from pytilt.loop.updates.rounds import ROUNDS
from pytilt.loop.updates.updating import Updating
from pytilt.loop.updates.watching import Watching
from pytilt.model.extensions import UsedExtension
from pytilt.model.files import Ignore
from pytilt.model.logs import Level, Log
from pytilt.model.names import CONFIGS, TILTFILE, ResourceName
from pytilt.model.objects import (
    FileWatch,
    ImageMap,
    PortForward,
    Resource,
    ResourceStatus,
    Runtime,
    Session,
    Tiltfile,
    TiltfileStatus,
)
from pytilt.model.resources import CiSettings, Declaration, KubernetesDeploy, ResourceSpec
from pytilt.model.resources import PortForwardSpec as Forward
from pytilt.model.updates import Outcome, Reason, Strategy
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.cluster import FakeCluster
from pytilt.testing.host import FakeFileWatcher
from pytilt.tiltfile.running.request import EvaluationResult
from tests.idle import eventually, idle
from tests.loop.declaring import deployment, image, kubernetes, local, plain, prepare, update
from tests.loop.kinds.trials import kinds
from tests.loop.waiting import logged, running, until, until_logged

CONFIG = "/p/Tiltfile"


class Scripted(Evaluator):
    """Evaluations whose results the test gives; the last one is given again and again."""

    def __init__(self) -> None:
        self.results: list[EvaluationResult] = []
        self.args: list[tuple[str, ...]] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.added: tuple[UsedExtension, ...] = ()
        self.gate = asyncio.Event()
        self.gate.set()

    async def evaluate(self, args: Sequence[str], log: Log, added: Sequence[UsedExtension] = ()) -> EvaluationResult:
        self.args.append(tuple(args))
        self.added = tuple(added)
        log("evaluating\n")
        self.meanwhile()
        await self.gate.wait()
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]


def declares(*specs: ResourceSpec, disabled: Sequence[str] = (), **fields: object) -> EvaluationResult:
    enabled = tuple(each.name for each in specs if each.name not in disabled)
    declaration = Declaration(
        **{"resources": specs, "enabled": enabled, "config_files": (CONFIG,), **fields}  # type: ignore[arg-type]  # fields of a declaration
    )
    return EvaluationResult(declaration=declaration, config_files=declaration.config_files)


class Trial:
    """The Tiltfile of a session, whose evaluations are the test's."""

    def __init__(self, store: Store, logs: LogStore) -> None:
        prepare(store, evaluated=False)
        self.store = store
        self.cluster = FakeCluster()
        self.watcher = FakeFileWatcher()
        self.watching = Watching(store, self.watcher)
        self.updating = Updating(store, logs, self.watching, {}, "/p")
        self.evaluator = Scripted()
        resource_deletion = ResourceDeletion(store, logs, self.updating, kinds(store, logs, self.cluster))
        self.evaluating = Evaluating(store, logs, self.watching, self.updating, resource_deletion, self.evaluator)

    @asynccontextmanager
    async def session(self, *results: EvaluationResult) -> AsyncIterator[None]:
        """A session in which the Tiltfile gives these results, entered after the first."""
        self.evaluator.results = list(results)
        async with running(self.evaluating.run(), self.watching.run()):
            await self.evaluated(1)
            yield

    async def evaluated(self, count: int) -> TiltfileStatus:
        """The status once so many evaluations have ended."""
        return await until(self.store, lambda: self._status(count))

    def _status(self, count: int) -> TiltfileStatus | None:
        found = self.store.get(Tiltfile, TILTFILE)
        assert found
        return found.status if len(found.status.history) >= count and not found.status.current else None

    def names(self) -> list[str]:
        return [each.name for each in self.store.snapshot().all(Resource)]

    def enabled(self) -> set[str]:
        return {each.name for each in self.store.snapshot().all(Resource) if each.enabled}

    def applied(self, name: str) -> None:
        """Say that the Deployment of a resource is in the cluster."""
        ref = objects.ref(self.cluster.put(deployment(name)))
        status = ResourceStatus(history=(update(),), applied=(ref,))
        self.store.change(Resource, name, lambda each: replace(each, status=status))


@pytest.fixture
def trial(store: Store, logs: LogStore) -> Trial:
    return Trial(store, logs)


async def test_an_extension_that_a_client_adds_is_evaluated_until_it_is_removed(trial: Trial):
    extension = UsedExtension(plural="extensions", name="hello", spec={"repoPath": "hello"}, added=True)
    async with trial.session(declares(local("a"))):
        assert (trial.evaluator.added, trial.evaluating.remove_extension(extension)) == ((), False)
        assert trial.evaluating.add_extension(extension)
        assert not trial.evaluating.add_extension(extension)
        await trial.evaluated(2)
        assert trial.evaluator.added == (extension,)
        assert trial.evaluating.remove_extension(extension)
        await trial.evaluated(3)
        assert not trial.evaluator.added


async def test_what_the_tiltfile_declares_becomes_the_objects_of_the_session(trial: Trial, logs: LogStore):
    web = kubernetes("web", images=[image("img")])
    ci = CiSettings(timeout_seconds=7)
    async with trial.session(declares(web, local("tool"), ci=ci)):
        state = trial.store.snapshot()
    assert [(each.name, each.order, each.enabled) for each in state.all(Resource)] == [
        ("web", 2, True),
        ("tool", 3, True),
    ]
    assert [(each.name, bool(each.digest)) for each in state.all(ImageMap)] == [("img", True)]
    assert set(state.named(FileWatch)) == {CONFIGS, "image:img", "tool"}
    assert set(trial.watcher.rules) == {CONFIGS, "image:img", "tool"}
    (session,) = state.all(Session)
    assert session.ci_settings == ci
    assert logged(logs, TILTFILE).startswith("evaluating\nSuccessfully loaded Tiltfile (")


async def test_an_evaluation_is_remembered(trial: Trial):
    async with trial.session(declares()):
        status = await trial.evaluated(1)
    (done,) = status.history
    assert (done.reason, done.strategy, done.outcome) == (Reason.INITIAL_BUILD, Strategy.EVALUATE, Outcome.OK)


async def test_a_changed_config_file_evaluates_again(trial: Trial):
    async with trial.session(declares(local("a")), declares(local("b"))):
        trial.watcher.change(CONFIG)
        status = await trial.evaluated(2)
        await idle()
    assert trial.names() == ["b"]
    assert status.history[0].changed_files == (CONFIG,)
    assert status.history[0].reason is Reason.CHANGED_FILES
    assert [step.name for step in status.history[0].steps] == ["event", "plan", "evaluate"]
    assert [step.name for step in status.history[1].steps] == ["evaluate"]
    assert len(trial.evaluator.args) == 2


async def test_a_session_for_ci_watches_no_files(trial: Trial):
    trial.store.change(Session, "Tiltfile", lambda each: replace(each, ci=True))
    async with trial.session(declares(local("web"), kubernetes("db", images=[image("db")]))):
        assert not trial.watcher.rules
        assert not trial.store.snapshot().all(FileWatch)


async def test_a_session_for_ci_watches_nothing_after_a_failure_either(trial: Trial):
    trial.store.change(Session, "Tiltfile", lambda each: replace(each, ci=True))
    async with trial.session(EvaluationResult(error="it failed", config_files=(CONFIG,))):
        assert not trial.watcher.rules


async def test_a_config_file_that_changes_during_the_evaluation_evaluates_once_more(trial: Trial):
    async with trial.session(declares()):
        trial.evaluator.gate.clear()
        trial.watcher.change(CONFIG)
        await eventually(lambda: len(trial.evaluator.args) == 2)
        trial.watcher.change(CONFIG)
        await until(trial.store, lambda: trial.watching.sequence == 2)
        trial.evaluator.gate.set()
        await trial.evaluated(3)
        await idle()
    assert len(trial.evaluator.args) == 3


async def test_a_file_that_was_written_while_it_was_first_read_is_read_again(trial: Trial, tmp_path: Path):
    file = tmp_path / "Tiltfile"

    def write_once() -> None:
        if not file.exists():
            file.write_text("")
            now = time.time()
            os.utime(file, (now, now))  # that of the file system ticks slowly

    trial.evaluator.meanwhile = write_once
    async with trial.session(declares(config_files=(str(file),))):
        await trial.evaluated(2)
        await idle()
    assert len(trial.evaluator.args) == 2


async def test_a_file_from_the_future_is_not_read_again_and_again(trial: Trial, tmp_path: Path):
    file = tmp_path / "Tiltfile"
    file.write_text("")
    later = time.time() + 3600
    os.utime(file, (later, later))
    async with trial.session(declares(config_files=(str(file),))):
        await idle()
    assert len(trial.evaluator.args) == 1


async def test_a_failure_keeps_what_was_declared_and_says_what_is_wrong(trial: Trial, logs: LogStore):
    broken = EvaluationResult(error="Tiltfile:3:1: no such name", config_files=(CONFIG, "/p/lib/Tiltfile"))
    async with trial.session(declares(local("a")), broken, declares(local("b"))):
        trial.watcher.change(CONFIG)
        status = await trial.evaluated(2)
        assert trial.names() == ["a"]
        assert (status.history[0].outcome, status.history[0].error) == (Outcome.FAILED, "Tiltfile:3:1: no such name")
        assert status.declaration
        assert [line.text for line in logs.read(0)[0] if line.level is Level.ERROR] == ["Tiltfile:3:1: no such name"]
        trial.watcher.change("/p/lib/Tiltfile")
        await trial.evaluated(3)
    assert trial.names() == ["b"]


async def test_a_first_evaluation_that_fails_is_tried_again_when_a_file_changes(trial: Trial):
    broken = EvaluationResult(error="no", config_files=(CONFIG,))
    async with trial.session(broken, declares(local("a"))):
        assert trial.names() == []
        trial.watcher.change(CONFIG)
        await trial.evaluated(2)
    assert trial.names() == ["a"]


async def test_a_trigger_evaluates_again_also_when_it_comes_during_an_evaluation(trial: Trial):
    async with trial.session(declares()):
        trial.evaluator.gate.clear()
        trial.evaluating.trigger(Reason.WEB_TRIGGER)
        await eventually(lambda: len(trial.evaluator.args) == 2)
        trial.evaluating.trigger(Reason.CLI_TRIGGER)
        trial.evaluator.gate.set()
        status = await trial.evaluated(3)
        await idle()
    reasons = [each.reason for each in status.history]
    assert reasons == [Reason.CLI_TRIGGER, Reason.WEB_TRIGGER, Reason.INITIAL_BUILD]


async def test_other_arguments_evaluate_again_and_the_same_do_not(trial: Trial):
    async with trial.session(declares()):
        assert trial.evaluating.set_args(["web"])
        status = await trial.evaluated(2)
        assert not trial.evaluating.set_args(["web"])
        await idle()
    assert trial.evaluator.args == [(), ("web",)]
    assert status.history[0].reason is Reason.TILT_ARGS


async def test_a_resource_that_is_declared_no_more_is_removed_with_what_it_applied(trial: Trial):
    async with trial.session(declares(kubernetes("web"), kubernetes("db")), declares(kubernetes("db"))):
        trial.applied("web")
        trial.applied("db")
        for name in ("web", "db"):
            trial.store.put(Runtime(name=name))
        trial.watcher.change(CONFIG)
        await trial.evaluated(2)
    assert trial.names() == ["db"]
    assert [each.name for each in trial.store.snapshot().all(Runtime)] == ["db"]
    assert list(map(str, trial.cluster.deleted)) == ["Deployment/web"]


async def test_a_resource_keeps_its_history_over_evaluations(trial: Trial):
    web = kubernetes("web", plain("ConfigMap", "other"))
    async with trial.session(declares(kubernetes("web")), declares(web)):
        trial.applied("web")
        before = trial.store.get(Resource, "web")
        trial.watcher.change(CONFIG)
        await trial.evaluated(2)
        after = trial.store.get(Resource, "web")
    assert before
    assert after
    assert (after.status, after.spec) == (before.status, web)
    assert after.digest != before.digest


async def test_images_and_watches_of_what_vanished_go_too(trial: Trial):
    async with trial.session(declares(kubernetes("web", images=[image("img")])), declares()):
        trial.watcher.change(CONFIG)
        await trial.evaluated(2)
        state = trial.store.snapshot()
    assert state.all(ImageMap) == ()
    assert set(trial.watcher.rules) == {CONFIGS}
    assert [each.name for each in state.all(FileWatch)] == [CONFIGS]


async def test_a_disabled_resource_is_listed_but_disabled(trial: Trial):
    async with trial.session(declares(local("a"), local("b"), disabled=["b"])):
        assert trial.names() == ["a", "b"]
        assert trial.enabled() == {"a"}


async def test_disabling_removes_what_was_applied_and_forgets_what_was_done(trial: Trial):
    async with trial.session(declares(kubernetes("web"))):
        trial.applied("web")
        await trial.evaluating.set_enabled([ResourceName("web")], enabled=False)
        found = trial.store.get(Resource, "web")
        assert found
        assert (found.enabled, found.status) == (False, ResourceStatus())
        assert list(map(str, trial.cluster.deleted)) == ["Deployment/web"]
        await trial.evaluating.set_enabled([ResourceName("web")], enabled=True)
        assert trial.enabled() == {"web"}


async def test_what_a_person_enabled_outlives_evaluations_until_the_arguments_change(trial: Trial):
    result = declares(local("a"), local("b"), disabled=["b"])
    async with trial.session(result):
        await trial.evaluating.set_enabled([ResourceName("b")], enabled=True)
        await trial.evaluating.set_enabled([ResourceName("a")], enabled=False)
        trial.watcher.change(CONFIG)
        await trial.evaluated(2)
        assert trial.enabled() == {"b"}
        trial.evaluating.set_args(["a"])
        await trial.evaluated(3)
    assert trial.enabled() == {"a"}


async def test_enabling_during_an_evaluation_removes_nothing_that_is_new(trial: Trial):
    async def enable_again_and_again() -> None:
        while True:
            await trial.evaluating.set_enabled([ResourceName("a")], enabled=True)
            await asyncio.sleep(0)

    results = (declares(local("a")), declares(local("a"), local("b")))
    async with trial.session(*results), running(enable_again_and_again()):
        trial.watcher.change(CONFIG)
        await trial.evaluated(2)
        assert trial.names() == ["a", "b"]


def forwarded(name: str, port: int) -> ResourceSpec:
    spec = kubernetes(name)
    assert isinstance(spec.deploy, KubernetesDeploy)
    return replace(spec, deploy=replace(spec.deploy, port_forwards=(Forward(local_port=port),)))


async def test_ports_are_forwarded_to_what_is_enabled(trial: Trial):
    result = declares(forwarded("web", 8000), forwarded("db", 5432), disabled=["db"])
    async with trial.session(result, declares(forwarded("web", 9000))):
        assert set(trial.store.snapshot().named(PortForward)) == {"web:8000"}
        await trial.evaluating.set_enabled([ResourceName("db")], enabled=True)
        assert set(trial.store.snapshot().named(PortForward)) == {"web:8000", "db:5432"}
        trial.watcher.change(CONFIG)
        await trial.evaluated(2)
    assert set(trial.store.snapshot().named(PortForward)) == {"web:9000"}


async def test_what_the_tiltfile_ignores_is_ignored_by_every_watch(trial: Trial):
    ignore = Ignore(base="/p", patterns=("*.tmp",))
    async with trial.session(declares(local("tool"), ignores=(ignore,))):
        rules = [rule for rules in trial.watcher.rules.values() for rule in rules]
    assert rules
    assert all(ignore in rule.ignores for rule in rules)


async def test_a_secret_is_hidden_from_then_on(trial: Trial, logs: LogStore):
    async with trial.session(declares(secrets=(("hunter2", "[redacted secret key:pw]"),))):
        logs.span(TILTFILE, "x")("the password is hunter2\n")  # type: ignore[arg-type]  # any span will do
    assert "hunter2" not in logged(logs)


async def test_while_the_tiltfile_is_evaluated_its_row_says_so(trial: Trial):
    trial.evaluator.results = [declares()]
    trial.evaluator.gate.clear()
    async with running(trial.evaluating.run()):
        found = await until(trial.store, lambda: _current(trial.store))
        assert found.reason is Reason.INITIAL_BUILD
        trial.evaluator.gate.set()
        await trial.evaluated(1)


def _current(store: Store):
    found = store.get(Tiltfile, TILTFILE)
    return found.status.current if found else None


async def test_files_that_cannot_be_watched_make_the_tiltfile_red_and_the_session_goes_on(trial: Trial):
    trial.watcher.refuse("there are more directories to watch than the system allows")
    async with trial.session(declares(local("tool"))):
        first = await trial.evaluated(1)
        assert first.history[0].outcome is Outcome.FAILED
        assert "more directories to watch" in first.history[0].error
        trial.watcher.refuse("")
        trial.evaluating.trigger(Reason.CLI_TRIGGER)
        assert (await trial.evaluated(2)).history[0].outcome is Outcome.OK


async def test_a_tiltfile_that_changes_each_time_what_it_reads_is_paused_until_something_else_changes(
    trial: Trial, logs: LogStore
):
    async with trial.session(declares(local("tool"), config_files=(CONFIG, "/p/stamp"))):
        trial.evaluator.meanwhile = lambda: trial.watcher.change("/p/stamp")
        trial.evaluating.trigger(Reason.CLI_TRIGGER)
        await until_logged(logs, "Paused: each run changes `stamp`")
        await trial.evaluated(ROUNDS + 1)
        await idle()
        count = len((await trial.evaluated(ROUNDS + 1)).history)
        trial.evaluator.meanwhile = lambda: None
        trial.watcher.change(CONFIG)
        assert not (await trial.evaluated(count + 1)).pause
