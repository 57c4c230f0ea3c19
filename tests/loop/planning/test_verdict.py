from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from pytilt.loop.planning.verdict import CiTargets, Trouble, Verdict, ci_results, ci_targets, verdict
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.model.objects import ClusterState, Resource, ResourceStatus, Runtime, RuntimeState, Session, Tiltfile
from pytilt.model.pods import Condition, Pod
from pytilt.model.resources import CiSettings, KubernetesDeploy, PodReadiness, ResourceSpec, TriggerMode
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Hold, HoldReason, Outcome, Reason, Strategy
from pytilt.store.objects import Store
from tests.loop.declaring import kubernetes, local, prepare, update

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
POD = Pod(name="web-1", namespace="default", uid="u", created_at="")
OK = Verdict()


def after(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat()


class Trial:
    """A `tilt ci` in which everything is healthy until a test says otherwise."""

    def __init__(self) -> None:
        self.store = Store(lambda: BEGAN)

    def declare(self, *specs: ResourceSpec, **settings: float) -> None:
        prepare(self.store, *specs)
        ci = CiSettings(**settings)  # type: ignore[arg-type]  # fields of the settings
        self.store.change(Session, "Tiltfile", lambda each: replace(each, ci=True, ci_settings=ci))
        for spec in specs:
            self.updated(spec.name)
            self.runs(spec.name)

    def updated(self, name: str, outcome: Outcome = Outcome.OK, **status: object) -> None:
        made = ResourceStatus(**{"history": (update(outcome=outcome),), "deployed_at": after(0), **status})  # type: ignore[arg-type]  # fields of a status
        self.store.change(Resource, name, lambda each: replace(each, status=made))

    def runs(self, name: str, status: RuntimeStatus = RuntimeStatus.OK, **fields: object) -> None:
        state = RuntimeState(**{"status": status, "pods": (POD,), "since": after(0), **fields})  # type: ignore[arg-type]  # fields of a runtime
        self.store.put(Runtime(name=name, status=state))

    def judge(self, seconds: float = 1) -> Verdict | None:
        return verdict(self.store.snapshot(), after(seconds))

    def targets(self) -> list[str]:
        state = self.store.snapshot()
        return sorted(target.name for each in state.all(Resource) for target in ci_targets(state, each))


@pytest.fixture
def trial() -> Trial:
    return Trial()


def readiness(name: str, wanted: PodReadiness) -> ResourceSpec:
    spec = kubernetes(name)
    assert isinstance(spec.deploy, KubernetesDeploy)
    return replace(spec, deploy=replace(spec.deploy, pod_readiness=wanted))


def test_it_succeeds_when_all_is_updated_and_healthy(trial: Trial):
    trial.declare(kubernetes("web"), local("tool"), local("api", serve="server"))
    assert trial.judge() == OK


def test_a_session_without_resources_has_nothing_to_succeed_with(trial: Trial):
    trial.declare()
    assert trial.judge() is None


@pytest.mark.parametrize("disabled", [False, True])
def test_a_session_succeeds_whose_resources_are_all_started_by_hand_or_disabled(trial: Trial, disabled: bool):
    trial.declare(local("tool", trigger_mode=TriggerMode.AUTO if disabled else TriggerMode.AUTO_NO_INIT))
    trial.store.change(Resource, "tool", lambda each: replace(each, enabled=not disabled, status=ResourceStatus()))
    assert trial.judge() == OK


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (kubernetes("a"), ["a:runtime", "a:update"]),
        (readiness("a", PodReadiness.SUCCEEDED), ["a:runtime", "a:update"]),
        (local("a"), ["a:update"]),
        (local("a", serve="server"), ["a:serve", "a:update"]),
        (local("a", None, serve="server"), ["a:serve"]),
    ],
)
def test_what_it_waits_for(trial: Trial, spec: ResourceSpec, expected: list[str]):
    trial.declare(spec)
    assert trial.targets() == expected


