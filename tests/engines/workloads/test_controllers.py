"""Whole workloads against a store in which the test plays the engine."""

import pytest

from pytilt.engines.objects.fields import Key, is_deleting, key_of
from pytilt.engines.objects.store import ObjectStore
from pytilt.engines.workloads.controllers import Controllers
from pytilt.engines.workloads.outcome import phase
from pytilt.model.times import rfc3339


class World:
    def __init__(self):
        self.now = 1_000_000.0
        self.store = ObjectStore(lambda: self.now)
        self.controllers = Controllers(self.store, lambda: self.now)
        self.store.listen(self.controllers.listen)

    def apply(self, obj):
        before = self.store.get(*key_of(obj))
        self.store.put({**obj, "metadata": {**(before or {}).get("metadata", {}), **obj["metadata"]}})
        self.controllers.turn()

    def pods(self):
        return self.store.all("Pod")

    def say(self, pod, phase, *, ready=False):
        conditions = [{"type": "Ready", "status": str(ready), "lastTransitionTime": rfc3339(self.now)}]
        self.store.set_status(key_of(pod), {"phase": phase, "conditions": conditions})
        self.controllers.turn()

    def play(self):
        """Be an engine: start what is new, end what is marked, until nothing changes."""
        for _ in range(50):
            for pod in self.pods():
                if is_deleting(pod):
                    self.store.remove(key_of(pod))
                    self.controllers.turn()
                elif phase(pod) == "Pending":
                    self.say(pod, "Running", ready=True)


def workload(kind, template="one", **spec):
    return {
        "apiVersion": "batch/v1" if kind in ("Job", "CronJob") else "apps/v1",
        "kind": kind,
        "metadata": {"name": "w", "namespace": "n"},
        "spec": {
            "selector": {"matchLabels": {"app": "w"}},
            "template": {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [{"name": template}]}},
            **spec,
        },
    }


def test_a_deployment_goes_from_one_template_to_the_next():
    world = World()
    world.apply(workload("Deployment", replicas=3))
    world.play()
    first = {pod["metadata"]["name"] for pod in world.pods()}
    world.apply(workload("Deployment", "two", replicas=3))
    world.play()
    assert len(first) == len(world.pods()) == 3
    assert not first & {pod["metadata"]["name"] for pod in world.pods()}
    assert len(world.store.all("ReplicaSet")) == 1
    deployment = world.store.get("Deployment", "n", "w")
    assert deployment is not None
    assert deployment["status"]["availableReplicas"] == deployment["status"]["updatedReplicas"] == 3


@pytest.mark.parametrize("kind", ["ReplicaSet", "ReplicationController"])
def test_a_set_of_pods_is_kept_at_its_number(kind):
    world = World()
    world.apply(workload(kind, replicas=3))
    world.play()
    world.store.remove(key_of(world.pods()[0]))
    world.controllers.turn()
    assert len(world.pods()) == 3
    world.apply(workload(kind, replicas=1))
    world.play()
    assert len(world.pods()) == 1


def test_a_template_that_does_not_come_up_leaves_the_old_one_serving():
    world = World()
    world.apply(workload("Deployment"))
    world.play()
    (old,) = world.pods()
    world.apply(workload("Deployment", "broken"))
    broken = next(pod for pod in world.pods() if pod != old)
    world.say(broken, "Running", ready=False)
    assert not any(is_deleting(pod) for pod in world.pods())
    world.apply(workload("Deployment", "mended"))
    world.play()
    (new,) = world.pods()
    assert new["spec"]["containers"][0]["name"] == "mended"


def test_a_pod_that_is_deleted_by_hand_is_replaced():
    world = World()
    world.apply(workload("Deployment"))
    world.play()
    (old,) = world.pods()
    world.store.delete(key_of(old))
    world.controllers.turn()
    world.play()
    (new,) = world.pods()
    assert new["metadata"]["uid"] != old["metadata"]["uid"]


def test_what_belongs_to_a_deleted_object_goes_with_it():
    world = World()
    world.apply(workload("Deployment", replicas=2))
    world.play()
    world.store.delete(Key("Deployment", "n", "w"))
    world.controllers.turn()
    world.play()
    assert world.store.all() == []


def test_a_failed_job_waits_longer_each_time():
    world = World()
    job = workload("Job", backoffLimit=5)
    world.apply(job)
    delays = []
    for _ in range(3):
        (pod,) = [pod for pod in world.pods() if phase(pod) == "Pending"]
        ended = {"state": {"terminated": {"finishedAt": rfc3339(world.now)}}, "restartCount": 0}
        world.store.set_status(key_of(pod), {"phase": "Failed", "containerStatuses": [ended]})
        world.controllers.turn()
        began = world.now
        while all(phase(pod) != "Pending" for pod in world.pods()):
            world.now += 1
            world.controllers.turn()
        delays.append(world.now - began)
    assert delays == [10, 20, 40]


def test_a_cron_job_makes_a_job_when_it_is_due_and_keeps_the_last_ones():
    world = World()
    world.now = 1_795_539_096.0  # 36 seconds past the minute
    spec = {"schedule": "* * * * *", "jobTemplate": {"spec": workload("Job")["spec"]}, "successfulJobsHistoryLimit": 1}
    world.apply(
        {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "w", "namespace": "n"}, "spec": spec}
    )
    assert world.store.all("Job") == []
    names = []
    for _ in range(3):
        world.now += 60
        world.controllers.turn()
        (pod,) = [pod for pod in world.pods() if phase(pod) == "Pending"]
        world.say(pod, "Succeeded")
        names.append(world.store.all("Job")[-1]["metadata"]["name"])
    world.play()
    assert names == ["w-29925652", "w-29925653", "w-29925654"]
    assert [job["metadata"]["name"] for job in world.store.all("Job")] == names[-1:]


def test_a_cron_job_that_must_not_overlap_waits():
    world = World()
    spec = {
        "schedule": "* * * * *",
        "jobTemplate": {"spec": workload("Job")["spec"]},
        "concurrencyPolicy": "Forbid",
    }
    world.apply(
        {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "w", "namespace": "n"}, "spec": spec}
    )
    for _ in range(3):
        world.now += 60
        world.controllers.turn()
    assert len(world.store.all("Job")) == 1


def test_a_stateful_set_starts_one_after_the_other():
    world = World()
    world.apply(workload("StatefulSet", replicas=3))
    assert [pod["metadata"]["name"] for pod in world.pods()] == ["w-0"]
    world.play()
    assert [pod["metadata"]["name"] for pod in world.pods()] == ["w-0", "w-1", "w-2"]
    world.apply(workload("StatefulSet", replicas=1))
    assert [pod["metadata"]["name"] for pod in world.pods() if is_deleting(pod)] == ["w-2"]
