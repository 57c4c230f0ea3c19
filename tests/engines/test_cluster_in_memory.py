"""Sessions of the built-in context on a container runtime in memory."""

import asyncio
from collections.abc import AsyncGenerator, Mapping

import pytest

from pytilt.cluster.seam import ContainerRef
from pytilt.docker.seam import ContainerEvent, Json
from pytilt.engines.network.infrastructure import sandboxes_last
from pytilt.engines.objects import labels
from pytilt.errors import ApplyError, ClusterUnreachableError, DockerApiError
from pytilt.model.times import seconds_of
from pytilt.testing.runtime import FakeRuntime
from tests.engines.memory import in_memory
from tests.engines.trial import left, pod, service, workload
from tests.virtual_time import unix_time, until, virtual_time


def statuses(pods):
    """What each pod says of its container, by the pod's uid."""
    return {
        each["metadata"]["uid"]: each["status"]["containerStatuses"][0]
        for each in pods
        if "containerStatuses" in each.get("status", {})
    }


def restarted(pod, count):
    """Asks whether the pod's container was started again so often."""
    uid = pod["metadata"]["uid"]
    return lambda pods: statuses(pods).get(uid, {}).get("restartCount") == count


@virtual_time
async def test_the_next_session_adopts_what_runs_and_restarts_nothing():
    runtime, objects = FakeRuntime(unix_time), (service("web"), workload("Deployment", "web", "", replicas=2))
    async with in_memory(runtime) as t:
        await t.apply(*objects)
        before = statuses(await t.ready("web", 2))
    async with in_memory(runtime) as t:
        await t.apply(*objects)
        assert statuses(await t.ready("web", 2)) == before


@virtual_time
async def test_an_object_whose_record_is_spoilt_is_gone_and_the_rest_is_there():
    runtime = FakeRuntime(unix_time)
    async with in_memory(runtime) as t:
        await t.apply(service("web"), workload("Deployment", "web", ""))
        await t.ready("web")
    spoilt = ["{", "[]", "{}", '{"kind": "Service", "metadata": {"name": 5}}']
    marks = next(volume["Labels"] for volume in runtime.stored_volumes.values() if labels.OBJECT in volume["Labels"])
    for number, text in enumerate(spoilt):
        await runtime.create_volume(f"spoilt-{number}", {**marks, labels.OBJECT: text})
    async with in_memory(runtime) as t:
        await t.ready("web")


@virtual_time
async def test_what_ended_between_two_sessions_is_started_again_in_its_pod():
    runtime = FakeRuntime(unix_time)
    async with in_memory(runtime) as t:
        await t.apply(workload("Deployment", "web", ""))
        (before,) = await t.ready("web")
    runtime.kill(t.container(before).id)
    async with in_memory(runtime) as t:
        await t.until(restarted(before, 1))


@virtual_time
async def test_a_run_that_ended_before_its_log_was_opened_is_logged_and_none_twice():
    runtime = FakeRuntime(unix_time)

    async def next_run(t):
        (present,) = await t.pods("web")
        before = t.container(present)
        before.write(unix_time(), f"run {len(runs)}")
        runs.append(before)
        runtime.kill(before.id)
        await t.until(restarted(present, len(runs)))

    async def log(t, since=""):
        return [line async for line in t.cluster.containers.logs(ref, since=since)]

    async with in_memory(runtime) as t, asyncio.TaskGroup() as tasks:
        runs = []
        await t.apply(workload("Deployment", "web", ""))
        (made,) = await t.ready("web")
        ref = ContainerRef(namespace="default", pod=made["metadata"]["name"], container="c")
        await next_run(t)
        opened = tasks.create_task(log(t))
        await asyncio.sleep(1)
        await next_run(t)
        first = await opened
        assert [text for _, text in first] == ["run 0\n", "run 1\n"]
        await next_run(t)  # nobody has opened the log of run 2
        opened = tasks.create_task(log(t, first[-1][0]))
        await asyncio.sleep(1)
        await next_run(t)
        assert [text for _, text in await opened] == ["run 2\n", "run 3\n"]


