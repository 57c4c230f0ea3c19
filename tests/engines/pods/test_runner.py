import asyncio
import itertools

import pytest

from pytilt.engines.objects import labels
from pytilt.engines.objects.fields import NODE_LOST
from pytilt.engines.pods.runner import PodRunner
from pytilt.testing.engine_container import FakeContainer
from tests.engines.pods.harness import Harness, a_pod, container
from tests.virtual_time import unix_time, until, virtual_time

TICK = {"periodSeconds": 1}
EXEC = {"exec": {"command": ["ok"]}}


def exits(status):
    """A program that ends at once."""
    return lambda _: status


class Switch:
    """Commands in containers succeed while it is on; it notes what was run in which."""

    def __init__(self, *, on: bool = True) -> None:
        self.on = on
        self.ran: list[str] = []

    def __call__(self, where: FakeContainer, argv):
        assert where.running
        self.ran.append(" ".join(argv))
        return (0, b"") if self.on else (1, b"not well")


@virtual_time
async def test_init_containers_run_one_after_the_other_and_sidecars_before_the_rest():
    h = Harness()
    h.runtime.programs = {"first": exits(0), "last": exits(0)}
    inits = [container("first"), container("side", restartPolicy="Always"), container("last")]
    async with h.running(a_pod(container("app"), container("more"), initContainers=inits)):
        await until(lambda: h.ready)
        assert h.called("start") == [f"start {name}" for name in ("first", "side", "last", "app", "more")]


@virtual_time
async def test_a_sidecar_that_has_not_started_holds_what_comes_after_it():
    h = Harness()
    h.runtime.command = switch = Switch(on=False)
    side = container("side", restartPolicy="Always", startupProbe={**EXEC, **TICK, "failureThreshold": 60})
    async with h.running(a_pod(container("app"), initContainers=[side])):
        await asyncio.sleep(20)
        assert h.called("start") == ["start side"]
        switch.on = True
        await until(lambda: h.ready)
        assert h.called("start") == ["start side", "start app"]


@virtual_time
async def test_an_init_container_that_fails_is_tried_again_and_holds_the_rest():
    h = Harness()
    h.runtime.programs = {"init": exits(1)}
    async with h.running(a_pod(container("app"), initContainers=[container("init")])):
        await until(lambda: h.status("init").get("restartCount") == 2)
        assert set(h.called("start")) == {"start init"}
        h.runtime.programs = {"init": exits(0)}
        await until(lambda: h.ready)


@virtual_time
async def test_an_init_container_that_fails_for_good_fails_the_pod():
    h = Harness()
    h.runtime.programs = {"init": exits(1)}
    async with h.running(a_pod(container("app"), initContainers=[container("init")], restartPolicy="Never")):
        await h.phase("Failed")
    assert h.called("start") == ["start init"]


@virtual_time
async def test_a_program_that_keeps_ending_is_started_ever_later():
    h = Harness()
    starts = []

    def crash(_):
        starts.append(unix_time())
        return 3

    h.runtime.programs = {"app": crash}
    async with h.running(a_pod(container("app"))):
        await until(lambda: len(starts) == 8, seconds=3000)
        assert h.waiting("app") in ("", "CrashLoopBackOff")
        await until(lambda: h.waiting("app") == "CrashLoopBackOff")
        assert h.status("app")["lastState"]["terminated"]["exitCode"] == 3
    pauses = [round(after - before) for before, after in itertools.pairwise(starts)]
    assert pauses == [0, 10, 20, 40, 80, 160, 300]


@virtual_time
async def test_a_long_run_ends_a_row_of_restarts():
    h = Harness()
    async with h.running(a_pod(container("app"))):
        await until(lambda: h.ready)
        h.runtime.end("app", 1)
        await until(lambda: h.status("app")["restartCount"] == 1 and h.ready)
        h.runtime.end("app", 1)
        await until(lambda: h.status("app")["restartCount"] == 2 and h.ready)
        await asyncio.sleep(700)
        h.runtime.end("app", 1)
        ended = unix_time()
        await until(lambda: h.status("app")["restartCount"] == 3 and h.ready)
        assert unix_time() - ended < 1


