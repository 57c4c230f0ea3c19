"""A project on a real engine for one test, and what the tests ask of it."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pytilt.cluster.seam import ContainerRef
from pytilt.docker.address import EngineAddress
from pytilt.docker.api import DockerApi
from pytilt.docker.runtime import DockerRuntime
from pytilt.docker.seam import ContainerRuntime
from pytilt.engines.cluster import EngineCluster, engine_cluster
from pytilt.engines.network.services import INGRESS_PORT
from pytilt.engines.objects import labels
from pytilt.engines.objects.fields import condition, key_of
from pytilt.model.clusters import ObjectRef
from pytilt.model.resources import KubeObject
from tests.engines import mutation

PATIENCE = 20.0
"""Seconds: a hundred times what most steps take."""
KILL_SECONDS = 1.0
"""Podman answers once it saw that a container ended, and it does not see that of one that is started again at once."""

Json = dict[str, Any]


class Trial:
    """A cluster under test."""

    def __init__(
        self, cluster: EngineCluster, runtime: ContainerRuntime, project: str, *, patience: float = PATIENCE
    ) -> None:
        self.patience = min(patience, mutation.PATIENCE) if mutation.is_on() else patience
        self.cluster = cluster
        self.runtime = runtime
        self.project = project

    async def apply(self, *objects: Json) -> list[KubeObject]:
        return [await self.cluster.apply(mutation.applied(obj), timeout=self.patience) for obj in objects]

    async def delete(self, obj: KubeObject, *, wait: bool = True) -> bool:
        metadata = obj["metadata"]
        ref = ObjectRef(
            api_version=obj["apiVersion"],
            kind=obj["kind"],
            name=metadata["name"],
            namespace=metadata.get("namespace", ""),
        )
        return await self.cluster.delete(ref, wait=wait)

    async def get(self, kind: str, name: str) -> KubeObject:
        found = await self.cluster.get(ObjectRef(api_version="", kind=kind, name=name))
        assert found is not None, f"there is no {kind}/{name}"
        return found

    async def names(self, kind: str) -> list[str]:
        return [item["metadata"]["name"] for item in await self.until(lambda _: True, kind)]

    async def until(self, holds: Any, kind: str = "Pod") -> list[KubeObject]:
        """Wait until something holds of all objects of a kind."""
        known: dict[Any, KubeObject] = {}
        async with asyncio.timeout(self.patience):
            changes = self.cluster.watch("v1", kind)
            listed = False
            async for change in changes:
                listed = listed or change.type == "LISTED"
                if change.object:
                    known[key_of(change.object)] = change.object
                    if change.type == "DELETED":
                        del known[key_of(change.object)]
                if listed and holds(list(known.values())):
                    await changes.aclose()  # type: ignore[attr-defined] # it is a generator
                    return list(known.values())
        raise AssertionError("the watch ended")

    async def ready(self, app: str, count: int = 1, **more: str) -> list[KubeObject]:
        """Wait until exactly so many pods of an app are there, and all are ready."""
        wanted = {"app": app, **more}

        def holds(pods: list[KubeObject]) -> bool:
            of_app = [pod for pod in pods if wanted.items() <= (pod["metadata"].get("labels") or {}).items()]
            return len(of_app) == count and all(condition(pod, "Ready") == "True" for pod in of_app)

        pods = await self.until(holds)
        return [pod for pod in pods if (pod["metadata"].get("labels") or {}).get("app") == app]

    async def finished(self, name: str) -> KubeObject:
        """Wait until a pod's work is done."""

        def of_name(pods: list[KubeObject]) -> list[KubeObject]:
            done = ("Succeeded", "Failed")
            return [p for p in pods if p["metadata"]["name"] == name and p.get("status", {}).get("phase") in done]

        return of_name(await self.until(of_name))[0]

    async def log(self, pod: str, container: str = "c", namespace: str = "default") -> str:
        ref = ContainerRef(namespace=namespace, pod=pod, container=container)
        async with asyncio.timeout(self.patience):
            return "".join([text async for _, text in self.cluster.containers.logs(ref)])

    async def run(self, pod: KubeObject, argv: list[str], container: str = "c") -> tuple[int | None, str]:
        """Run a command in a pod to its end."""
        metadata = pod["metadata"]
        ref = ContainerRef(namespace=metadata["namespace"], pod=metadata["name"], container=container)
        output = b""
        async with asyncio.timeout(self.patience), self.cluster.containers.exec(ref, argv) as stream:
            while True:
                try:
                    output += (await stream.receive())[1]
                except EOFError:
                    return stream.exit_status, output.decode()

    async def kill(self, container: Json) -> None:
        """Kill a container from outside, as the engine lists it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KILL_SECONDS):
                await self.runtime.signal(container["Id"], "KILL")

    async def says(self, name: str, script: str, *, spec: Json | None = None, container: Json | None = None) -> str:
        """Run a script as a pod to its end; what it wrote. The test fails if the script does."""
        await self.apply(pod(name, script, spec=spec, container=container))
        done = await self.finished(name)
        said = await self.log(name)
        assert done["status"]["phase"] == "Succeeded", f"{done['status']}\n{said}"
        return said


def pod(name: str, script: str, *, spec: Json | None = None, container: Json | None = None) -> Json:
    """A pod that runs a script once."""
    first = {"name": "c", "image": "busybox", "command": ["sh", "-c", script]} | (container or {})
    rest = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0} | (spec or {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [first], **rest},
    }


def workload(
    kind: str, name: str, script: str, *, container: Json | None = None, template: Json | None = None, **spec: Any
) -> Json:
    """A workload of pods that run a script."""
    made = pod(name, script, spec={"restartPolicy": "Always", **(template or {})}, container=container)
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": made["spec"]},
            **spec,
        },
    }


def service(name: str, **spec: Any) -> Json:
    """A Service of an app, from port 80 to 8080."""
    rest: Mapping[str, object] = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": dict(rest)}


def web(text: str, port: int = 8080) -> str:
    """A script that serves a text."""
    return f"mkdir -p /w; echo {text} > /w/index.html; exec httpd -f -p {port} -h /w"


def fetch(url: str) -> str:
    """A script that prints what an address serves."""
    return f"timeout 5 wget -q -O- {url}"


@asynccontextmanager
async def session(engine_host: str, project: str, ingress_port: int = INGRESS_PORT) -> AsyncIterator[Trial]:
    """One session of a project."""
    async with DockerApi(EngineAddress(url=engine_host)) as api:
        runtime = DockerRuntime(api)
        async with engine_cluster(runtime, project, ingress_port=ingress_port) as cluster:
            yield Trial(cluster, runtime, project)


@asynccontextmanager
async def swept(engine_host: str) -> AsyncIterator[str]:
    """The id of a project for several sessions, of which nothing is left afterwards."""
    project = secrets.token_hex(4)
    try:
        yield project
    finally:
        await sweep(engine_host, project)


@asynccontextmanager
async def trial(engine_host: str, ingress_port: int = INGRESS_PORT) -> AsyncIterator[Trial]:
    """The only session of a project, of which nothing is left afterwards."""
    async with swept(engine_host) as project, session(engine_host, project, ingress_port=ingress_port) as opened:
        yield opened


async def sweep(engine_host: str, project: str) -> None:
    """Remove all of a project without asking it."""
    async with DockerApi(EngineAddress(url=engine_host)) as api:
        runtime, mine = DockerRuntime(api), {labels.PROJECT: project}
        containers = await runtime.containers(mine)
        for last in (False, True):  # Podman keeps a sandbox as long as others live in it
            async with asyncio.TaskGroup() as tasks:
                for container in containers:
                    if (container["Labels"].get(labels.ROLE) == labels.SANDBOX) is last:
                        tasks.create_task(runtime.remove(container["Id"]))
        async with asyncio.TaskGroup() as tasks:
            for volume in await runtime.volumes(mine):
                tasks.create_task(runtime.remove_volume(volume["Name"]))
        for network in await runtime.networks(mine):
            await runtime.remove_network(network["Id"])


async def left(runtime: ContainerRuntime, project: str) -> list[str]:
    """The names of all that a project has in the engine."""
    mine = {labels.PROJECT: project}
    containers = [name for item in await runtime.containers(mine) for name in item["Names"]]
    networks = [item["Name"] for item in await runtime.networks(mine)]
    return [*containers, *networks, *(item["Name"] for item in await runtime.volumes(mine))]


def proves(kind: str, *fields: str) -> pytest.MarkDecorator:
    """Mark a test that fails when one of these fields is ignored: rows of `docs/engine.md`; see `mutation`."""
    return pytest.mark.proves(kind, *fields)


def config(name: str, kind: str = "ConfigMap", **data: str) -> Json:
    """A ConfigMap, or a Secret."""
    field = "data" if kind == "ConfigMap" else "stringData"
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, field: data}
