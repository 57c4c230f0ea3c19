"""Spare sandboxes on a container runtime in memory; the last test shows on engines that a pod can live in one."""

import asyncio
from contextlib import suppress

import pytest

from pytilt.engines.objects import labels
from pytilt.testing.runtime import FakeRuntime
from tests.engines.memory import MemoryTrial, in_memory
from tests.engines.trial import Json, Trial, config, left, session, swept, web, workload
from tests.virtual_time import unix_time, until, virtual_time

SANDBOXES = {labels.ROLE: labels.SANDBOX}


def deployment(image: str, **template: object) -> Json:
    """A deployment whose program knows the name of its pod."""
    fields = {"image": image, "env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}
    return workload("Deployment", "web", "", container=fields, template=dict(template))


async def sandboxes(t: Trial) -> set[str]:
    """The ids of the sandboxes of the project that run."""
    found = await t.runtime.containers({labels.PROJECT: t.project, **SANDBOXES})
    return {item["Id"] for item in found if item["State"] == "running"}


async def prepared(t: Trial, *objects: Json) -> str:
    """Announce objects; the sandbox that was started for them."""
    before = await sandboxes(t)
    await t.cluster.prepare(objects)
    async with asyncio.timeout(t.patience):
        while not (new := await sandboxes(t) - before):  # noqa: ASYNC110 - the engine is asked
            await asyncio.sleep(0.05)
    return new.pop()


async def count(t: MemoryTrial, number: int) -> None:
    """Wait until so many sandboxes run."""
    mine = [each for each in t.runtime.all.values() if each.labels.get(labels.ROLE) == labels.SANDBOX]
    await until(lambda: sum(each.running for each in mine) == number)
    assert len(await sandboxes(t)) == number


@virtual_time
async def test_a_pod_gets_the_sandbox_that_was_started_while_its_image_was_built():
    async with in_memory() as t:
        waiting = await prepared(t, deployment("first"))
        await t.apply(deployment("second"))
        pod = (await t.ready("web"))[0]
        assert await sandboxes(t) == {waiting}
        name, sandbox, container = pod["metadata"]["name"], t.runtime.all[waiting], t.container(pod)
        assert sandbox.request["Hostname"] == container.environment["POD"] == name
        assert pod["status"]["podIP"] == sandbox.address
        assert container.request["Image"] == "second"


@virtual_time
async def test_the_next_template_gets_one_too_while_the_old_pod_serves():
    async with in_memory() as t:
        await t.apply(deployment("one"))
        old = (await t.ready("web"))[0]
        waiting = await prepared(t, deployment("two"))
        await t.apply(deployment("three"))
        await t.until(lambda pods: len(pods) == 1 and pods[0]["metadata"]["uid"] != old["metadata"]["uid"])
        new = (await t.ready("web"))[0]
        assert t.container(new).request["Image"] == "three"
        assert await sandboxes(t) == {waiting}


@virtual_time
async def test_a_pod_in_a_spare_sandbox_is_adopted_by_the_next_session():
    runtime = FakeRuntime(unix_time)
    async with in_memory(runtime) as t:
        await prepared(t, deployment("first"))
        await t.apply(deployment("hello"))
        before = (await t.ready("web"))[0]
    async with in_memory(runtime) as t:
        after = (await t.ready("web"))[0]
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert after["status"]["containerStatuses"] == before["status"]["containerStatuses"]
        await t.delete(await t.get("Deployment", "web"))
        assert await left(runtime, t.project) == []


@virtual_time
async def test_what_no_pod_comes_for_goes_with_an_unchanged_deployment_or_its_deletion_or_the_session():
    runtime = FakeRuntime(unix_time)
    async with in_memory(runtime) as t:
        await t.apply(deployment("hello"))
        pod = (await t.ready("web"))[0]
        await prepared(t, deployment("hello"))
        await t.apply(deployment("hello"))
        await count(t, 1)
        assert await t.ready("web") == [pod]
        await prepared(t, deployment("other"))
    async with in_memory(runtime) as t:
        await count(t, 1)
        await prepared(t, deployment("other"))
        await t.delete(await t.get("Deployment", "web"))
        assert await left(runtime, t.project) == []


@virtual_time
async def test_what_was_prepared_and_never_applied_leaves_nothing():
    runtime = FakeRuntime(unix_time)
    async with in_memory(runtime) as t:
        await prepared(t, deployment("hello"))
        assert await left(runtime, t.project)
    assert await left(runtime, t.project) == []


@virtual_time
async def test_the_next_session_removes_what_a_killed_one_had_prepared():
    runtime, waiting = FakeRuntime(unix_time), ""
    with suppress(InterruptedError):
        async with in_memory(runtime) as t:
            await t.apply(deployment("hello"))
            await t.ready("web")
            waiting = await prepared(t, deployment("other"))
            raise InterruptedError
    async with in_memory(runtime) as t:
        await until(lambda: waiting not in runtime.all)
        await count(t, 1)
        await t.ready("web")


@virtual_time
async def test_a_pod_of_another_shape_gets_a_sandbox_of_its_own():
    async with in_memory() as t:
        waiting = await prepared(t, deployment("hello"))
        await t.apply(deployment("hello", hostAliases=[{"ip": "192.0.2.9", "hostnames": ["elsewhere"]}]))
        own = t.container((await t.ready("web"))[0], labels.SANDBOX)
        assert own.id != waiting
        assert own.request["HostConfig"]["ExtraHosts"] == ["elsewhere:192.0.2.9"]


@virtual_time
async def test_a_spare_sandbox_that_somebody_killed_is_given_to_nobody():
    async with in_memory() as t:
        waiting = await prepared(t, deployment("hello"))
        t.runtime.kill(waiting)
        await until(lambda: waiting not in t.runtime.all)
        await t.apply(deployment("hello"))
        pod = (await t.ready("web"))[0]
        assert t.container(pod, labels.SANDBOX).running


@virtual_time
async def test_spare_sandboxes_are_given_up_when_the_engine_was_away():
    async with in_memory() as t:
        waiting = await prepared(t, deployment("hello"))
        t.runtime.go_away()
        await asyncio.sleep(5)
        t.runtime.come_back()
        await until(lambda: waiting not in t.runtime.all)
        await t.apply(deployment("hello"))
        await t.ready("web")


@virtual_time
async def test_files_of_objects_that_came_meanwhile_are_in_the_volumes():
    mounted = {"volumes": [{"name": "v", "configMap": {"name": "m"}}]}
    fields = {"volumeMounts": [{"name": "v", "mountPath": "/m"}]}
    async with in_memory() as t:
        wanted = workload("Deployment", "web", "", container=fields, template=mounted)
        await t.apply(config("m", a="old"))
        waiting = await prepared(t, wanted)
        await t.apply(config("m", a="new"), wanted)
        pod = (await t.ready("web"))[0]
        assert await sandboxes(t) == {waiting}
        assert b"new" in t.container(pod, labels.SANDBOX).files.values()


@pytest.mark.engine
async def test_a_pod_in_a_spare_sandbox_serves_and_outlives_its_session(engine_host):
    fields = {"env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}

    def serving(text: str) -> Json:
        return workload("Deployment", "web", web(text), container=fields)

    async with swept(engine_host) as project:
        async with session(engine_host, project) as t:
            waiting = await prepared(t, serving("first"))
            await t.apply(serving("second"))
            before = (await t.ready("web"))[0]
            assert await sandboxes(t) == {waiting}
            _, said = await t.run(before, ["sh", "-c", "echo $POD; hostname; hostname -i; cat /w/index.html"])
            name = before["metadata"]["name"]
            assert said.split() == [name, name, before["status"]["podIP"], "second"]
        async with session(engine_host, project) as t:
            after = (await t.ready("web"))[0]
            assert after["status"]["containerStatuses"] == before["status"]["containerStatuses"]
            await t.delete(await t.get("Deployment", "web"))
            assert await left(t.runtime, project) == []
