"""A container runtime in memory: containers, networks, volumes, images, commands and events, and nothing runs.

Programs are functions of the test: a container runs until the test, a signal or its program ends it.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from pytilt.docker.seam import ContainerEvent, Json, Removal
from pytilt.engines.podspec.archive import packed, plain_file, unpacked
from pytilt.errors import ClusterUnreachableError, DockerApiError, SyncError
from pytilt.synclet.verbs import ACKNOWLEDGED
from pytilt.testing.engine_container import FakeContainer

SIGKILL_STATUS = 137
NEVER = "0001-01-01T00:00:00Z"


Program = Callable[[FakeContainer], int | None]
"""What an image does once a container of it starts: the status with which it ends at once, or None: it runs on."""
Command = Callable[[FakeContainer, Sequence[str]], tuple[int, bytes]]
"""Answers a command in a container: its status and what it writes."""


def succeed(container: FakeContainer, argv: Sequence[str]) -> tuple[int, bytes]:
    """A command that succeeds and writes nothing."""
    del container, argv
    return 0, b""


class FakeRuntime:
    """The seam `ContainerRuntime` in memory.

    Args:
        clock: returns the Unix time.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self._listeners: list[tuple[Mapping[str, str], asyncio.Queue[ContainerEvent | None]]] = []
        self._removal_listeners: list[asyncio.Queue[Removal | None]] = []
        self._pulled: set[str] = set()
        self.all: dict[str, FakeContainer] = {}
        """The containers by id."""
        self.stored_volumes: dict[str, Json] = {}
        self.stored_networks: dict[str, Json] = {}
        self.programs: dict[str, Program] = {}
        """By image; an image without one runs on."""
        self.command: Command = succeed
        """Answers every command that is run in a container."""
        self.missing: dict[str, str] = {}
        """Images that the engine has not: what its registry says to a pull, empty when it gives it."""
        self.refused: dict[str, str] = {}
        """What the engine says to creating a container, by image."""
        self.unstartable: dict[str, str] = {}
        """What the engine says to starting a container, by image."""
        self.stubborn: set[str] = set()
        """Images whose programs do not end by SIGTERM."""
        self.pulls: list[tuple[str, str]] = []
        """Images that were pulled, and with which credentials."""
        self.calls: list[str] = []
        """What was done to containers, for example `start web`, by the label or name of each."""
        self.away = ""
        """While not empty the engine does not answer, for this reason."""

    # What tests do to it

    def named(self, container: str) -> FakeContainer:
        """The newest container of that name, or of a pod's container of that name.

        Raises:
            KeyError: there is none.
        """
        found = [each for each in self.all.values() if container in (each.name, _short(each))]
        if not found:
            raise KeyError(container)
        return found[-1]

    def end(self, container: str, exit_code: int = 0, *, oom_killed: bool = False) -> None:
        """Have the program of a container end by itself."""
        found = self.named(container)
        found.oom_killed = oom_killed
        self._end(found, exit_code)

    def kill(self, container: str) -> None:
        """Kill a container from outside."""
        self._end(self.all[container] if container in self.all else self.named(container), SIGKILL_STATUS)

    def go_away(self, why: str = "the engine does not answer") -> None:
        """Stop answering, and break all streams."""
        self.away = why
        for _, queue in self._listeners:
            queue.put_nowait(None)
        for removals in self._removal_listeners:
            removals.put_nowait(None)

    async def lose_network(self, name: str) -> None:
        """Remove a network by force: what is connected to it runs on without."""
        for found in self.all.values():
            mode = (found.request.get("HostConfig") or {}).get("NetworkMode")
            found.disconnected = found.disconnected or mode == name
        await self.remove_network(name)

    def come_back(self) -> None:
        """Answer again."""
        self.away = ""

    # ContainerLifecycle

    async def create(self, name: str, request: Json) -> str:
        """Create a container; see the seam."""
        self._answering()
        image = str(request.get("Image"))
        if why := self.refused.get(image):
            raise DockerApiError(why, status=500)
        await self.remove(name)
        made = FakeContainer(f"{next(self._numbers):064x}", name, request, self._clock())
        self.all[made.id] = made
        self._note("create", made)
        for mount in (request.get("HostConfig") or {}).get("Mounts") or ():
            if mount["Type"] == "volume":
                options = mount.get("VolumeOptions") or {}
                await self.create_volume(mount["Source"], options.get("Labels") or {})
        return made.id

    async def start(self, container: str) -> None:
        """Start a container; see the seam."""
        self._answering()
        found = self._existing(container)
        if found.running:
            return
        image = str(found.request.get("Image"))
        if found.disconnected:
            raise DockerApiError(f"network of {found.name} not found", status=404)
        if why := self.unstartable.get(image):
            found.error = why
            raise DockerApiError(why, status=400)
        found.state, found.started_at, found.finished_at = "running", self._clock(), 0.0
        found.exit_code, found.ended = 0, asyncio.Event()
        found.address = found.address or f"10.0.{next(self._numbers) // 256}.{next(self._numbers) % 256}"
        self._note("start", found)
        self._emit("start", found)
        program = self.programs.get(image)
        status = program(found) if program is not None else None
        if status is not None:
            self._end(found, status)

    async def stop(self, container: str, grace: int) -> None:
        """Stop a container; see the seam."""
        self._answering()
        found = self._find(container)
        if found is None or not found.running:
            return
        self._note(f"stop({grace})", found)
        if grace > 0 and str(found.request.get("Image")) not in self.stubborn:
            self._end(found, 0)
            return
        try:
            await asyncio.wait_for(found.ended.wait(), grace)
        except TimeoutError:
            self._end(found, SIGKILL_STATUS)

    async def signal(self, container: str, signal: str) -> None:
        """Send a signal; KILL ends a container."""
        self._answering()
        found = self._existing(container)
        if not found.running:
            raise DockerApiError(f"container {found.name} is not running", status=409)
        self._note(f"signal({signal})", found)
        if signal == "KILL":
            self._end(found, SIGKILL_STATUS)

    async def remove(self, container: str) -> None:
        """Remove a container; see the seam."""
        self._answering()
        found = self._find(container)
        if found is None:
            return
        if found.running:
            self._end(found, SIGKILL_STATUS)
        del self.all[found.id]
        self._note("remove", found)
        self._emit("destroy", found)

    async def inspect(self, container: str) -> Json | None:
        """All that is known of a container."""
        self._answering()
        found = self._find(container)
        if found is None:
            return None
        host = found.request.get("HostConfig") or {}
        mode = str(host.get("NetworkMode") or "")
        joined = mode.startswith("container:") or mode in ("", "none") or found.disconnected
        return {
            "Id": found.id,
            "Name": f"/{found.name}",
            "Created": _time(found.created),
            "Image": f"sha256:{found.request.get('Image')}",
            "Config": {"Image": found.request.get("Image"), "Labels": dict(found.labels)},
            "HostConfig": host,
            "State": {
                "Status": found.state,
                "Running": found.running,
                "StartedAt": _time(found.started_at),
                "FinishedAt": _time(found.finished_at),
                "ExitCode": found.exit_code,
                "OOMKilled": found.oom_killed,
                "Error": found.error,
            },
            "NetworkSettings": {
                "Networks": {} if joined else {mode: {"IPAddress": found.address if found.running else ""}}
            },
            "Mounts": [
                {"Destination": mount["Target"], "Source": f"/volumes/{mount.get('Source', '')}"}
                for mount in host.get("Mounts") or ()
            ],
        }

    async def containers(self, labels: Mapping[str, str]) -> list[Json]:
        """The containers with all these labels."""
        self._answering()
        return [
            {
                "Id": each.id,
                "Names": [f"/{each.name}"],
                "Image": each.request.get("Image"),
                "Labels": dict(each.labels),
                "State": each.state,
            }
            for each in self.all.values()
            if labels.items() <= each.labels.items()
        ]

    # ContainerAccess

    async def put(self, container: str, archive: bytes) -> None:
        """Unpack files into a container."""
        self._answering()
        self._existing(container).files |= unpacked(archive)

    async def take(self, container: str, where: str) -> bytes | None:
        """The files at or below a path as an archive."""
        self._answering()
        found, place = self._find(container), where.strip("/")
        files = found.files if found is not None else {}
        chosen = [name for name in files if name == place or name.startswith(f"{place}/")]
        return packed([plain_file(name, files[name]) for name in chosen]) if chosen else None

    async def attach_input(self, container: str, text: bytes) -> str:
        """Keep what is written to a program, which acknowledges it."""
        self._answering()
        found = self._existing(container)
        if not found.running:
            return ""
        found.received.append(text.decode())
        return ACKNOWLEDGED

    @asynccontextmanager
    async def exec(self, container: str, argv: Sequence[str]) -> AsyncIterator["FakeExecution"]:
        """Run a command, which `command` answers."""
        self._answering()
        found = self._find(container)
        if found is None or not found.running:
            raise SyncError(f"cannot run `{' '.join(argv)}` in the container: it does not run")
        status, output = self.command(found, argv)
        yield FakeExecution(status, output)

    @asynccontextmanager
    async def logs(
        self, container: str, *, since: str = "", follow: bool = True
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The log, until the container ends if it is followed; `since` is not looked at."""
        del since
        self._answering()
        found = self._existing(container)

        async def lines() -> AsyncIterator[bytes]:
            sent = 0
            while True:
                for at, text in found.log[sent:]:
                    record = f"{_time(at)} {text}\n".encode()
                    yield b"\x01\0\0\0" + len(record).to_bytes(4, "big") + record
                    sent += 1
                if not (follow and found.running):
                    return
                await found.ended.wait()

        yield lines()

    # EngineEvents

    async def events(self, labels: Mapping[str, str]) -> AsyncGenerator[ContainerEvent]:
        """What happens to the containers with these labels."""
        self._answering()
        queue: asyncio.Queue[ContainerEvent | None] = asyncio.Queue()
        listener = (labels, queue)
        self._listeners.append(listener)
        try:
            yield ContainerEvent(action="", id="")
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._listeners.remove(listener)
        raise ClusterUnreachableError(self.away)

    async def removals(self) -> AsyncGenerator[Removal]:
        """All volumes and networks that are removed."""
        self._answering()
        queue: asyncio.Queue[Removal | None] = asyncio.Queue()
        self._removal_listeners.append(queue)
        try:
            while (removal := await queue.get()) is not None:
                yield removal
        finally:
            self._removal_listeners.remove(queue)
        raise ClusterUnreachableError(self.away)

    # ImageStore

    async def has_image(self, reference: str) -> Json | None:
        """Every image is there but for the missing ones."""
        self._answering()
        return {"Id": f"sha256:{reference}"} if reference not in self.missing or reference in self._pulled else None

    async def pull(self, reference: str, credentials: str = "") -> None:
        """Pull an image, or say why not."""
        self._answering()
        self.pulls.append((reference, credentials))
        if why := self.missing.get(reference):
            raise DockerApiError(why, status=404)
        self._pulled.add(reference)

    async def import_image(self, reference: str, layer: bytes, *, entrypoint: str) -> None:
        """Make an image."""
        del layer, entrypoint
        self._answering()
        self._pulled.add(reference)

    # VolumeStore

    async def volumes(self, labels: Mapping[str, str]) -> list[Json]:
        """The volumes with all these labels."""
        self._answering()
        return [each for each in self.stored_volumes.values() if labels.items() <= each["Labels"].items()]

    async def create_volume(
        self, name: str, labels: Mapping[str, str], options: Mapping[str, str] | None = None
    ) -> None:
        """Create a volume."""
        self._answering()
        self.stored_volumes.setdefault(name, {"Name": name, "Labels": dict(labels), "Options": dict(options or {})})

    async def remove_volume(self, name: str) -> None:
        """Remove a volume."""
        self._answering()
        if self.stored_volumes.pop(name, None) is not None:
            self._emit_removal("volume", name)

    # NetworkStore

    async def networks(self, labels: Mapping[str, str]) -> list[Json]:
        """The networks with all these labels."""
        self._answering()
        return [each for each in self.stored_networks.values() if labels.items() <= each["Labels"].items()]

    async def create_network(self, name: str, labels: Mapping[str, str]) -> None:
        """Create a network."""
        self._answering()
        self.stored_networks[name] = {"Id": name, "Name": name, "Labels": dict(labels)}

    async def remove_network(self, network: str) -> None:
        """Remove a network."""
        self._answering()
        if self.stored_networks.pop(network, None) is not None:
            self._emit_removal("network", network)

    async def version(self) -> Json:
        """What a Docker says."""
        self._answering()
        return {"Version": "27.0.0", "Arch": "amd64", "Components": [{"Name": "Engine"}]}

    async def info(self) -> Json:
        """What a Docker says of its machine."""
        self._answering()
        return {"MemTotal": 8 << 30, "NCPU": 4, "SystemTime": _time(self._clock())}

    # Inside

    def _emit_removal(self, kind: str, name: str) -> None:
        for queue in self._removal_listeners:
            queue.put_nowait(Removal(kind=kind, name=name))

    def _answering(self) -> None:
        if self.away:
            raise ClusterUnreachableError(self.away)

    def _find(self, container: str) -> FakeContainer | None:
        return self.all.get(container) or next((each for each in self.all.values() if each.name == container), None)

    def _existing(self, container: str) -> FakeContainer:
        found = self._find(container)
        if found is None:
            raise DockerApiError(f"no such container: {container}", status=404)
        return found

    def _end(self, container: FakeContainer, exit_code: int) -> None:
        if not container.running:
            return
        container.state, container.exit_code, container.finished_at = "exited", exit_code, self._clock()
        container.ended.set()
        self._emit("die", container, exitCode=str(exit_code))

    def _emit(self, action: str, container: FakeContainer, **more: str) -> None:
        event = ContainerEvent(action=action, id=container.id, labels={**container.labels, **more})
        for labels, queue in self._listeners:
            if labels.items() <= container.labels.items():
                queue.put_nowait(event)

    def _note(self, action: str, container: FakeContainer) -> None:
        self.calls.append(f"{action} {_short(container)}")


class FakeExecution:
    """A command that has written all that it will."""

    def __init__(self, status: int, output: bytes) -> None:
        self._status = status
        self._output = output
        self.exit_status: int | None = None
        """The status with which it ended."""

    async def send(self, data: bytes) -> None:
        """Nobody reads it."""

    async def receive(self) -> tuple[int, bytes]:
        """The output in one piece, then the end."""
        if self._output:
            output, self._output = self._output, b""
            return 1, output
        self.exit_status = self._status
        raise EOFError

    def close_sending(self) -> None:
        """Nobody reads it."""


def _short(container: FakeContainer) -> str:
    """What the container is in its pod: its name there, or its role."""
    found = {name.rpartition(".")[2]: value for name, value in container.labels.items()}
    return found.get("container") or found.get("role") or container.name


def _time(at: float) -> str:
    if not at:
        return NEVER
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