def test_where_readiness_is_ignored_no_pod_is_waited_for(trial: Trial):
    trial.declare(readiness("a", PodReadiness.IGNORE))
    assert "a:runtime" in trial.targets()
    trial.runs("a", pods=())
    assert trial.targets() == ["a:update"]


def test_what_is_disabled_or_never_starts_by_itself_is_not_waited_for(trial: Trial):
    trial.declare(local("a"), local("b", trigger_mode=TriggerMode.MANUAL_NO_INIT), local("c"))
    trial.store.change(Resource, "b", lambda each: replace(each, status=ResourceStatus()))
    trial.store.change(Resource, "c", lambda each: replace(each, enabled=False))
    assert trial.targets() == ["a:update"]
    trial.updated("b")
    assert trial.targets() == ["a:update", "b:update"]


@pytest.mark.parametrize(
    "status",
    [
        {"history": ()},
        {"due": Reason.CHANGED_FILES},
        {"current": (update(outcome=Outcome.RUNNING),)},
        {"history": (), "hold": Hold(reason=HoldReason.WAITING_FOR_DEP)},
    ],
)
def test_it_waits_for_updates_that_run_or_are_due(trial: Trial, status: dict[str, object]):
    trial.declare(local("a"))
    trial.updated("a", Outcome.OK, **status)
    assert trial.judge() is None


@pytest.mark.parametrize("status", [RuntimeStatus.PENDING, RuntimeStatus.UNKNOWN])
def test_it_waits_for_what_is_not_ready_yet(trial: Trial, status: RuntimeStatus):
    trial.declare(kubernetes("web"))
    trial.runs("web", status)
    assert trial.judge() is None


def test_what_only_waits_for_its_update_is_looked_at_when_it_matters(trial: Trial):
    trial.declare(local("tool"), timeout_seconds=60)
    trial.store.change(Resource, "tool", lambda each: replace(each, status=ResourceStatus()))
    targets = CiTargets()
    assert not targets.update(trial.store.snapshot())
    running = ResourceStatus(current=(update(outcome=Outcome.OK),))
    trial.store.change(Resource, "tool", lambda each: replace(each, status=running))
    assert not targets.update(trial.store.snapshot(), ["tool"])
    late = targets.verdict(trial.store.snapshot(), after(100))
    assert late is not None
    assert late.error == "Timeout after 1m0s: 1 resources not ready (tool:update updating)"
    trial.updated("tool", Outcome.FAILED)
    assert targets.update(trial.store.snapshot(), ["tool"])


def test_a_failed_update_is_the_end(trial: Trial):
    trial.declare(local("a"), local("b"))
    trial.updated("b", Outcome.FAILED)
    trial.updated("a", history=())
    waits = Trouble(resource=ResourceName("a"), text="initial-build")
    assert trial.judge() == Verdict(error="it failed", resource=ResourceName("b"), unready=(waits,))


def test_the_first_failure_by_name_is_reported(trial: Trial):
    trial.declare(local("b"), kubernetes("a"))
    trial.updated("b", Outcome.FAILED)
    trial.runs("a", RuntimeStatus.ERROR, reason="pod a-1: CrashLoopBackOff")
    also = Trouble(resource=ResourceName("b"), text="it failed")
    crashed = Verdict(error="pod a-1: CrashLoopBackOff", resource=ResourceName("a"), broken=(also,))
    assert trial.judge() == crashed


def test_of_a_resource_that_is_not_well_in_two_ways_the_worse_is_reported(trial: Trial):
    trial.declare(local("a"), kubernetes("b"), kubernetes("c"))
    trial.updated("a", Outcome.FAILED)
    trial.updated("b", Outcome.FAILED)
    trial.runs("b", RuntimeStatus.PENDING, reason="pod b-1: Pending")
    trial.updated("c", current=(update(outcome=Outcome.RUNNING),))
    trial.runs("c", RuntimeStatus.PENDING, reason="pod c-1: Pending")
    found = trial.judge()
    assert found
    assert [(each.resource, each.text) for each in found.broken] == [("b", "it failed")]
    assert [(each.resource, each.text) for each in found.unready] == [("c", "pod c-1: Pending")]


