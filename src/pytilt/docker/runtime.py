"""The container runtime behind the Docker Engine API; foreign errors are mapped here."""

import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any

import msgspec

from pytilt.docker import answers
from pytilt.docker.answers import Fields, fields, read_message, shaped
from pytilt.docker.api import DockerApi, path
from pytilt.docker.executions import Demultiplexer, DockerExecution, reached
from pytilt.docker.seam import ContainerEvent, Json, Removal
from pytilt.errors import DockerApiError, SyncError
from pytilt.http.line_buffer import LineBuffer

EVENTS = ["start", "die", "oom", "destroy", "died", "remove"]
"""What can happen to a container that a pod has to know of. Podman filters by its own words, `died` and `remove`, and
says `die` then all the same."""

_EXHAUSTED = re.compile(r"address pool|predefined address pools|could not find free subnet")
"""How Docker and Podman say that they have no addresses left for another network: Docker has 31 at first."""

_OVERLAPS = re.compile(r"overlaps|is already used|conflicts with")
_SUBNETS_TRIED = 20


class _Actor(msgspec.Struct, frozen=True, rename="pascal"):
    id: str = msgspec.field(name="ID", default="")
    attributes: dict[str, str] | None = None


class _EngineEvent(msgspec.Struct, frozen=True, rename="pascal"):
    action: str = ""
    actor: _Actor = _Actor()
    type: str = ""