@virtual_time
async def test_what_another_session_deletes_goes_here_too():
    runtime = FakeRuntime(unix_time)
    async with in_memory(runtime) as up:
        await up.apply(service("web"), workload("Deployment", "web", "", replicas=2))
        ran = {item["metadata"]["uid"] for item in await up.ready("web", 2)}
        seen = set(ran)

        def gone(pods):
            seen.update(item["metadata"]["uid"] for item in pods)
            return not pods

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(up.until(gone))
            async with in_memory(runtime) as down:
                for kind in ("Deployment", "Service"):
                    await down.delete(await down.get(kind, "web"))
        assert seen == ran
        assert await left(runtime, "p") == []


@virtual_time
async def test_what_was_taken_away_while_nobody_looked_is_replaced():
    runtime = FakeRuntime(unix_time)
    async with in_memory(runtime) as t:
        await t.apply(workload("Deployment", "web", "", replicas=2))
        first, second = await t.ready("web", 2)
    for container in sandboxes_last(await runtime.containers({labels.POD_UID: first["metadata"]["uid"]})):
        await runtime.remove(container["Id"])
    async with in_memory(runtime) as t:
        names = {item["metadata"]["name"] for item in await t.ready("web", 2)}
        assert second["metadata"]["name"] in names
        assert first["metadata"]["name"] not in names


@virtual_time
async def test_two_projects_do_not_see_each_other():
    runtime = FakeRuntime(unix_time)
    async with in_memory(runtime, "one") as one, in_memory(runtime, "two") as two:
        await one.apply(workload("Deployment", "web", ""))
        await one.ready("web")
        assert await two.names("Deployment") == []
        await two.apply(workload("Deployment", "web", ""))
        (pod,) = await two.ready("web")
        await two.delete(await two.get("Deployment", "web"))
        await two.until(lambda pods: not pods)
        assert [each["metadata"]["uid"] for each in await one.ready("web")] != [pod["metadata"]["uid"]]


@virtual_time
async def test_pods_are_lost_while_the_engine_is_away_and_the_same_when_it_is_back():
    async with in_memory() as t:
        await t.apply(workload("Deployment", "web", "", replicas=2))
        before = statuses(await t.ready("web", 2))
        t.runtime.go_away("no answer")
        await t.until(lambda pods: [each["status"].get("reason") for each in pods] == ["NodeLost"] * 2)
        with pytest.raises(ClusterUnreachableError, match="no answer"):
            await t.apply(service("web"))
        t.runtime.come_back()
        assert statuses(await t.ready("web", 2)) == before


@virtual_time
async def test_services_are_configured_with_the_pods_that_are_ready():
    async with in_memory() as t:
        await t.apply(service("web"), workload("Deployment", "web", ""))
        (found,) = await t.ready("web")
        forwarder = t.runtime.named("tilt-p-services")
        await until(lambda: forwarder.received and found["status"]["podIP"] in forwarder.received[-1])


@virtual_time
async def test_a_forwarder_that_is_killed_is_started_and_configured_again():
    async with in_memory() as t:
        await t.apply(service("web"), workload("Deployment", "web", ""))
        await t.ready("web")
        forwarder = t.runtime.named("tilt-p-services")
        await asyncio.sleep(10)
        before = len(forwarder.received)
        t.runtime.kill(forwarder.id)
        await until(lambda: forwarder.running and len(forwarder.received) > before)


@virtual_time
async def test_a_network_that_somebody_removed_is_made_again_and_everything_is_in_it():
    async with in_memory() as t:
        await t.apply(service("web"), workload("Deployment", "web", ""), pod("host", "", spec={"hostNetwork": True}))
        (before,) = await t.ready("web")
        await t.ready("host")
        on_host = t.container(await t.get("Pod", "host"), labels.SANDBOX)
        await t.runtime.lose_network("tilt-p")
        await t.until(restarted(before, 1))
        (found,) = await t.ready("web")
        assert "tilt-p" in t.runtime.stored_networks
        assert not t.container(found, labels.SANDBOX).disconnected
        assert on_host.running
        await until(lambda: found["status"]["podIP"] in t.runtime.named("tilt-p-services").received[-1])
        events = await t.until(lambda events: any(each["reason"] == "NetworkLost" for each in events), "Event")
        assert any("somebody has removed the network `tilt-p`" in each["message"] for each in events)


