import asyncio
from contextlib import aclosing

import pytest

from pytilt.cluster.seam import ByteStream, ChangeType, Cluster, ContainerRef, Containers, ObjectRef
from pytilt.errors import ApplyError, ClusterUnreachableError
from pytilt.testing.cluster import FakeCluster
from pytilt.testing.containers import FakeConnection, FakeContainers, FakeExec

MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "colors"}, "data": {"a": "red"}}
REF = ObjectRef(api_version="v1", kind="ConfigMap", name="colors")
WEB = ContainerRef(namespace="default", pod="web", container="main")


async def test_the_fakes_implement_the_seam():
    cluster: Cluster = FakeCluster()
    containers: Containers = FakeContainers()
    assert (await cluster.info()).product == "kind"
    assert containers


async def test_what_is_applied_is_stored_with_an_id_that_stays():
    cluster = FakeCluster()
    first = await cluster.apply(MAP, timeout=1)
    second = await cluster.apply({**MAP, "data": {"a": "blue"}}, timeout=1)
    assert first["metadata"]["uid"] == second["metadata"]["uid"]
    assert first["metadata"]["resourceVersion"] != second["metadata"]["resourceVersion"]
    assert (await cluster.get(REF)) == second
    assert second["metadata"]["namespace"] == "default"


async def test_a_watch_yields_what_is_there_then_what_changes():
    cluster = FakeCluster()
    await cluster.apply(MAP, timeout=1)
    async with aclosing(cluster.watch("v1", "ConfigMap")) as changes:
        assert [(await anext(changes)).type for _ in range(2)] == [ChangeType.ADDED, ChangeType.LISTED]
        await cluster.apply(MAP, timeout=1)
        assert await cluster.delete(REF)
        assert [(await anext(changes)).type for _ in range(2)] == [ChangeType.MODIFIED, ChangeType.DELETED]
        cluster.reconnect()
        assert (await anext(changes)).type is ChangeType.LISTED
    assert cluster.watched == ()
    assert not await cluster.delete(REF)


async def test_a_refused_object_and_an_unreachable_cluster_raise():
    cluster = FakeCluster()
    cluster.refuse("ConfigMap/colors", "no")
    with pytest.raises(ApplyError, match="ConfigMap/colors: no"):
        await cluster.apply(MAP, timeout=1)
    cluster.unreachable = "gone"
    with pytest.raises(ClusterUnreachableError, match="gone"):
        await cluster.get(REF)


async def test_a_pod_has_the_labels_and_the_id_of_its_owner():
    cluster = FakeCluster()
    template = {"metadata": {"labels": {"app": "web"}}}
    owner = cluster.put(
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "w"}, "spec": {"template": template}}
    )
    pod = cluster.add_pod("w-1", owner=owner)
    assert pod["metadata"]["labels"] == {"app": "web"}
    assert pod["metadata"]["ownerReferences"][0]["uid"] == owner["metadata"]["uid"]


async def test_a_command_is_played_by_the_test():
    containers = FakeContainers()

    async def shout(command: FakeExec) -> int:
        command.write((await command.read()).upper())
        return 3

    containers.answer_exec(shout)
    async with containers.exec(WEB, ["shout"]) as stream:
        await stream.send(b"hello")
        assert await stream.receive() == (1, b"HELLO")
        with pytest.raises(EOFError):
            await stream.receive()
        assert stream.exit_status == 3
    assert containers.commands == [(WEB, ("shout",))]


async def test_a_connection_is_played_by_the_test_and_ends_with_it():
    containers = FakeContainers()

    async def echo(connection: FakeConnection) -> None:
        connection.write(await connection.read())

    containers.answer_forward(echo)
    stream: ByteStream
    async with containers.forward("default", "web", 80) as stream:
        await stream.send(b"ping")
        assert [await stream.receive(), await stream.receive()] == [b"ping", b""]


async def test_a_log_is_followed_until_it_ends():
    containers = FakeContainers()
    containers.write_log(WEB, "one")
    seen: list[str] = []

    async def follow() -> None:
        async with aclosing(containers.logs(WEB)) as lines:
            seen.extend([text async for _, text in lines])

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(follow())
        await asyncio.sleep(0)
        containers.write_log(WEB, "two")
        containers.end_log(WEB)
    assert seen == ["one\n", "two\n"]