@pytest.mark.parametrize(
    ("policy", "status", "phase"),
    [("Never", 0, "Succeeded"), ("Never", 1, "Failed"), ("OnFailure", 0, "Succeeded")],
)
def test_a_pod_whose_work_is_done_lets_go_of_its_sandbox(policy, status, phase):
    @virtual_time
    async def run():
        h = Harness()
        h.runtime.programs = {"app": exits(status)}
        async with h.running(a_pod(container("app"), restartPolicy=policy)):
            await h.phase(phase)
        assert not h.runtime.named("sandbox").running
        assert h.called("start") == ["start app"]

    run()


@virtual_time
async def test_a_readiness_probe_makes_a_pod_ready_and_unready_again():
    h = Harness()
    h.runtime.command = switch = Switch(on=False)
    async with h.running(a_pod(container("app", readinessProbe={**EXEC, **TICK}))):
        await h.phase("Running")
        await asyncio.sleep(10)
        assert not h.ready
        assert "Readiness probe failed: not well" in h.messages("Unhealthy")
        switch.on = True
        await until(lambda: h.ready)
        switch.on = False
        await until(lambda: not h.ready)
    assert h.called("start") == ["start app"]


@virtual_time
async def test_a_container_that_is_not_alive_is_stopped_and_started_again():
    h = Harness()
    h.runtime.command = switch = Switch()
    probe = {**EXEC, **TICK, "failureThreshold": 2, "terminationGracePeriodSeconds": 3}
    async with h.running(a_pod(container("app", livenessProbe=probe))):
        await until(lambda: h.ready)
        switch.on = False
        await until(lambda: h.status("app")["restartCount"] == 1)
        assert "stop(3) app" in h.runtime.calls
        assert h.messages("Killing") == ["Container app failed liveness probe, will be restarted"]


@virtual_time
async def test_a_hook_that_fails_after_the_start_ends_the_container():
    h = Harness()
    h.runtime.command = Switch(on=False)
    async with h.running(a_pod(container("app", lifecycle={"postStart": EXEC}))):
        await until(lambda: h.status("app").get("restartCount") == 1)
        assert h.messages("FailedPostStartHook") == ["not well"]


@virtual_time
async def test_a_hook_before_the_stop_runs_first_and_takes_of_the_grace():
    h = Harness()
    pod = a_pod(container("app", lifecycle={"preStop": {"sleep": {"seconds": 4}}}), terminationGracePeriodSeconds=10)
    assert round(await h.ended(pod)) == 4
    assert h.called("stop") == ["stop(6) app"]
    assert h.store.get("Pod", "default", "web") is None


@pytest.mark.parametrize(("given", "seconds"), [({}, 30), ({"terminationGracePeriodSeconds": 7}, 7)])
def test_a_program_that_does_not_end_is_killed_after_its_grace(given, seconds):
    @virtual_time
    async def run():
        h = Harness()
        h.runtime.stubborn = {"app"}
        assert round(await h.ended(a_pod(container("app"), **given))) == seconds
        assert [each.labels.get(labels.ROLE) for each in h.runtime.all.values()] == ["forwarder"]

    run()


@virtual_time
async def test_sidecars_end_after_the_containers_that_they_serve():
    h = Harness()
    inits = [container("side", restartPolicy="Always")]
    await h.ended(a_pod(container("app"), initContainers=inits))
    assert h.called("stop") == ["stop(30) app", "stop(30) side"]


@virtual_time
async def test_a_pod_has_no_more_time_than_its_deadline():
    h = Harness()
    async with h.running(a_pod(container("app"), activeDeadlineSeconds=60)):
        await h.phase("Failed")
        assert h.pod["status"]["reason"] == "DeadlineExceeded"
        assert 59 < unix_time() - h.runtime.named("app").started_at < 62