def test_a_failed_evaluation_is_the_end(trial: Trial):
    trial.declare(local("a"))
    failed = update(outcome=Outcome.FAILED, strategy=Strategy.EVALUATE)
    trial.store.change(Tiltfile, TILTFILE, lambda each: replace(each, status=replace(each.status, history=(failed,))))
    assert trial.judge() == Verdict(error="it failed", resource=TILTFILE)


def test_while_the_tiltfile_is_evaluated_again_nothing_is_decided(trial: Trial):
    trial.declare(local("a"))
    running = update(outcome=Outcome.RUNNING, strategy=Strategy.EVALUATE)
    trial.store.change(Tiltfile, TILTFILE, lambda each: replace(each, status=replace(each.status, current=running)))
    assert trial.judge() is None


def test_a_live_update_that_fell_back_is_no_failure(trial: Trial):
    trial.declare(kubernetes("web"))
    trial.updated("web", Outcome.FELL_BACK)
    assert trial.judge() is None


def test_within_the_grace_period_a_broken_pod_may_recover(trial: Trial):
    trial.declare(kubernetes("web"), grace_period_seconds=10)
    trial.runs("web", RuntimeStatus.ERROR, reason="pod web-1: Error")
    assert trial.judge(9) is None
    assert trial.judge(11) == Verdict(error="exceeded grace period: pod web-1: Error", resource=ResourceName("web"))


def test_a_cluster_that_does_not_answer_is_the_end_for_those_who_need_one(trial: Trial):
    trial.declare(kubernetes("web"))
    trial.updated("web", history=())
    trial.store.put(ClusterState(name="default", error="connection refused"))
    assert trial.judge() == Verdict(error="cluster connection failed: connection refused")
    trial.declare(local("tool"))
    trial.store.delete(Resource, "web")
    assert trial.judge() == OK


def test_a_cluster_that_answered_before_may_be_busy_for_a_while(trial: Trial):
    trial.declare(kubernetes("web"))
    error = "the cluster `engine` does not answer within 4 s"
    trial.store.put(ClusterState(name="default", error=error, failed_at=after(5), connected_at=after(0)))
    assert trial.judge(34) is None
    assert trial.judge(36) == Verdict(error=f"cluster connection failed: {error}")
    trial.store.put(ClusterState(name="default", connected_at=after(0)))
    assert trial.judge(36) == OK


def test_a_server_that_is_not_ready_in_time_is_the_end(trial: Trial):
    trial.declare(kubernetes("web"), readiness_timeout_seconds=300)
    trial.runs("web", RuntimeStatus.PENDING, reason="pod web-1: ContainerCreating")
    assert trial.judge(299) is None
    why = Trouble(resource=ResourceName("web"), text="pod web-1: ContainerCreating")
    late = Verdict(error="Readiness timeout after 5m0s: target web:runtime not ready", unready=(why,))
    assert trial.judge(301) == late


def test_what_waits_for_a_pod_that_does_not_come_says_why(trial: Trial):
    trial.declare(kubernetes("web"), timeout_seconds=60)
    trial.runs("web", RuntimeStatus.PENDING, pods=(), reason="Deployment web is paused")
    late = trial.judge(61)
    assert late is not None
    assert late.unready == (Trouble(resource=ResourceName("web"), text="waiting-for-pod: Deployment web is paused"),)


def test_a_job_may_take_longer_than_a_server(trial: Trial):
    trial.declare(readiness("migrate", PodReadiness.SUCCEEDED), readiness_timeout_seconds=300)
    trial.runs("migrate", RuntimeStatus.PENDING)
    assert trial.judge(301) is None


