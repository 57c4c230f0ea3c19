import asyncio
import re
import time
from contextlib import aclosing

import pytest

from pytilt.cluster.seam import ContainerRef
from pytilt.engines.objects import labels
from pytilt.errors import SyncError
from pytilt.model.times import seconds_of
from tests.engines.conftest import PODMAN
from tests.engines.trial import config, fetch, left, pod, service, session, swept, trial, web, workload

pytestmark = pytest.mark.engine

SLEEP = "trap exit TERM; while :; do sleep 1000 & wait; done"


async def test_a_deployment_is_served_under_its_services_names_and_goes_without_a_trace(engine_host):
    async with trial(engine_host) as t:
        await t.apply(service("web"), workload("Deployment", "web", web("hello")))
        await t.ready("web")
        names = ("web", "web.default", "web.default.svc", "web.default.svc.cluster.local")
        assert await t.says("client", "; ".join(fetch(f"http://{name}/") for name in names)) == "hello\n" * 4
        for kind, name in (("Deployment", "web"), ("Service", "web"), ("Pod", "client")):
            await t.delete(await t.get(kind, name))
        assert await left(t.runtime, t.project) == []


async def test_a_new_template_is_served_without_a_failed_request(engine_host):
    async with trial(engine_host) as t:
        readiness = {"readinessProbe": {"httpGet": {"port": 8080}, "periodSeconds": 1}}
        await t.apply(service("web"), workload("Deployment", "web", web("one"), container=readiness))
        await t.ready("web")
        loop = f"while :; do {fetch('http://web/')} || echo failed; done"
        await t.apply(pod("client", loop, spec={"restartPolicy": "Always"}))
        await t.ready("client")
        await t.apply(workload("Deployment", "web", web("two"), container=readiness))

        def renewed(sets):
            return [item["status"].get("availableReplicas") for item in sets if item.get("status")] == [1]

        await t.until(lambda sets: len(sets) == 2, "ReplicaSet")
        await t.until(renewed, "ReplicaSet")
        client = await t.get("Pod", "client")
        seen: list[str] = []
        async with aclosing(t.cluster.containers.logs(_ref(client))) as lines:
            async for _, text in lines:
                seen.append(text.strip())
                if seen[-1] == "two":
                    break
        assert set(seen) == {"one", "two"}


async def test_a_service_serves_on_while_the_next_session_adopts_its_pods(engine_host):
    readiness = {"readinessProbe": {"httpGet": {"port": 8080}, "periodSeconds": 1}}
    async with swept(engine_host) as project:
        async with session(engine_host, project) as t:
            await t.apply(service("web"), workload("Deployment", "web", web("hello"), container=readiness))
            before = (await t.ready("web"))[0]
            await t.apply(pod("client", f"while :; do {fetch('http://web/')} || echo failed; done"))
            await t.ready("client")
        async with session(engine_host, project) as t:
            after = (await t.ready("web"))[0]
            assert after["status"]["containerStatuses"] == before["status"]["containerStatuses"]
            await t.apply(service("other"))
            seen: list[str] = []
            async with aclosing(t.cluster.containers.logs(_ref(await t.get("Pod", "client")))) as lines:
                async for stamp, text in lines:
                    seen.append(text)
                    if seconds_of(stamp) > time.time() - 0.2:
                        break
            assert set(seen) == {"hello\n"}


async def test_objects_are_found_again_and_secrets_are_not_lying_about(engine_host):
    async with swept(engine_host) as project:
        async with session(engine_host, project) as t:
            await t.apply(config("m", a="old"), config("s", "Secret", a="hush"))
            await t.apply(config("m", a="new"))
            listed = await t.runtime.volumes({labels.PROJECT: project})
            assert "new" in str(listed)
            assert "old" not in str(listed)
            assert "hush" not in str(listed) + str(await t.runtime.containers({labels.PROJECT: project}))
        async with session(engine_host, project) as t:
            assert (await t.get("ConfigMap", "m"))["data"] == {"a": "new"}
            assert (await t.get("Secret", "s"))["stringData"] == {"a": "hush"}
            for kind, name in (("ConfigMap", "m"), ("Secret", "s")):
                await t.delete(await t.get(kind, name))
            assert await left(t.runtime, project) == []


