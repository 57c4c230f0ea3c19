"""What fields of workloads do, with all of the built-in context on a container runtime in memory."""

import asyncio
import re

from pytilt.engines.objects.fields import condition
from pytilt.model.clusters import ObjectRef
from tests.engines.memory import MemoryTrial, in_memory
from tests.engines.trial import Json, pod, proves, service, workload
from tests.virtual_time import unix_time, until, virtual_time

READY_ON_DEMAND = {"readinessProbe": {"exec": {"command": ["ready"]}, "periodSeconds": 1}}


def names(pods):
    return sorted(item["metadata"]["name"] for item in pods)


def uids(pods):
    return {item["metadata"]["uid"] for item in pods}


def image(pod):
    return pod["spec"]["containers"][0]["image"]


def ready(pods):
    return [item for item in pods if condition(item, "Ready") == "True"]


def set_of(kind: str, name: str, *, image: str = "one", container: Json | None = None, **spec) -> Json:
    """A workload whose pods run on until they are ended."""
    return workload(kind, name, "", container={"image": image, **(container or {})}, **spec)


def job(name, *, image="job", **spec):
    made = pod(name, "", container={"image": image})
    del made["metadata"]["name"]
    template = {"metadata": made["metadata"], "spec": {**made["spec"], "restartPolicy": "Never"}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": template, **spec},
    }


async def ended(t: MemoryTrial, name: str) -> Json:
    """Wait until a Job is done; its status."""

    def done(jobs):
        return [
            item
            for item in jobs
            if item["metadata"]["name"] == name and "True" in (condition(item, "Complete"), condition(item, "Failed"))
        ]

    return dict(done(await t.until(done, "Job"))[0]["status"])


class Rollout:
    """The fewest ready pods and the most pods of a workload while it is renewed."""

    def __init__(self, t: MemoryTrial, app: str) -> None:
        self._t = t
        self._app = app
        self.least = self.most = 0

    async def to(self, image_: str, count: int) -> None:
        """Return when all pods have a new image and are ready."""
        self.least, self.most = count, 0

        def renewed(pods):
            mine = [item for item in pods if item["metadata"]["labels"].get("app") == self._app]
            staying = [item for item in mine if not item["metadata"].get("deletionTimestamp")]
            self.least, self.most = min(self.least, len(ready(staying))), max(self.most, len(staying))
            return (
                len(mine) == count and all(image(item) == image_ for item in ready(mine)) and len(ready(mine)) == count
            )

        await self._t.until(renewed)


@proves("Deployment", "replicas", "selector", "template")
@virtual_time
async def test_a_deployment_has_as_many_pods_as_it_wants():
    async with in_memory() as t:
        await t.apply(set_of("Deployment", "web", replicas=3))
        three = names(await t.ready("web", 3))
        await t.apply(set_of("Deployment", "web", replicas=2))
        two = names(await t.ready("web", 2))
        assert set(two) <= set(three)
        assert all(re.fullmatch(r"web-[a-z0-9]{10}-[a-z0-9]{5}", name) for name in three)
        (replica_set,) = await t.until(lambda sets: len(sets) == 1, "ReplicaSet")
        found = (await t.ready("web", 2))[0]
        assert found["metadata"]["labels"]["pod-template-hash"] in replica_set["metadata"]["name"]
        assert found["metadata"]["ownerReferences"][0]["uid"] == replica_set["metadata"]["uid"]
        assert replica_set["metadata"]["ownerReferences"][0]["kind"] == "Deployment"
        await t.until(lambda all_: all_ and all_[0].get("status", {}).get("availableReplicas") == 2, "Deployment")


@proves("Deployment", "strategy.type")
@virtual_time
async def test_recreate_lets_the_old_pod_go_before_the_new_one_comes():
    async with in_memory() as t:
        await t.apply(set_of("Deployment", "web", strategy={"type": "Recreate"}))
        await t.ready("web")
        rollout = Rollout(t, "web")
        await t.apply(set_of("Deployment", "web", image="two", strategy={"type": "Recreate"}))
        await rollout.to("two", 1)
        assert rollout.most == 1


