"""CronJobs: a Job at each point of a schedule."""

from collections.abc import Sequence

from pytilt.engines.objects.fields import Json, Key, key_of, owned_by
from pytilt.engines.workloads.jobs import is_done
from pytilt.engines.workloads.outcome import ReconcileOutcome
from pytilt.engines.workloads.schedules import parse
from pytilt.model.resources import KubeObject
from pytilt.model.times import rfc3339, seconds_of

KEPT_SUCCESSES, KEPT_FAILURES = 3, 1
"""How many finished Jobs stay; Kubernetes' defaults."""


def decide(cron_job: KubeObject, jobs: Sequence[KubeObject], now: float) -> ReconcileOutcome:
    """What a CronJob wants next.

    Args:
        cron_job: it.
        jobs: the Jobs it owns.
        now: Unix time.
    """
    spec, before = cron_job["spec"], cron_job.get("status") or {}
    schedule = parse(str(spec["schedule"]), str(spec.get("timeZone") or ""))
    active = [job for job in jobs if not is_done(job)]
    status: Json = {
        **before,
        "active": [{"kind": "Job", "name": job["metadata"]["name"], "uid": job["metadata"]["uid"]} for job in active],
    }
    old = _surplus(cron_job, jobs)
    if spec.get("suspend"):
        return ReconcileOutcome(delete=old, status=status)
    last = seconds_of(str(before.get("lastScheduleTime") or cron_job["metadata"].get("creationTimestamp") or ""))
    due = schedule.latest(now)  # what was missed before that is not made up
    if due is None or due <= last:
        return ReconcileOutcome(delete=old, status=status, again_at=schedule.after(now))
    policy, patience = spec.get("concurrencyPolicy") or "Allow", spec.get("startingDeadlineSeconds")
    missed = patience is not None and due + float(patience) < now
    if missed or (policy == "Forbid" and active):
        return ReconcileOutcome(delete=old, status=status, again_at=schedule.after(now))
    replaced = tuple(key_of(job) for job in active) if policy == "Replace" else ()
    return ReconcileOutcome(
        delete=(*old, *replaced),
        create=(job_of(cron_job, f"{cron_job['metadata']['name']}-{int(due // 60)}"),),
        status={**status, "lastScheduleTime": rfc3339(due)},
        again_at=schedule.after(now),
    )


def job_of(cron_job: KubeObject, name: str) -> Json:
    """A Job of a CronJob's template."""
    template = cron_job["spec"]["jobTemplate"]
    metadata = template.get("metadata") or {}
    labels = metadata.get("labels") or {}
    job = owned_by(cron_job, kind="Job", api_version="batch/v1", name=name, labels=labels)
    if metadata.get("annotations"):
        job["metadata"]["annotations"] = dict(metadata["annotations"])
    job["spec"] = dict(template["spec"])
    return job


def _surplus(cron_job: KubeObject, jobs: Sequence[KubeObject]) -> tuple[Key, ...]:
    spec = cron_job["spec"]
    done = [job for job in jobs if is_done(job)]
    good = [job for job in done if (job.get("status") or {}).get("completionTime")]
    bad = [job for job in done if job not in good]
    limits = (
        (good, int(spec.get("successfulJobsHistoryLimit", KEPT_SUCCESSES))),
        (bad, int(spec.get("failedJobsHistoryLimit", KEPT_FAILURES))),
    )
    return tuple(key_of(job) for some, limit in limits for job in some[: max(0, len(some) - limit)])