class DockerRuntime:
    """The seam `ContainerRuntime` on Docker and on Podman.

    Args:
        api: the engine.
    """

    def __init__(self, api: DockerApi) -> None:
        self._api = api

    async def _ask(self, method: str, where: str, shape: object = Json, **more: Any) -> Json:  # noqa: ANN401 - handed on as they are
        """One request; the answer's body as JSON of a shape, empty if there is none."""
        with reached():
            answer = await self._api.request(method, where, **more)
        return fields(shaped(answer.decode(Json), shape)) if answer.body.startswith(b"{") else Fields()

    async def _find(self, where: str, shape: object) -> Json | None:
        """GET something that may not be there."""
        try:
            return await self._ask("GET", where, shape)
        except DockerApiError as error:
            if error.status == 404:
                return None
            raise

    async def create(self, name: str, request: Json) -> str:
        """Create a container; one of that name that is left from an interrupted try is replaced. Returns its id."""
        try:
            answer = await self._ask("POST", "/containers/create", answers.NewId, params={"name": name}, json=request)
        except DockerApiError as error:
            if error.status != 409:
                raise
            await self.remove(name)
            answer = await self._ask("POST", "/containers/create", answers.NewId, params={"name": name}, json=request)
        return str(answer["Id"])

    async def start(self, container: str) -> None:
        """Start a container; one that runs stays as it is."""
        await self._ask("POST", path("containers", container, "start"))

    async def stop(self, container: str, grace: int) -> None:
        """Stop a container, killing it after `grace` seconds; one that is gone or has ended is fine."""
        try:
            await self._ask("POST", path("containers", container, "stop"), params={"t": max(0, grace)})
        except DockerApiError as error:
            if error.status not in (304, 404, 409):
                raise

    async def signal(self, container: str, signal: str) -> None:
        """Send a signal to a container's first process."""
        await self._ask("POST", path("containers", container, "kill"), params={"signal": signal})

    async def remove(self, container: str) -> None:
        """Remove a container, running or not; one that is gone is fine."""
        try:
            await self._ask("DELETE", path("containers", container), params={"force": True, "v": True})
        except DockerApiError as error:
            if error.status not in (404, 409):
                raise

    async def inspect(self, container: str) -> Json | None:
        """All that the engine knows of a container, None if there is no such."""
        return await self._find(path("containers", container, "json"), answers.InspectedContainer)

    async def containers(self, labels: Mapping[str, str]) -> list[Json]:
        """The containers with all these labels, ended ones too, as the engine lists them."""
        return await self._list("/containers/json", list[answers.ContainerItem], labels, all=True)

    async def networks(self, labels: Mapping[str, str]) -> list[Json]:
        """The networks with all these labels."""
        return await self._list("/networks", list[answers.NetworkItem], labels)

    async def create_network(self, name: str, labels: Mapping[str, str]) -> None:
        """Create a bridge network; where the engine has no addresses left, with some that it does not use."""
        request: Json = {"Name": name, "Driver": "bridge", "Labels": dict(labels)}
        try:
            await self._ask("POST", "/networks/create", json=request)
        except DockerApiError as error:
            if not _EXHAUSTED.search(error.message):
                raise
            await self._create_network_elsewhere(request, error)

    async def _create_network_elsewhere(self, request: Json, exhausted: DockerApiError) -> None:
        """Create a network in the first free one of some subnets, which differ by its name."""
        start = int.from_bytes(hashlib.sha256(str(request["Name"]).encode()).digest()[:4])
        for number in range(start, start + _SUBNETS_TRIED):
            second, third = 200 + number // 256 % 50, number % 256
            subnet = {"Config": [{"Subnet": f"10.{second}.{third}.0/24"}]}
            try:
                await self._ask("POST", "/networks/create", json={**request, "IPAM": subnet})
            except DockerApiError as error:
                if not _OVERLAPS.search(error.message):
                    raise
            else:
                return
        raise exhausted

    async def remove_network(self, network: str) -> None:
        """Remove a network by its id."""
        await self._ask("DELETE", path("networks", network))

    async def volumes(self, labels: Mapping[str, str]) -> list[Json]:
        """The volumes with all these labels."""
        with reached():
            answer = await self._api.request("GET", "/volumes", params={"filters": _filters(labels)})
        found = fields(shaped(answer.decode(Json), answers.ListedVolumes))
        return _labelled(found.get("Volumes") or (), labels)

    async def create_volume(
        self, name: str, labels: Mapping[str, str], options: Mapping[str, str] | None = None
    ) -> None:
        """Create a volume; one that is there stays as it is.

        Args:
            name: of the volume.
            labels: of the volume.
            options: of the `local` driver.
        """
        request = {"Name": name, "Labels": dict(labels), "DriverOpts": dict(options or {})}
        await self._ask("POST", "/volumes/create", json=request)

    async def remove_volume(self, name: str) -> None:
        """Remove a volume; one that is gone is fine."""
        try:
            await self._ask("DELETE", path("volumes", name))
        except DockerApiError as error:
            if error.status != 404:
                raise

    async def put(self, container: str, archive: bytes) -> None:
        """Unpack a tar archive at a container's root, running or not; it reaches into its volumes."""
        headers = {"Content-Type": "application/x-tar"}
        params = {"path": "/"}
        await self._ask(
            "PUT", path("containers", container, "archive"), params=params, content=archive, headers=headers
        )

    async def take(self, container: str, where: str) -> bytes | None:
        """A file or folder of a container as a tar archive, None if there is no such."""
        try:
            with reached():
                answer = await self._api.request(
                    "GET", path("containers", container, "archive"), params={"path": where}
                )
        except DockerApiError as error:
            if error.status == 404:
                return None
            raise
        return answer.body

    async def has_image(self, reference: str) -> Json | None:
        """What the engine knows of an image, None if it has it not."""
        return await self._find(path("images", reference, "json"), answers.ImageId)

    async def pull(self, reference: str, credentials: str = "") -> None:
        """Pull an image.

        Args:
            reference: with tag or digest.
            credentials: for the registry, as the engine's `X-Registry-Auth` header.

        Raises:
            DockerApiError: the registry refused, with its words.
        """
        name, _, tag = reference.rpartition(":")
        whole = "@" in reference or not name or "/" in tag
        params = {"fromImage": reference} | ({"tag": "latest"} if whole and "@" not in reference else {})
        if not whole:
            params = {"fromImage": name, "tag": tag}
        headers = {"X-Registry-Auth": credentials} if credentials else {}
        with reached():
            answer = await self._api.request("POST", "/images/create", params=params, headers=headers)
        for line in answer.body.splitlines():
            if error := read_message(line, Json).get("error"):
                raise DockerApiError(str(error), status=500)

    async def import_image(self, reference: str, layer: bytes, *, entrypoint: str) -> None:
        """Make an image of one layer, a tar archive."""
        changes = f"ENTRYPOINT {msgspec.json.encode([entrypoint]).decode()}"
        params = {"fromSrc": "-", "repo": reference, "changes": changes}
        headers = {"Content-Type": "application/x-tar"}
        await self._ask("POST", "/images/create", params=params, content=layer, headers=headers)

    async def events(self, labels: Mapping[str, str]) -> AsyncGenerator[ContainerEvent]:
        """What happens to the containers with these labels from now on, until the connection breaks.

        The first item is an empty one: it says that the engine is listening, so that nothing after it is missed.
        """
        filters = {"type": ["container"], "event": EVENTS, "label": _pairs(labels)}
        async with aclosing(self._events(filters)) as events:
            async for event in events:
                yield event

    async def removals(self) -> AsyncGenerator[Removal]:
        """All volumes and networks that are removed from now on, of whatever project, until the connection breaks."""
        filters = {"type": ["volume", "network"], "event": ["destroy", "remove"]}
        async with aclosing(self._events(filters)) as events:
            async for event in events:
                if event.action:
                    name = event.labels.get("name", "")
                    # A volume's id is its name, and Podman gives it none; a network has an id of its own.
                    name = name if event.kind == "network" else event.id or name
                    yield Removal(kind=event.kind, name=name)

    async def _events(self, filters: Mapping[str, list[str]]) -> AsyncGenerator[ContainerEvent]:
        params = {"filters": msgspec.json.encode(filters).decode()}
        with reached():
            async with self._api.stream("GET", "/events", params=params) as chunks:
                yield ContainerEvent(action="", id="")
                buffer = LineBuffer()
                async for chunk in chunks:
                    for line in filter(None, buffer.feed(chunk)):
                        event = read_message(line, _EngineEvent)
                        yield ContainerEvent(
                            action=event.action,
                            id=event.actor.id,
                            labels=event.actor.attributes or {},
                            kind=event.type,
                        )

    async def attach_input(self, container: str, text: bytes) -> str:
        """Write to the standard input of a container's program; the first line that it writes after that.

        Empty when its output ended instead.
        """
        params = {"stream": True, "stdin": True, "stdout": True, "stderr": True}
        answer = b""
        with reached():
            async with self._api.hijack(path("containers", container, "attach"), params=params) as stream:
                await stream.send(text)
                output = Demultiplexer(stream)
                try:
                    while b"\n" not in answer:
                        answer += (await output.receive())[1]
                except EOFError:
                    return ""
        return answer.partition(b"\n")[0].decode(errors="replace")

    @asynccontextmanager
    async def exec(self, container: str, argv: Sequence[str]) -> AsyncIterator[DockerExecution]:
        """Run a command in a container.

        Raises:
            SyncError: the container does not run, or has no such command.
        """
        request = {"AttachStdin": True, "AttachStdout": True, "AttachStderr": True, "Cmd": list(argv)}
        try:
            answer = await self._ask("POST", path("containers", container, "exec"), answers.NewId, json=request)
            execution = str(answer["Id"])
            with reached():
                detached = {"Detach": False, "Tty": False}
                async with self._api.hijack(path("exec", execution, "start"), detached) as stream:
                    yield DockerExecution(partial(self.exec_status, execution), stream)
        except DockerApiError as error:
            raise SyncError(f"cannot run `{' '.join(argv)}` in the container: {error.message}") from error

    async def exec_status(self, execution: str) -> int | None:
        """The exit status of a command, None while it runs."""
        found = await self._ask("GET", path("exec", execution, "json"), answers.InspectedExec)
        code = found.get("ExitCode")
        return None if found.get("Running") or code is None else int(code)

    @asynccontextmanager
    async def logs(
        self, container: str, *, since: str = "", follow: bool = True
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Read a container's log in the engine's own framing, with times.

        Args:
            container: its id.
            since: in the engine's own form; empty: from the beginning.
            follow: until the container ends; without, to the end of what is written by now.
        """
        params: dict[str, str | int | bool] = {"stdout": True, "stderr": True, "timestamps": True, "follow": follow}
        if since:
            params["since"] = since
        with reached():
            async with self._api.stream("GET", path("containers", container, "logs"), params=params) as chunks:
                yield chunks

    async def version(self) -> Json:
        """The engine's product, version and architecture."""
        return await self._ask("GET", "/version", answers.EngineVersion)

    async def info(self) -> Json:
        """What the engine says of its machine."""
        return await self._ask("GET", "/info", answers.EngineInfo)

    async def _list(self, where: str, shape: object, labels: Mapping[str, str], **params: bool) -> list[Json]:
        with reached():
            answer = await self._api.request("GET", where, params={"filters": _filters(labels), **params})
        return _labelled(map(fields, shaped(answer.decode(list[Json]), shape)), labels)


def _labelled(found: Iterable[Json], labels: Mapping[str, str]) -> list[Json]:
    """Those with all the labels: of volumes, Podman before version 5 gives those with any of them."""
    return [item for item in found if labels.items() <= (item.get("Labels") or {}).items()]


def _filters(labels: Mapping[str, str]) -> str:
    return msgspec.json.encode({"label": _pairs(labels)}).decode()


def _pairs(labels: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in labels.items()]