@proves("Deployment", "strategy.rollingUpdate.maxSurge")
@virtual_time
async def test_a_rolling_update_makes_no_more_pods_than_it_may():
    async with in_memory() as t:
        numbers: Json = {"replicas": 3, "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}
        await t.apply(set_of("Deployment", "web", **numbers))
        await t.ready("web", 3)
        await t.apply(set_of("Deployment", "web", image="two", **numbers))
        rollout = Rollout(t, "web")
        await rollout.to("two", 3)
        assert (rollout.least, rollout.most) == (2, 3)


@proves("Deployment", "strategy.rollingUpdate.maxUnavailable")
@virtual_time
async def test_a_rolling_update_leaves_as_many_pods_unavailable_as_it_may():
    async with in_memory() as t:
        numbers: Json = {"replicas": 4, "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 3}}}
        await t.apply(set_of("Deployment", "web", **numbers))
        await t.ready("web", 4)
        await t.apply(set_of("Deployment", "web", image="two", **numbers))
        rollout = Rollout(t, "web")
        await rollout.to("two", 4)
        assert rollout.least == 1


@proves("Deployment", "minReadySeconds")
@virtual_time
async def test_a_pod_is_available_once_it_was_ready_for_a_while():
    async with in_memory() as t:
        await t.apply(set_of("Deployment", "web", minReadySeconds=60))
        await t.ready("web")
        began = unix_time()
        await t.until(lambda found: found[0].get("status", {}).get("availableReplicas") == 1, "Deployment")
        assert 58 < unix_time() - began < 63


@proves("Deployment", "paused")
@virtual_time
async def test_a_paused_deployment_keeps_its_template():
    async with in_memory() as t:
        await t.apply(set_of("Deployment", "web"))
        before = names(await t.ready("web"))
        await t.apply(set_of("Deployment", "web", image="two", paused=True))
        await asyncio.sleep(60)
        assert names(await t.ready("web")) == before


@proves("StatefulSet", "replicas", "selector", "serviceName", "template", "volumeClaimTemplates")
@virtual_time
async def test_a_stateful_set_has_names_and_volumes_that_stay():
    async with in_memory() as t:
        mounts = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
        more: Json = {"serviceName": "db", "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {}}]}
        wanted = set_of("StatefulSet", "db", container=mounts, replicas=2, **more)
        await t.apply(service("db", clusterIP="None"), wanted)
        pods = await t.ready("db", 2)
        assert names(pods) == ["db-0", "db-1"]
        assert [item["spec"]["subdomain"] for item in pods] == ["db", "db"]

        async def volumes():
            mounted = [t.container(item).request["HostConfig"]["Mounts"][0]["Source"] for item in await t.pods("db")]
            return sorted(name.rpartition("-claim-")[2] for name in mounted)

        assert await volumes() == ["default-data-db-0", "default-data-db-1"]
        await t.apply(set_of("StatefulSet", "db", image="two", container=mounts, replicas=2, **more))
        await Rollout(t, "db").to("two", 2)
        assert await volumes() == ["default-data-db-0", "default-data-db-1"]


@proves("StatefulSet", "updateStrategy.type")
@virtual_time
async def test_a_stateful_set_that_is_renewed_by_deleting_waits_for_that():
    async with in_memory() as t:
        wanted: Json = {"replicas": 2, "updateStrategy": {"type": "OnDelete"}}
        await t.apply(set_of("StatefulSet", "db", **wanted))
        before = uids(await t.ready("db", 2))
        await t.apply(set_of("StatefulSet", "db", image="two", **wanted))
        await asyncio.sleep(60)
        assert uids(await t.ready("db", 2)) == before
        await t.delete(await t.get("Pod", "db-0"))
        await t.until(lambda pods: sorted(map(image, ready(pods))) == ["one", "two"])


@proves("StatefulSet", "podManagementPolicy", "ordinals.start")
@virtual_time
async def test_a_stateful_set_counts_and_waits():
    async with in_memory() as t:
        able: set[str] = set()
        t.runtime.command = lambda where, _: (0 if where.request["Image"] in able else 1, b"")
        await t.apply(set_of("StatefulSet", "slow", container=READY_ON_DEMAND, replicas=2))
        parallel: Json = {"podManagementPolicy": "Parallel", "ordinals": {"start": 5}, "replicas": 2}
        await t.apply(set_of("StatefulSet", "fast", image="two", container=READY_ON_DEMAND, **parallel))
        await asyncio.sleep(30)
        assert names(await t.pods("fast")) == ["fast-5", "fast-6"]
        assert names(await t.pods("slow")) == ["slow-0"]
        able.add("one")
        assert names(await t.ready("slow", 2)) == ["slow-0", "slow-1"]


@proves("StatefulSet", "updateStrategy.rollingUpdate.partition")
@virtual_time
async def test_a_stateful_set_renews_only_the_pods_from_its_partition_on():
    async with in_memory() as t:
        wanted: Json = {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}}
        await t.apply(set_of("StatefulSet", "db", **wanted))
        await t.ready("db", 3)
        await t.apply(set_of("StatefulSet", "db", image="two", **wanted))
        await asyncio.sleep(60)
        assert {item["metadata"]["name"]: image(item) for item in await t.ready("db", 3)} == {
            "db-0": "one",
            "db-1": "one",
            "db-2": "two",
        }


@virtual_time
async def test_a_daemon_set_has_one_pod_and_replaces_it():
    async with in_memory() as t:
        await t.apply(set_of("DaemonSet", "agent"))
        (old,) = await t.ready("agent")
        await t.apply(set_of("DaemonSet", "agent", image="two"))
        await t.until(lambda pods: len(pods) == 1 and uids(pods) != uids([old]))
        await t.ready("agent")


@proves("Job", "template", "completions", "parallelism", "completionMode")
@virtual_time
async def test_a_job_succeeds_as_often_as_it_has_to():
    async with in_memory() as t:
        await t.apply(job("work", completions=3, parallelism=2, completionMode="Indexed"))
        await t.until(lambda pods: len(pods) == 2)
        await asyncio.sleep(60)
        seen = set()
        for _ in range(3):
            await until(lambda: any(item.running and item.name.endswith("-c-0") for item in t.runtime.all.values()))
            running = next(each for each in t.runtime.all.values() if each.running and each.name.endswith("-c-0"))
            seen.add(running.environment["JOB_COMPLETION_INDEX"])
            assert len([each for each in t.runtime.all.values() if each.running and each.name.endswith("-c-0")]) <= 2
            t.runtime.end(running.name)
        status = await ended(t, "work")
        assert (status["succeeded"], status["failed"]) == (3, 0)
        assert seen == {"0", "1", "2"}


@proves("Job", "backoffLimit")
@virtual_time
async def test_a_job_gives_up_after_so_many_failures():
    async with in_memory() as t:
        t.runtime.programs = {"job": lambda _: 1}
        await t.apply(job("bad", backoffLimit=1))
        status = await ended(t, "bad")
        assert status["conditions"][0]["reason"] == "BackoffLimitExceeded"
        assert status["failed"] == 2


@proves("Job", "activeDeadlineSeconds")
@virtual_time
async def test_a_job_has_no_more_time_than_its_deadline():
    async with in_memory() as t:
        await t.apply(job("slow", activeDeadlineSeconds=30))
        assert (await ended(t, "slow"))["conditions"][0]["reason"] == "DeadlineExceeded"


@proves("Job", "suspend")
@virtual_time
async def test_a_suspended_job_waits():
    async with in_memory() as t:
        t.runtime.programs = {"job": lambda _: 0}
        await t.apply(job("asleep", suspend=True))
        await asyncio.sleep(60)
        assert await t.pods("asleep") == []
        await t.apply(job("asleep", suspend=False))
        assert (await ended(t, "asleep"))["succeeded"] == 1


@proves("Job", "ttlSecondsAfterFinished")
@virtual_time
async def test_a_job_that_is_done_goes_after_its_time():
    async with in_memory() as t:
        t.runtime.programs = {"job": lambda _: 0}
        await t.apply(job("short", ttlSecondsAfterFinished=60))
        await ended(t, "short")
        began = unix_time()
        await t.until(lambda jobs: not jobs, "Job")
        assert 58 < unix_time() - began < 63


@virtual_time
async def test_a_job_whose_template_changed_is_run_again_and_an_unchanged_one_is_not():
    async with in_memory() as t:
        t.runtime.programs = {"job": lambda _: 0, "other": lambda _: 0}
        await t.apply(job("work"))
        await ended(t, "work")
        first = uids(await t.pods("work"))
        await t.apply(job("work"))
        await asyncio.sleep(5)
        assert uids(await t.pods("work")) == first
        await t.apply(job("work", image="other"))
        await ended(t, "work")
        assert list(map(image, await t.pods("work"))) == ["other"]


@virtual_time
async def test_a_cron_job_is_run_on_request():
    async with in_memory() as t:
        t.runtime.programs = {"job": lambda _: 0}
        inner = job("tick")
        await t.apply(
            {
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "metadata": {"name": "tick"},
                "spec": {"schedule": "0 0 29 2 *", "jobTemplate": {"spec": inner["spec"]}},
            }
        )
        await t.cluster.trigger(ObjectRef(api_version="batch/v1", kind="CronJob", name="tick"), "tick-now")
        assert (await ended(t, "tick-now"))["succeeded"] == 1


@virtual_time
async def test_deleting_a_workload_ends_its_pods():
    async with in_memory() as t:
        await t.apply(set_of("Deployment", "web", replicas=2), set_of("StatefulSet", "db"))
        await t.ready("web", 2)
        await t.ready("db")
        for kind, name in (("Deployment", "web"), ("StatefulSet", "db")):
            await t.delete(await t.get(kind, name))
        assert await t.until(lambda pods: not pods) == []
