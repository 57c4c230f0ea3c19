import pytest
from msgspec.structs import replace

from pytilt.model.commands import Command
from pytilt.model.names import TILTFILE, ResourceName, SpanId
from pytilt.model.objects import Resource, ResourceStatus, Runtime, RuntimeState, Tiltfile, TiltfileStatus
from pytilt.model.resources import KubernetesDeploy, LocalDeploy, PodReadiness, ResourceSpec
from pytilt.model.status import RuntimeStatus, UpdateStatus
from pytilt.model.updates import Hold, HoldReason, Outcome, Reason, Strategy, Update
from pytilt.views.statuses import Statuses, conditions, resource_statuses, tiltfile_statuses

COMMAND = Command(argv=("true",), dir="/p")
LOCAL = LocalDeploy(update=COMMAND)
SERVED = LocalDeploy(update=COMMAND, serve=COMMAND)
ONLY_SERVED = LocalDeploy(serve=COMMAND)
WEB = KubernetesDeploy(objects=())
IGNORING = KubernetesDeploy(objects=(), pod_readiness=PodReadiness.IGNORE)

U, R = UpdateStatus, RuntimeStatus


def update(outcome: Outcome, error: str = "") -> Update:
    return Update(
        id=1,
        span=SpanId("build:1"),
        reason=Reason.INITIAL_BUILD,
        strategy=Strategy.FULL,
        started_at="",
        outcome=outcome,
        error=error,
    )


OK, FAILED, CANCELED = update(Outcome.OK), update(Outcome.FAILED, "it failed"), update(Outcome.CANCELED, "canceled")
FELL_BACK = update(Outcome.FELL_BACK, "the stream broke")
RUNNING = update(Outcome.RUNNING)


def resource(deploy: KubernetesDeploy | LocalDeploy, **status: object) -> Resource:
    spec = ResourceSpec(name=ResourceName("web"), deploy=deploy)
    return Resource(name="web", spec=spec, status=ResourceStatus(**status))  # type: ignore[arg-type]  # fields of a status


def runtime(status: RuntimeStatus, reason: str = "") -> Runtime:
    return Runtime(name="web", status=RuntimeState(status=status, reason=reason))


@pytest.mark.parametrize(
    ("deploy", "status", "expected"),
    [
        (LOCAL, {}, U.NONE),
        (LOCAL, {"due": Reason.INITIAL_BUILD}, U.PENDING),
        (LOCAL, {"current": (RUNNING,)}, U.IN_PROGRESS),
        (LOCAL, {"current": (RUNNING,), "due": Reason.CHANGED_FILES, "history": (FAILED,)}, U.IN_PROGRESS),
        (LOCAL, {"history": (OK, FAILED)}, U.OK),
        (LOCAL, {"history": (FAILED, OK)}, U.ERROR),
        (LOCAL, {"history": (CANCELED, OK)}, U.ERROR),
        (LOCAL, {"history": (FAILED,), "due": Reason.CHANGED_FILES}, U.PENDING),
        (WEB, {"history": (FELL_BACK, OK)}, U.PENDING),
        (ONLY_SERVED, {"history": (OK,)}, U.NOT_APPLICABLE),
        (ONLY_SERVED, {"current": (RUNNING,)}, U.PENDING),
        (ONLY_SERVED, {}, U.NONE),
    ],
)
def test_the_word_for_updates(
    deploy: KubernetesDeploy | LocalDeploy, status: dict[str, object], expected: UpdateStatus
):
    assert resource_statuses(resource(deploy, **status), None).update is expected


DEPLOYED = {"deployed_at": "2026-01-01T00:00:00Z", "history": (OK,)}


@pytest.mark.parametrize(
    ("deploy", "status", "runs", "expected"),
    [
        (LOCAL, {"history": (OK,)}, R.NOT_APPLICABLE, R.NOT_APPLICABLE),
        (SERVED, {}, R.UNKNOWN, R.NONE),
        (SERVED, {}, R.PENDING, R.NONE),
        (SERVED, {"due": Reason.INITIAL_BUILD}, R.UNKNOWN, R.PENDING),
        (SERVED, {"current": (RUNNING,)}, R.NONE, R.PENDING),
        (SERVED, {"history": (OK,)}, R.PENDING, R.PENDING),
        (SERVED, {"history": (OK,)}, R.OK, R.OK),
        (SERVED, {"history": (OK,)}, R.ERROR, R.ERROR),
        (WEB, {}, None, R.NONE),
        (WEB, {"current": (RUNNING,)}, None, R.PENDING),
        (WEB, {"history": (FAILED,)}, R.PENDING, R.PENDING),
        (WEB, DEPLOYED, None, R.PENDING),
        (WEB, DEPLOYED, R.UNKNOWN, R.PENDING),
        (WEB, DEPLOYED, R.PENDING, R.PENDING),
        (WEB, DEPLOYED, R.OK, R.OK),
        (WEB, DEPLOYED, R.ERROR, R.ERROR),
        (IGNORING, DEPLOYED, R.UNKNOWN, R.OK),
        (IGNORING, {"history": (FAILED,)}, R.UNKNOWN, R.PENDING),
    ],
)
def test_the_word_for_what_runs(
    deploy: KubernetesDeploy | LocalDeploy,
    status: dict[str, object],
    runs: RuntimeStatus | None,
    expected: RuntimeStatus,
):
    found = runtime(runs) if runs is not None else None
    assert resource_statuses(resource(deploy, **status), found).runtime is expected


