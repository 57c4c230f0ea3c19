import asyncio
from contextlib import suppress

import pytest

from pytilt.engines.objects import labels
from tests.engines.trial import PATIENCE, Json, Trial, config, left, session, swept, trial, web, workload

pytestmark = pytest.mark.engine

SANDBOXES = {labels.ROLE: labels.SANDBOX}


def deployment(text: str, **template: object) -> Json:
    """A deployment that serves a text, and knows the name of its pod."""
    fields = {"env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}
    return workload("Deployment", "web", web(text), container=fields, template=dict(template))


async def sandboxes(t: Trial) -> set[str]:
    """The ids of the sandboxes of the project that run."""
    found = await t.runtime.containers({labels.PROJECT: t.project, **SANDBOXES})
    return {item["Id"] for item in found if item["State"] == "running"}


async def prepared(t: Trial, *objects: Json) -> str:
    """Announce objects; the sandbox that was started for them."""
    before = await sandboxes(t)
    await t.cluster.prepare(objects)
    async with asyncio.timeout(PATIENCE):
        while not (new := await sandboxes(t) - before):  # noqa: ASYNC110 - the engine is asked
            await asyncio.sleep(0.05)
    return new.pop()


async def count(t: Trial, number: int) -> None:
    """Wait until so many sandboxes run."""
    async with asyncio.timeout(PATIENCE):
        while len(await sandboxes(t)) != number:  # noqa: ASYNC110 - the engine is asked
            await asyncio.sleep(0.05)


async def test_a_pod_gets_the_sandbox_that_was_started_while_its_image_was_built(engine_host):
    async with trial(engine_host) as t:
        waiting = await prepared(t, deployment("first"))
        await t.apply(deployment("second"))
        pod = (await t.ready("web"))[0]
        assert await sandboxes(t) == {waiting}
        _, said = await t.run(pod, ["sh", "-c", "echo $POD; hostname; hostname -i; cat /w/index.html"])
        name = pod["metadata"]["name"]
        assert said.split() == [name, name, pod["status"]["podIP"], "second"]


async def test_the_next_template_gets_one_too_while_the_old_pod_serves(engine_host):
    async with trial(engine_host) as t:
        await t.apply(deployment("one"))
        old = (await t.ready("web"))[0]
        waiting = await prepared(t, deployment("two"))
        await t.apply(deployment("three"))
        await t.until(lambda pods: len(pods) == 1 and pods[0]["metadata"]["uid"] != old["metadata"]["uid"])
        new = (await t.ready("web"))[0]
        assert await t.run(new, ["cat", "/w/index.html"]) == (0, "three\n")
        await count(t, 1)
        assert await sandboxes(t) == {waiting}


async def test_a_pod_in_a_spare_sandbox_is_adopted_by_the_next_session(engine_host):
    async with swept(engine_host) as project:
        async with session(engine_host, project) as t:
            await prepared(t, deployment("first"))
            await t.apply(deployment("hello"))
            before = (await t.ready("web"))[0]
        async with session(engine_host, project) as t:
            after = (await t.ready("web"))[0]
            assert after["metadata"]["uid"] == before["metadata"]["uid"]
            assert after["status"]["containerStatuses"] == before["status"]["containerStatuses"]
            await t.delete(await t.get("Deployment", "web"))
            assert await left(t.runtime, project) == []


async def test_what_no_pod_comes_for_goes_with_an_unchanged_deployment_or_its_deletion_or_the_session(engine_host):
    async with swept(engine_host) as project:
        async with session(engine_host, project) as t:
            await t.apply(deployment("hello"))
            pod = (await t.ready("web"))[0]
            await prepared(t, deployment("hello"))
            await t.apply(deployment("hello"))
            await count(t, 1)
            assert await t.ready("web") == [pod]
            await prepared(t, deployment("other"))
        async with session(engine_host, project) as t:
            await count(t, 1)
            await prepared(t, deployment("other"))
            await t.delete(await t.get("Deployment", "web"))
            assert await left(t.runtime, project) == []


async def test_what_was_prepared_and_never_applied_leaves_nothing(engine_host):
    async with swept(engine_host) as project:
        async with session(engine_host, project) as t:
            await prepared(t, deployment("hello"))
            runtime = t.runtime
            assert await left(runtime, project)
        async with session(engine_host, project) as t:
            assert await left(t.runtime, project) == []


async def test_the_next_session_removes_what_a_killed_one_had_prepared(engine_host):
    async with swept(engine_host) as project:
        waiting = ""
        with suppress(InterruptedError):
            async with session(engine_host, project) as t:
                await t.apply(deployment("hello"))
                await t.ready("web")
                waiting = await prepared(t, deployment("other"))
                raise InterruptedError
        async with session(engine_host, project) as t:
            await count(t, 1)
            assert waiting not in await sandboxes(t)
            await t.ready("web")


async def test_a_pod_of_another_shape_gets_a_sandbox_of_its_own(engine_host):
    async with trial(engine_host) as t:
        waiting = await prepared(t, deployment("hello"))
        await t.apply(deployment("hello", hostAliases=[{"ip": "192.0.2.9", "hostnames": ["elsewhere"]}]))
        pod = (await t.ready("web"))[0]
        assert "elsewhere" in (await t.run(pod, ["cat", "/etc/hosts"]))[1]
        own = next(item for item in await t.runtime.containers({labels.POD_UID: pod["metadata"]["uid"], **SANDBOXES}))
        assert own["Id"] != waiting


async def test_a_spare_sandbox_that_somebody_killed_is_given_to_nobody(engine_host):
    async with trial(engine_host) as t:
        waiting = await prepared(t, deployment("hello"))
        await t.runtime.signal(waiting, "KILL")
        await count(t, 0)
        await t.apply(deployment("hello"))
        pod = (await t.ready("web"))[0]
        assert await t.run(pod, ["cat", "/w/index.html"]) == (0, "hello\n")


async def test_files_of_objects_that_came_meanwhile_are_in_the_volumes(engine_host):
    mounted = {"volumes": [{"name": "v", "configMap": {"name": "m"}}]}
    fields = {"volumeMounts": [{"name": "v", "mountPath": "/m"}]}
    async with trial(engine_host) as t:
        wanted = workload("Deployment", "web", web("hello"), container=fields, template=mounted)
        await t.apply(config("m", a="old"))
        waiting = await prepared(t, wanted)
        await t.apply(config("m", a="new"), wanted)
        pod = (await t.ready("web"))[0]
        assert await sandboxes(t) == {waiting}
        assert await t.run(pod, ["cat", "/m/a"]) == (0, "new")