@virtual_time
async def test_an_image_that_cannot_be_had_is_tried_again_until_it_can():
    h = Harness()
    h.runtime.missing = {"app": "manifest unknown"}
    async with h.running(a_pod(container("app"))):
        await until(lambda: h.waiting("app") == "ErrImagePull")
        await until(lambda: h.waiting("app") == "ImagePullBackOff")
        assert h.status("app")["state"]["waiting"]["message"] == "manifest unknown"
        h.runtime.missing["app"] = ""
        await until(lambda: h.ready)


@virtual_time
async def test_what_the_engine_cannot_start_has_the_status_of_kubernetes():
    h = Harness()
    h.runtime.unstartable = {"app": "exec: no such file"}
    async with h.running(a_pod(container("app"), restartPolicy="Never")):
        await h.phase("Failed")
    ended = h.status("app")["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (128, "StartError", "exec: no such file")


@virtual_time
async def test_a_missing_config_map_holds_a_container_until_it_comes():
    h = Harness()
    given = {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "a"}}}]}
    async with h.running(a_pod(container("app", **given))) as runner:
        await until(lambda: h.waiting("app") == "CreateContainerConfigError")
        metadata = {"name": "m", "namespace": "default"}
        h.store.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "yes"}})
        runner.sources_changed()
        await until(lambda: h.ready, seconds=1)
        assert h.runtime.named("app").environment["A"] == "yes"


@virtual_time
async def test_containers_begin_again_in_a_new_sandbox():
    h = Harness()
    async with h.running(a_pod(container("app"))):
        await until(lambda: h.ready)
        h.runtime.kill("sandbox")
        await until(lambda: h.status("app")["restartCount"] == 1 and h.ready)
        assert h.runtime.named("sandbox").running


@virtual_time
async def test_an_engine_that_is_away_makes_a_pod_lost_and_restarts_nothing_when_it_is_back():
    h = Harness()
    async with h.running(a_pod(container("app"))):
        await until(lambda: h.ready)
        h.runtime.go_away("no answer")
        await until(lambda: h.pod["status"].get("reason") == NODE_LOST)
        assert h.pod["status"]["message"] == "no answer"
        assert not h.ready
        h.runtime.come_back()
        await until(lambda: h.ready)
        assert "reason" not in h.pod["status"]
    assert h.called("start") == ["start app"]


@virtual_time
async def test_a_pod_is_ended_once_the_engine_is_back():
    h = Harness()
    async with h.running(a_pod(container("app"))):
        await until(lambda: h.ready)
    found = await h.runtime.containers({labels.POD_UID: "1234"})
    h.runtime.go_away()
    runner = PodRunner(h.context, h.pod, found)
    async with asyncio.TaskGroup() as tasks:
        ending = tasks.create_task(runner.end(), name="end")
        await asyncio.sleep(5)
        assert not ending.done()
        h.runtime.come_back()
        runner.mark_dirty()
    assert h.store.get("Pod", "default", "web") is None


@virtual_time
async def test_a_pod_that_was_found_running_is_adopted_as_it_is():
    h = Harness()
    pod = a_pod(container("app", readinessProbe={**EXEC, **TICK}, lifecycle={"postStart": EXEC}))
    async with h.running(pod):
        await until(lambda: h.ready)
    before = h.status("app")
    h.runtime.command = switch = Switch()
    async with h.running(pod) as runner:
        await asyncio.wait_for(runner.known.wait(), 5)
        assert h.status("app") == before
        assert switch.ran == ["ok"]
    assert h.called("start") == ["start app"]


@virtual_time
async def test_what_ended_while_nobody_looked_is_started_again():
    h = Harness()
    async with h.running(a_pod(container("app"))):
        await until(lambda: h.ready)
    h.runtime.end("app", 1)
    async with h.running(a_pod(container("app"))):
        await until(lambda: h.status("app").get("restartCount") == 1 and h.ready)
