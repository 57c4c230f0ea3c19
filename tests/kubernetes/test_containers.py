from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from pytilt.cluster.seam import ContainerRef, Containers
from pytilt.errors import ClusterUnreachableError, SyncError
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.cluster import KubernetesCluster
from pytilt.kubernetes.containers import KubernetesContainers

SERVE = "echo hello > /tmp/index.html; exec httpd -f -p 8080 -h /tmp"
TWO_RUNS = """
n=$(cat /data/n 2>/dev/null || echo 0)
echo $((n+1)) > /data/n
for i in 1 2 3; do echo run $n line $i; done
[ $n = 1 ]
"""


@pytest.fixture
async def containers(real_api: KubernetesApi) -> AsyncIterator[KubernetesContainers]:
    async with KubernetesContainers(real_api) as opened:
        yield opened


async def start(api: KubernetesApi, name: str, script: str, **spec: Any) -> ContainerRef:
    """Start a pod that runs a shell script."""
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", script]} | spec.pop("container", {})
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container], **spec},
    }
    await KubernetesCluster(api).apply(pod, timeout=30)
    return ContainerRef(namespace=api.connection.namespace, pod=name, container="main")


async def test_a_log_over_a_restart_of_its_container_has_neither_gap_nor_double(
    real_api: KubernetesApi, containers: KubernetesContainers
):
    mounted = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    volumes = [{"name": "data", "emptyDir": {}}]
    ref = await start(real_api, "twice", TWO_RUNS, container=mounted, volumes=volumes, restartPolicy="OnFailure")
    seen: list[tuple[str, str]] = []
    while len(seen) < 6:
        since = seen[-1][0] if seen else ""
        async with aclosing(containers.logs(ref, since=since)) as lines:
            seen += [line async for line in lines if line[0] > since]
    assert [text for _, text in seen] == [f"run {run} line {line}\n" for run in (0, 1) for line in (1, 2, 3)]
    assert [time for time, _ in seen] == sorted(time for time, _ in seen)


async def test_a_command_stays_open_for_a_hundred_round_trips(
    real_api: KubernetesApi, containers: KubernetesContainers
):
    ref = await start(real_api, "echo", "echo up; sleep 1000")
    await first_line(containers, ref)
    seam: Containers = containers
    async with seam.exec(ref, ["cat"]) as stream:
        for number in range(100):
            message = f"{number:1024}".encode()
            await stream.send(message)
            answer = b""
            while len(answer) < len(message):
                channel, data = await stream.receive()
                assert channel == 1
                answer += data
            assert answer == message


async def test_commands_return_both_outputs_and_how_they_ended(
    real_api: KubernetesApi, containers: KubernetesContainers
):
    ref = await start(real_api, "commands", "echo up; sleep 1000")
    await first_line(containers, ref)
    async with containers.exec(ref, ["sh", "-c", "echo out; echo err >&2; exit 3"]) as stream:
        said = dict([await stream.receive(), await stream.receive()])
        with pytest.raises(EOFError):
            await stream.receive()
        assert (said, stream.exit_status) == ({1: b"out\n", 2: b"err\n"}, 3)
    async with containers.exec(ref, ["no-such-command"]) as stream:
        with pytest.raises(SyncError, match="has no command `no-such-command`"):
            await stream.receive()
    with pytest.raises(SyncError, match='pods "nowhere" not found'):
        async with containers.exec(ContainerRef(namespace=ref.namespace, pod="nowhere", container="main"), ["ls"]):
            pass


async def test_a_container_that_has_ended_runs_no_command(real_api: KubernetesApi, containers: KubernetesContainers):
    ref = await start(real_api, "done", "echo done", restartPolicy="Never")
    async with aclosing(containers.logs(ref)) as lines:
        assert [text async for _, text in lines] == ["done\n"]
    with pytest.raises(SyncError, match="cannot run `ls` in container `main` of pod `done`"):
        async with containers.exec(ref, ["ls"]) as stream:
            await stream.receive()


async def test_a_port_is_forwarded(real_api: KubernetesApi, containers: KubernetesContainers):
    ref = await start(real_api, "web", f"echo up; {SERVE}")
    await first_line(containers, ref)
    async with containers.forward(ref.namespace, "web", 8080) as connection:
        await connection.send(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while data := await connection.receive():
            answer += data
    assert b"200 OK" in answer
    assert answer.endswith(b"hello\n")
    async with containers.forward(ref.namespace, "web", 81) as connection:
        with pytest.raises(ClusterUnreachableError, match="nothing listens at port 81 of pod `web`"):
            await connection.receive()
    with pytest.raises(ClusterUnreachableError, match="no pod `nowhere`"):
        async with containers.forward(ref.namespace, "nowhere", 80):
            pass


async def first_line(containers: KubernetesContainers, ref: ContainerRef) -> None:
    async with aclosing(containers.logs(ref)) as lines:
        await anext(lines)
