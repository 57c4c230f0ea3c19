import re

import pytest

from pytilt.engines.objects.fields import condition
from pytilt.model.clusters import ObjectRef
from tests.engines.trial import Json, fetch, pod, proves, service, trial, web, workload

pytestmark = pytest.mark.engine

IDLE = "trap exit TERM; while :; do sleep 1000 & wait; done"


def names(pods):
    return sorted(item["metadata"]["name"] for item in pods)


def job(name, script, **spec):
    made = pod(name, script)
    del made["metadata"]["name"]
    template = {"metadata": made["metadata"], "spec": {**made["spec"], "restartPolicy": "Never"}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": template, **spec},
    }


async def ended(t, name):
    """Wait until a Job is done; its status."""

    def done(jobs):
        return [
            item
            for item in jobs
            if item["metadata"]["name"] == name and "True" in (condition(item, "Complete"), condition(item, "Failed"))
        ]

    return done(await t.until(done, "Job"))[0]["status"]


@proves("Deployment", "replicas", "selector", "template")
async def test_a_deployment_has_as_many_pods_as_it_wants(engine_host):
    async with trial(engine_host) as t:
        await t.apply(workload("Deployment", "web", IDLE, replicas=3))
        three = names(await t.ready("web", 3))
        await t.apply(workload("Deployment", "web", IDLE, replicas=1))
        one = names(await t.ready("web", 1))
        assert set(one) <= set(three)
        assert all(re.fullmatch(r"web-[a-z0-9]{10}-[a-z0-9]{5}", name) for name in three)
        (replica_set,) = await t.until(lambda sets: len(sets) == 1, "ReplicaSet")
        (found,) = await t.ready("web", 1)
        assert found["metadata"]["labels"]["pod-template-hash"] in replica_set["metadata"]["name"]
        assert found["metadata"]["ownerReferences"][0]["uid"] == replica_set["metadata"]["uid"]
        assert replica_set["metadata"]["ownerReferences"][0]["kind"] == "Deployment"
        await t.until(lambda all_: all_ and all_[0].get("status", {}).get("availableReplicas") == 1, "Deployment")


@proves("Deployment", "strategy.type")
async def test_recreate_lets_the_old_pod_go_before_the_new_one_comes(engine_host):
    async with trial(engine_host) as t:
        await t.apply(workload("Deployment", "web", IDLE, strategy={"type": "Recreate"}))
        (old,) = await t.ready("web")
        await t.apply(workload("Deployment", "web", "echo;" + IDLE, strategy={"type": "Recreate"}))
        most = 0

        def renewed(pods):
            nonlocal most
            most = max(most, len(pods))
            return [
                p for p in pods if p["metadata"]["uid"] != old["metadata"]["uid"] and condition(p, "Ready") == "True"
            ]

        await t.until(renewed)
        assert most == 1