@virtual_time
async def test_pods_that_stopped_before_their_network_was_removed_start_in_the_new_one():
    runtime = FakeRuntime(unix_time)
    async with in_memory(runtime) as t:
        await t.apply(workload("Deployment", "web", ""))
        await t.ready("web")
    for container in list(runtime.all.values()):
        runtime.kill(container.id)
    await runtime.lose_network("tilt-p")
    async with in_memory(runtime) as t:
        (found,) = await t.ready("web")
        assert not t.container(found, labels.SANDBOX).disconnected
        assert not runtime.named("tilt-p-services").disconnected


@pytest.mark.parametrize("ahead", [-3600.0, -0.9, 3600.0])
def test_an_engine_whose_clock_is_another_one_delays_no_restart_and_ends_no_pod(ahead: float):
    @virtual_time
    async def run():
        async with in_memory(FakeRuntime(lambda: unix_time() + ahead)) as t:
            await t.apply(
                workload("Deployment", "web", ""),
                pod("job", "", spec={"activeDeadlineSeconds": 300, "restartPolicy": "OnFailure"}),
            )
            (before,) = await t.ready("web")
            began = unix_time()
            for count in (1, 2):
                t.runtime.end(t.container(before).name, 1)
                await t.until(restarted(before, count))
            assert 9 < unix_time() - began < 12  # the first restart comes at once, the second after ten seconds
            assert (await t.get("Pod", "job"))["status"]["phase"] == "Running"
            started = seconds_of(
                statuses(await t.ready("web"))[before["metadata"]["uid"]]["state"]["running"]["startedAt"]
            )
            assert abs(started - unix_time()) < 2

    run()


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [("example.com/v1", "Widget"), ("apiextensions.k8s.io/v1", "CustomResourceDefinition")],
)
def test_what_only_a_cluster_can_do_is_refused_in_one_line(api_version, kind):
    @virtual_time
    async def run():
        async with in_memory() as t:
            with pytest.raises(ApplyError, match=f"`{kind}/x` needs a Kubernetes cluster"):
                await t.apply({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}})

    run()


@virtual_time
async def test_an_object_without_effect_is_kept_and_noted_once():
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "me"}}
    async with in_memory() as t:
        await t.apply(account, account)
        (event,) = await t.until(lambda events: events, "Event")
        assert event["message"] == "`ServiceAccount/me` is kept, and has no effect in the context `engine`"
        assert event["count"] == 1


@virtual_time
async def test_what_a_program_wrote_is_read_to_its_end():
    async with in_memory() as t:

        def talk(container):
            container.write(unix_time(), "hello")
            return 0

        t.runtime.programs = {"busybox": talk}
        await t.apply(pod("p", ""))
        await t.finished("p")
        assert await t.log("p") == "hello\n"


@virtual_time
async def test_a_container_that_somebody_kills_comes_back_in_its_pod():
    async with in_memory() as t:
        await t.apply(workload("Deployment", "web", ""))
        (before,) = await t.ready("web")
        for count, role in enumerate((labels.SANDBOX, "c"), 1):
            t.runtime.kill(t.container(before, role).id)
            await t.until(restarted(before, count))
            await t.ready("web")


class Nonsense(FakeRuntime):
    """An engine whose answers cannot be read."""

    async def containers(self, labels: Mapping[str, str]) -> list[Json]:  # noqa: ARG002 - as in the seam
        raise DockerApiError("no list", status=200)


@virtual_time
async def test_an_engine_that_answers_nonsense_is_an_error_of_its_own_and_no_bug():
    with pytest.raises(DockerApiError, match="no list"):
        async with in_memory(Nonsense(unix_time)):
            pass


class Stammering(FakeRuntime):
    """An engine whose first events cannot be read."""

    opened = 0

    async def events(self, labels: Mapping[str, str]) -> AsyncGenerator[ContainerEvent]:
        self.opened += 1
        if self.opened < 3:
            raise DockerApiError("no event", status=200)
        async for event in super().events(labels):
            yield event


@virtual_time
async def test_events_that_cannot_be_read_end_no_session():
    async with in_memory(Stammering(unix_time)) as t:
        await t.apply(workload("Deployment", "web", ""))
        await t.ready("web")