async def test_an_image_that_cannot_be_had_is_shown_as_such(engine_host):
    async with trial(engine_host) as t:
        await t.apply(pod("lost", "true", container={"image": "localhost:5001/nowhere:1"}))

        def waits(pods):
            statuses = [status for item in pods for status in item.get("status", {}).get("containerStatuses", ())]
            return [
                s["state"]["waiting"] for s in statuses if s["state"].get("waiting", {}).get("reason") == "ErrImagePull"
            ]

        (waiting,) = waits(await t.until(waits))
        assert re.search("not found|manifest unknown", waiting["message"])


async def test_a_changed_config_map_reaches_a_running_pod(engine_host):
    async with trial(engine_host) as t:
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1"}}
        volumes = {"volumes": [{"name": "v", "configMap": {"name": "settings"}}]}
        mounts = {"volumeMounts": [{"name": "v", "mountPath": "/etc/settings"}]}
        await t.apply(config, pod("reader", SLEEP, spec=volumes, container=mounts))
        (reader,) = await t.ready("reader")
        await t.apply(config | {"data": {"a": "2", "b": "3"}})
        # The files come one after the other.
        look = 'cd /etc/settings; until [ "$(cat a b 2>/dev/null)" = 23 ]; do :; done; cat b; ls'
        assert await t.run(reader, ["sh", "-c", look]) == (0, "3a\nb\n")


async def test_what_is_killed_from_outside_comes_back(engine_host):
    async with trial(engine_host) as t:
        await t.apply(workload("Deployment", "web", web("hello")), service("web"))
        (before,) = await t.ready("web")
        (forwarder,) = await t.runtime.containers({labels.PROJECT: t.project, labels.ROLE: labels.FORWARDER})
        await t.kill(forwarder)
        assert await t.run(before, ["sh", "-c", f"until {fetch('http://web/')}; do :; done"]) == (0, "hello\n")
        mine = {labels.POD_UID: before["metadata"]["uid"], labels.ROLE: labels.SANDBOX}
        (sandbox,) = await t.runtime.containers(mine)
        await t.kill(sandbox)

        def again(pods):
            return any(
                status["restartCount"] == 1 and status["ready"]
                for item in pods
                for status in item.get("status", {}).get("containerStatuses", ())
            )

        (after,) = await t.until(again)
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert await t.says("client", fetch("http://web/")) == "hello\n"


async def test_a_program_that_ended_is_logged_to_its_last_line(engine, engine_host):
    async with trial(engine_host) as t:
        await t.says("talker", "echo one; echo two; echo three; head -c 100000 /dev/zero | tr '\\0' x; echo; exit 0")
        ref = _ref(await t.get("Pod", "talker"))
        lines = [line async for line in t.cluster.containers.logs(ref)]
        since = [text async for _, text in t.cluster.containers.logs(ref, since=lines[1][0])]
        long = "x" * 100000 + "\n"
        assert [text for _, text in lines] == ["one\n", "two\n", "three\n", long]
        assert since[-3:] == ["two\n", "three\n", long]
        assert engine == PODMAN or len(since) == 3  # Podman's times are whole seconds


async def test_commands_and_connections_reach_into_a_pod(engine_host):
    async with trial(engine_host) as t:
        await t.apply(pod("p", "mkdir /w; echo inside > /w/index.html; exec httpd -f -p 127.0.0.1:8080 -h /w"))
        (found,) = await t.ready("p")
        with pytest.raises(SyncError, match="nosuch"):
            await t.run(found, ["nosuch"])
        await t.run(found, ["sh", "-c", "until wget -q -O- http://127.0.0.1:8080/; do :; done"])
        async with asyncio.timeout(10), t.cluster.containers.forward("default", "p", 8080) as stream:
            await stream.send(b"GET / HTTP/1.0\r\n\r\n")
            answer = b""
            while piece := await stream.receive():
                answer += piece
        assert answer.endswith(b"inside\n")


def _ref(found):
    return ContainerRef(namespace="default", pod=found["metadata"]["name"], container="c")