def test_a_disabled_resource_has_no_status():
    found = resource_statuses(replace(resource(WEB, **DEPLOYED), enabled=False), runtime(R.OK))
    assert found == Statuses(update=U.NONE, runtime=R.NONE, reason="disabled")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (DEPLOYED, "no pod yet"),
        ({"history": (FAILED,)}, "it failed"),
        (
            {"due": Reason.INITIAL_BUILD, "hold": Hold(reason=HoldReason.WAITING_FOR_DEP, on=(ResourceName("db"),))},
            "waiting-for-dep db",
        ),
        ({"due": Reason.INITIAL_BUILD, "hold": Hold(reason=HoldReason.WAITING_FOR_CLUSTER)}, "waiting-for-cluster"),
    ],
)
def test_one_line_says_people_what_is_wrong_or_waited_for(status: dict[str, object], expected: str):
    assert resource_statuses(resource(WEB, **status), runtime(R.PENDING, "no pod yet")).reason == expected


@pytest.mark.parametrize(
    ("update_status", "runtime_status", "ready", "up_to_date"),
    [
        (U.OK, R.OK, "", ""),
        (U.OK, R.NOT_APPLICABLE, "", ""),
        (U.NOT_APPLICABLE, R.OK, "", ""),
        (U.NONE, R.NONE, "Unknown", "Unknown"),
        (U.NONE, R.OK, "", "Unknown"),
        (U.PENDING, R.OK, "", "UpdatePending"),
        (U.IN_PROGRESS, R.NOT_APPLICABLE, "UpdatePending", "UpdatePending"),
        (U.IN_PROGRESS, R.PENDING, "RuntimePending", "UpdatePending"),
        (U.ERROR, R.OK, "", "UpdateError"),
        (U.ERROR, R.NOT_APPLICABLE, "UpdateError", "UpdateError"),
        (U.ERROR, R.PENDING, "UpdateError", "UpdateError"),
        (U.ERROR, R.ERROR, "RuntimeError", "UpdateError"),
        (U.OK, R.ERROR, "RuntimeError", ""),
        (U.OK, R.PENDING, "RuntimePending", ""),
    ],
)
def test_the_two_conditions(update_status: UpdateStatus, runtime_status: RuntimeStatus, ready: str, up_to_date: str):
    statuses = Statuses(update=update_status, runtime=runtime_status, reason="why")
    found = conditions(statuses, disabled=False, since="2026-01-01T00:00:00Z")
    assert [(each.type, each.true, each.reason) for each in found] == [
        ("UpToDate", not up_to_date, up_to_date),
        ("Ready", not ready, ready),
    ]
    assert [bool(each.message) for each in found] == [bool(up_to_date), bool(ready)]


def test_what_is_disabled_meets_no_condition():
    statuses = Statuses(update=U.NONE, runtime=R.NONE)
    found = conditions(statuses, disabled=True, since="")
    assert [(each.true, each.reason) for each in found] == [(False, "Disabled"), (False, "Disabled")]


@pytest.mark.parametrize(
    ("status", "pending", "expected"),
    [
        (TiltfileStatus(), False, U.PENDING),
        (TiltfileStatus(current=RUNNING, history=(OK,)), False, U.IN_PROGRESS),
        (TiltfileStatus(history=(OK,)), True, U.PENDING),
        (TiltfileStatus(history=(OK, FAILED)), False, U.OK),
        (TiltfileStatus(history=(FAILED,)), False, U.ERROR),
    ],
)
def test_the_row_of_the_tiltfile_has_updates_and_nothing_that_runs(
    status: TiltfileStatus, pending: bool, expected: UpdateStatus
):
    found = tiltfile_statuses(Tiltfile(name=TILTFILE, path="/p/Tiltfile", status=status), pending=pending)
    assert (found.update, found.runtime) == (expected, R.NOT_APPLICABLE)