def test_what_takes_too_long_is_reported_with_what_it_waits_for(trial: Trial):
    trial.declare(local("a"), kubernetes("b"), kubernetes("c"), readiness_timeout_seconds=0, timeout_seconds=5400)
    trial.updated("a", history=(), hold=Hold(reason=HoldReason.WAITING_FOR_DEP, on=(ResourceName("x"),)))
    trial.runs("b", RuntimeStatus.PENDING, pods=())
    trial.runs("c", RuntimeStatus.PENDING, reason="pod c-1: ContainerCreating")
    assert trial.judge(5399) is None
    assert trial.judge(5401) == Verdict(
        error="Timeout after 1h30m0s: 2 resources waiting (a:update waiting-for-dep,b:runtime waiting-for-pod), "
        "1 resources not ready (c:runtime pod c-1: ContainerCreating)",
        unready=tuple(
            Trouble(resource=ResourceName(name), text=text)
            for name, text in (
                ("a", "waiting-for-dep"),
                ("b", "waiting-for-pod"),
                ("c", "pod c-1: ContainerCreating"),
            )
        ),
    )


def test_the_limit_of_the_command_line_wins_and_zero_means_none(trial: Trial):
    trial.declare(local("a"), timeout_seconds=10)
    trial.updated("a", history=())
    trial.store.change(Session, "Tiltfile", lambda each: replace(each, ci_timeout_seconds=20.0))
    assert trial.judge(15) is None
    assert trial.judge(21)
    trial.store.change(Session, "Tiltfile", lambda each: replace(each, ci_timeout_seconds=0.0))
    assert trial.judge(9999) is None


def test_what_nothing_recovers_from_is_the_end_within_the_grace_period_too(trial: Trial):
    trial.declare(kubernetes("web"), grace_period_seconds=10)
    trial.runs("web", RuntimeStatus.ERROR, reason="Job web failed", final=True)
    assert trial.judge(1) == Verdict(error="Job web failed", resource=ResourceName("web"))


def test_a_resource_may_have_a_time_of_its_own(trial: Trial):
    trial.declare(kubernetes("slow"), kubernetes("web"))
    settings = CiSettings(resource_timeouts=((ResourceName("slow"), 60.0),), readiness_timeout_seconds=0)
    trial.store.change(Session, "Tiltfile", lambda each: replace(each, ci_settings=settings))
    for name in ("slow", "web"):
        begun = replace(update(), started_at=after(0))
        trial.updated(name, Outcome.OK, history=(begun,))
        trial.runs(name, RuntimeStatus.PENDING, reason="starts")
    assert trial.judge(59) is None
    found = trial.judge(61)
    assert found is not None
    assert (found.resource, found.error) == ("slow", "Timeout after 1m0s: starts")


def test_a_pod_that_no_node_takes_for_long_is_the_end(trial: Trial):
    waits = Condition(
        type="PodScheduled",
        status="False",
        reason="Unschedulable",
        message="0/1 nodes are available",
        last_transition_time=after(0),
    )
    trial.declare(kubernetes("web"), unschedulable_seconds=30, readiness_timeout_seconds=0)
    trial.runs("web", RuntimeStatus.PENDING, pods=(replace(POD, conditions=(waits,)),))
    assert trial.judge(29) is None
    error = "no node has taken its pod for 30s: 0/1 nodes are available"
    assert trial.judge(31) == Verdict(error=error, resource=ResourceName("web"))


def test_the_report_has_every_resource(trial: Trial):
    trial.declare(local("good"), local("bad"), local("off"), kubernetes("web"))
    trial.store.change(Resource, "off", lambda each: replace(each, enabled=False))
    trial.updated("bad", Outcome.FAILED, history=(replace(update(outcome=Outcome.FAILED), error="it failed"),))
    trial.runs("web", RuntimeStatus.PENDING, reason="pod web-1: ContainerCreating")
    found = trial.judge()
    assert found is not None
    results = ci_results(trial.store.snapshot(), found)
    assert [(each.name, each.status.value, each.reason) for each in results] == [
        ("(Tiltfile)", "ok", ""),
        ("good", "ok", ""),
        ("bad", "failed", "it failed"),
        ("off", "skipped", ""),
        ("web", "not-ready", "pod web-1: ContainerCreating"),
    ]