@proves("Deployment", "strategy.rollingUpdate.maxSurge", "strategy.rollingUpdate.maxUnavailable", "minReadySeconds")
async def test_a_rolling_update_keeps_to_its_numbers(engine_host):
    async with trial(engine_host) as t:
        numbers: Json = {
            "replicas": 3,
            "minReadySeconds": 1,
            "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        }
        await t.apply(workload("Deployment", "web", IDLE, **numbers))
        old = {item["metadata"]["uid"] for item in await t.ready("web", 3)}
        await t.until(lambda all_: all_[0]["status"].get("availableReplicas") == 3, "Deployment")
        await t.apply(workload("Deployment", "web", "echo;" + IDLE, **numbers))
        least, most = 3, 0

        def renewed(pods):
            nonlocal least, most
            staying = [p for p in pods if not p["metadata"].get("deletionTimestamp")]
            least = min(least, sum(condition(p, "Ready") == "True" for p in staying))
            most = max(most, len(staying))
            new = [p for p in pods if p["metadata"]["uid"] not in old and condition(p, "Ready") == "True"]
            return len(new) == 3 and len(pods) == 3

        await t.until(renewed)
        assert (least, most) == (2, 3)


@proves("Deployment", "paused")
async def test_a_paused_deployment_keeps_its_template(engine_host):
    async with trial(engine_host) as t:
        await t.apply(workload("Deployment", "web", IDLE))
        before = names(await t.ready("web"))
        await t.apply(workload("Deployment", "web", "echo;" + IDLE, paused=True), workload("Deployment", "other", IDLE))
        await t.ready("other")
        assert names(await t.ready("web")) == before


@proves("StatefulSet", "replicas", "selector", "serviceName", "template", "volumeClaimTemplates", "updateStrategy.type")
async def test_a_stateful_set_has_names_and_volumes_that_stay(engine_host):
    async with trial(engine_host) as t:
        mounts = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
        claims = [{"metadata": {"name": "data"}, "spec": {}}]

        def wanted(script, **more):
            return workload(
                "StatefulSet", "db", script, container=mounts, serviceName="db", volumeClaimTemplates=claims, **more
            )

        serve = "[ -e /data/index.html ] || hostname > /data/index.html; exec httpd -f -p 8080 -h /data"
        await t.apply(service("db", clusterIP="None"), wanted(serve, replicas=2))
        assert names(await t.ready("db", 2)) == ["db-0", "db-1"]
        script = f"until {fetch('http://db-1.db:8080/')}; do :; done"
        assert await t.says("client", script) == "db-1\n"
        await t.apply(wanted(f"echo again >> /data/index.html; {serve}", replicas=2))

        def renewed(pods):
            of_set = [p for p in pods if p["metadata"]["name"].startswith("db-")]
            hashes = {p["metadata"]["labels"]["controller-revision-hash"] for p in of_set}
            return len(hashes) == 1 and len(of_set) == 2 and all(condition(p, "Ready") == "True" for p in of_set)

        await t.until(lambda sets: sets[0]["status"].get("updatedReplicas") == 2, "StatefulSet")
        await t.until(renewed)
        await t.delete(await t.get("Pod", "client"))
        assert await t.says("client", script) == "db-1\nagain\n"
        await t.apply(wanted(serve, replicas=2, updateStrategy={"type": "OnDelete"}))
        before = {item["metadata"]["uid"] for item in await t.ready("db", 2)}
        await t.delete(await t.get("Pod", "db-0"))
        await t.until(
            lambda pods: renewed(pods) is False and len(pods) == 3 and pods[-1]["metadata"]["uid"] not in before
        )


def runs(pod):
    return (pod.get("status") or {}).get("phase") == "Running"


@proves("StatefulSet", "podManagementPolicy", "ordinals.start", "updateStrategy.rollingUpdate.partition")
async def test_a_stateful_set_counts_and_waits(engine_host):
    async with trial(engine_host) as t:
        unready = {"readinessProbe": {"exec": {"command": ["test", "-e", "/ready"]}, "periodSeconds": 1}}
        await t.apply(workload("StatefulSet", "slow", IDLE, container=unready, replicas=2))
        parallel: Json = {"podManagementPolicy": "Parallel", "ordinals": {"start": 5}, "replicas": 2}
        await t.apply(workload("StatefulSet", "fast", IDLE, **parallel))
        assert names(await t.ready("fast", 2)) == ["fast-5", "fast-6"]
        assert "slow-1" not in await t.names("Pod")
        await t.until(lambda pods: any(p["metadata"]["name"] == "slow-0" and runs(p) for p in pods))
        await t.run(await t.get("Pod", "slow-0"), ["touch", "/ready"])
        await t.until(lambda pods: any(p["metadata"]["name"] == "slow-1" for p in pods))
        partition: Json = {"updateStrategy": {"rollingUpdate": {"partition": 6}}}
        before = await t.get("Pod", "fast-5")
        await t.apply(workload("StatefulSet", "fast", "echo;" + IDLE, **parallel, **partition))
        await t.until(
            lambda sets: any(s["status"].get("updatedReplicas") == 1 for s in sets if "fast" in s["metadata"]["name"]),
            "StatefulSet",
        )
        (found,) = [p for p in await t.ready("fast", 2) if p["metadata"]["name"] == "fast-5"]
        assert found["metadata"]["uid"] == before["metadata"]["uid"]


async def test_a_daemon_set_has_one_pod_and_replaces_it(engine_host):
    async with trial(engine_host) as t:
        await t.apply(workload("DaemonSet", "agent", IDLE))
        (old,) = await t.ready("agent")
        await t.apply(workload("DaemonSet", "agent", "echo;" + IDLE))
        await t.until(lambda pods: len(pods) == 1 and pods[0]["metadata"]["uid"] != old["metadata"]["uid"])
        await t.ready("agent")


@proves("Job", "template", "completions", "parallelism", "completionMode")
async def test_a_job_succeeds_as_often_as_it_has_to(engine_host):
    async with trial(engine_host) as t:
        await t.apply(job("work", "echo $JOB_COMPLETION_INDEX", completions=3, parallelism=2, completionMode="Indexed"))
        status = await ended(t, "work")
        assert (status["succeeded"], status["failed"]) == (3, 0)
        pods = await t.until(lambda pods: len(pods) == 3)
        said = [await t.log(item["metadata"]["name"]) for item in pods]
        assert sorted(said) == ["0\n", "1\n", "2\n"]


@proves("Job", "backoffLimit", "activeDeadlineSeconds", "suspend", "ttlSecondsAfterFinished")
async def test_a_job_gives_up(engine_host):
    async with trial(engine_host) as t:
        await t.apply(
            job("bad", "exit 1", backoffLimit=0),
            job("slow", "sleep 1000", activeDeadlineSeconds=1),
            job("asleep", "true", suspend=True),
            job("short", "true", ttlSecondsAfterFinished=0),
        )
        assert (await ended(t, "bad"))["conditions"][0]["reason"] == "BackoffLimitExceeded"
        assert (await ended(t, "slow"))["conditions"][0]["reason"] == "DeadlineExceeded"
        await t.until(lambda jobs: not any(item["metadata"]["name"] == "short" for item in jobs), "Job")
        pods = {item["metadata"]["labels"]["job-name"] for item in await t.until(lambda pods: len(pods) <= 2)}
        assert "asleep" not in pods
        await t.apply(job("asleep", "true", suspend=False))
        assert (await ended(t, "asleep"))["succeeded"] == 1


async def test_a_job_whose_template_changed_is_run_again_and_an_unchanged_one_is_not(engine_host):
    async with trial(engine_host) as t:
        await t.apply(job("work", "echo one"))
        await ended(t, "work")
        (first,) = await t.until(lambda pods: len(pods) == 1)
        await t.apply(job("work", "echo one"))
        (same,) = await t.until(lambda pods: len(pods) == 1)
        assert same["metadata"]["uid"] == first["metadata"]["uid"]
        await t.apply(job("work", "echo two"))
        await ended(t, "work")
        (second,) = await t.until(lambda pods: len(pods) == 1)
        assert await t.log(second["metadata"]["name"]) == "two\n"


async def test_a_cron_job_is_run_on_request(engine_host):
    async with trial(engine_host) as t:
        inner = job("tick", "echo tick")
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


async def test_deleting_a_workload_ends_its_pods(engine_host):
    async with trial(engine_host) as t:
        await t.apply(workload("Deployment", "web", web("x"), replicas=2), workload("StatefulSet", "db", IDLE))
        await t.ready("web", 2)
        await t.ready("db")
        for kind, name in (("Deployment", "web"), ("StatefulSet", "db")):
            await t.delete(await t.get(kind, name))
        assert await t.until(lambda pods: not pods) == []
