"""The two words and two conditions of a resource, from its objects; the rules are Tilt's."""

from pytilt.model.base import Value
from pytilt.model.objects import Resource, Runtime, Tiltfile
from pytilt.model.pods import Condition
from pytilt.model.status import RuntimeStatus, UpdateStatus
from pytilt.model.updates import Outcome, Reason
from pytilt.store.objects import Snapshot


class Statuses(Value):
    """What a dot is coloured by."""

    update: UpdateStatus
    runtime: RuntimeStatus
    reason: str = ""
    """One line for people: what it waits for or what went wrong."""

    @property
    def ready(self) -> bool:
        """Is what runs healthy?"""
        return self.runtime is RuntimeStatus.OK or (self.runtime is RuntimeStatus.NOT_APPLICABLE and self.up_to_date)

    @property
    def up_to_date(self) -> bool:
        """Is everything on disk in what runs?"""
        return self.update in (UpdateStatus.OK, UpdateStatus.NOT_APPLICABLE)


def resource_statuses(resource: Resource, runtime: Runtime | None) -> Statuses:
    """Judge a resource."""
    if not resource.enabled:
        return Statuses(update=UpdateStatus.NONE, runtime=RuntimeStatus.NONE, reason="disabled")
    update = _update(resource)
    running = _runtime(resource, runtime, update)
    reason = runtime.status.reason if runtime else ""
    last = resource.status.last
    if update is UpdateStatus.ERROR and last is not None:
        reason = last.error
    elif resource.status.hold is not None:
        on = ", ".join((*resource.status.hold.on, *resource.status.hold.files))
        reason = f"{resource.status.hold.reason} {on}".strip()
    stale = runtime.status.stale if runtime and resource.spec.deploy.in_cluster else ""
    if stale and running in (RuntimeStatus.OK, RuntimeStatus.PENDING) and resource.status.deployed_at:
        return Statuses(update=update, runtime=RuntimeStatus.UNKNOWN, reason=f"its state is unknown: {stale}")
    return Statuses(update=update, runtime=running, reason=reason)


def tiltfile_statuses(tiltfile: Tiltfile, *, pending: bool) -> Statuses:
    """Judge the row of the Tiltfile.

    Args:
        tiltfile: the object.
        pending: is another evaluation due?
    """
    status, last = tiltfile.status, tiltfile.status.history[0] if tiltfile.status.history else None
    if status.current is not None:
        update = UpdateStatus.IN_PROGRESS
    elif pending or last is None:
        update = UpdateStatus.PENDING
    else:
        update = UpdateStatus.OK if last.outcome is Outcome.OK else UpdateStatus.ERROR
    return Statuses(update=update, runtime=RuntimeStatus.NOT_APPLICABLE, reason=last.error if last else "")


def conditions(statuses: Statuses, *, disabled: bool, since: str) -> tuple[Condition, ...]:
    """`UpToDate` and `Ready`, in Tilt's order, as `tilt wait --for=condition=…` asks for them."""
    ready = "" if statuses.ready else _not_ready(statuses, disabled=disabled)
    stale = "" if statuses.up_to_date else _not_up_to_date(statuses, disabled=disabled)
    return (
        _condition("UpToDate", stale, statuses.reason, since),
        _condition("Ready", ready, statuses.reason, since),
    )


def _update(resource: Resource) -> UpdateStatus:
    status = resource.status
    nothing_to_run = not resource.spec.deploy.updates
    if status.current:
        return UpdateStatus.PENDING if nothing_to_run else UpdateStatus.IN_PROGRESS
    # After one that did not reach its container, or the cluster, another one follows.
    if status.due is not Reason.NONE or (status.last is not None and status.last.outcome.followed):
        return UpdateStatus.PENDING
    if status.last is None:
        return UpdateStatus.NONE
    if status.last.outcome is not Outcome.OK:
        return UpdateStatus.ERROR
    return UpdateStatus.NOT_APPLICABLE if nothing_to_run else UpdateStatus.OK


def _runtime(resource: Resource, runtime: Runtime | None, update: UpdateStatus) -> RuntimeStatus:
    status = runtime.status.status if runtime else RuntimeStatus.UNKNOWN
    if resource.spec.deploy.in_cluster:
        if not resource.status.deployed_at:
            return RuntimeStatus.NONE if update is UpdateStatus.NONE else RuntimeStatus.PENDING
        if resource.spec.deploy.ready_without_pods and status is RuntimeStatus.UNKNOWN:
            return RuntimeStatus.OK
        return RuntimeStatus.PENDING if status is RuntimeStatus.UNKNOWN else status
    if status in (RuntimeStatus.UNKNOWN, RuntimeStatus.PENDING, RuntimeStatus.NONE):
        return RuntimeStatus.NONE if update is UpdateStatus.NONE else RuntimeStatus.PENDING
    return status


def _not_ready(statuses: Statuses, *, disabled: bool) -> str:
    if disabled:
        return "Disabled"
    if statuses.runtime is RuntimeStatus.ERROR:
        return "RuntimeError"
    if statuses.update is UpdateStatus.ERROR:
        return "UpdateError"
    if statuses.runtime is RuntimeStatus.PENDING:
        return "RuntimePending"
    return "UpdatePending" if statuses.update in (UpdateStatus.PENDING, UpdateStatus.IN_PROGRESS) else "Unknown"


def _not_up_to_date(statuses: Statuses, *, disabled: bool) -> str:
    if disabled:
        return "Disabled"
    if statuses.update is UpdateStatus.ERROR:
        return "UpdateError"
    return "UpdatePending" if statuses.update in (UpdateStatus.PENDING, UpdateStatus.IN_PROGRESS) else "Unknown"


def _condition(kind: str, reason: str, message: str, since: str) -> Condition:
    return Condition(
        type=kind,
        status="False" if reason else "True",
        reason=reason,
        message=message if reason else "",
        last_transition_time=since,
    )


def ordered(state: Snapshot) -> list[Resource]:
    """The resources in the order of the display."""
    return sorted(state.all(Resource), key=lambda resource: resource.order)
