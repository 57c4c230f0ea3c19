"""Finding the container engine: what the user chose, else the usual places in turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec

from pytilt.docker.address import EngineAddress, check_tls, tls_from_environment, tls_in_folder
from pytilt.docker.api import DockerApi
from pytilt.docker.installing import advice
from pytilt.docker.machine import Machine, this_machine
from pytilt.errors import DockerApiError, EngineUnreachableError
from pytilt.http.decoding import MalformedJsonError, decode
from pytilt.model.base import Value
from pytilt.settings import Settings

T = TypeVar("T")

PROBE_SECONDS = 5.0
"""How long a socket that exists may take to answer; a loaded Docker Desktop was seen to need two."""

DEFAULT_CONTEXT = "default"
"""The docker CLI's name for "no context: `DOCKER_HOST` or the usual socket"."""

_UNKNOWN_TO_CLIENT = (
    "rootless Docker",
    "Docker Desktop",
    "OrbStack",
    "Colima",
    "Rancher Desktop",
    "Podman",
    "Podman machine",
)


@asynccontextmanager
async def connected(settings: Settings, machine: Machine | None = None) -> AsyncIterator[DockerApi]:
    """Find the engine and talk to it.

    Raises:
        EngineUnreachableError: none answers; the hint says how to get one.
    """
    async with DockerApi(await find_engine(settings, machine)) as api:
        yield api


async def find_engine(settings: Settings, machine: Machine | None = None) -> EngineAddress:
    """The address of the first engine that answers.

    Args:
        settings: what the environment says.
        machine: where to look; None: this machine.

    Raises:
        EngineUnreachableError: none answers; the hint says how to get one.
    """
    machine = machine or this_machine(settings)
    await asyncio.to_thread(check_tls, settings, machine.exists)
    chosen = await asyncio.to_thread(chosen_address, settings, machine)
    if chosen is not None:
        await _probe(chosen)
        return chosen
    failure: EngineUnreachableError | None = None
    for address in await asyncio.to_thread(usual_addresses, settings, machine):
        try:
            await _probe(address)
        except EngineUnreachableError as error:
            failure = failure or error
        else:
            return address
    if failure is not None:
        raise failure
    raise EngineUnreachableError("no container engine was found", hint=advice(machine))


def chosen_address(settings: Settings, machine: Machine) -> EngineAddress | None:
    """The engine that the user chose by `DOCKER_HOST`, `DOCKER_CONTEXT` or `docker context use`, or None."""
    if settings.docker_host:
        return EngineAddress(url=settings.docker_host, tls=tls_from_environment(settings), source="`DOCKER_HOST`")
    name = settings.environ.get("DOCKER_CONTEXT", "")
    if not name:
        config = _decoded(machine.read(str(Path(settings.docker_config, "config.json"))), _CliConfig)
        name = config.current_context if config else ""
    return None if name in ("", DEFAULT_CONTEXT) else _context_address(settings, machine, name)


def client_environment(settings: Settings, address: EngineAddress) -> dict[str, str]:
    """The environment in which a docker CLI, or a script that starts one, talks to the same engine.

    `DOCKER_HOST` is added only where that CLI would not find the engine by itself.
    """
    environ = dict(settings.environ)
    if not settings.docker_host and address.source in _UNKNOWN_TO_CLIENT:
        environ["DOCKER_HOST"] = address.url
    return environ


def usual_addresses(settings: Settings, machine: Machine) -> list[EngineAddress]:
    """Sockets that exist in the places where engines put them, Docker's before Podman's."""
    found = [EngineAddress(url=f"unix://{path}", source=product) for path, product in _places(settings, machine)]
    return [address for address in found if machine.exists(address.socket_path)]


def _places(settings: Settings, machine: Machine) -> list[tuple[str, str]]:
    home, run = settings.home, machine.runtime_dir
    config = settings.environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    temporary = (settings.environ.get("TMPDIR") or "/tmp").rstrip("/")
    return [
        ("/var/run/docker.sock", "Docker"),
        (f"{run}/docker.sock", "rootless Docker"),
        (f"{home}/.docker/run/docker.sock", "Docker Desktop"),
        (f"{home}/.docker/desktop/docker.sock", "Docker Desktop"),
        (f"{home}/.orbstack/run/docker.sock", "OrbStack"),
        (f"{home}/.colima/default/docker.sock", "Colima"),
        (f"{config}/colima/default/docker.sock", "Colima"),
        (f"{home}/.rd/docker.sock", "Rancher Desktop"),
        (f"{run}/podman/podman.sock", "Podman"),
        ("/run/podman/podman.sock", "Podman"),
        (f"{temporary}/podman/podman-machine-default-api.sock", "Podman machine"),
        (f"{home}/.local/share/containers/podman/machine/podman.sock", "Podman machine"),
        (f"{home}/.local/share/containers/podman/machine/qemu/podman.sock", "Podman machine"),
    ]


class _CliConfig(Value):
    current_context: str = ""


class _Endpoint(msgspec.Struct, rename="pascal"):
    host: str = ""
    skip_tls_verify: bool = msgspec.field(name="SkipTLSVerify", default=False)


class _DockerContext(msgspec.Struct, rename="pascal"):
    endpoints: dict[str, _Endpoint] = {}


def _context_address(settings: Settings, machine: Machine, name: str) -> EngineAddress:
    folder = Path(settings.docker_config, "contexts")
    key = sha256(name.encode()).hexdigest()
    context = _decoded(machine.read(str(folder / "meta" / key / "meta.json")), _DockerContext)
    endpoint = context.endpoints.get("docker") if context else None
    if endpoint is None or not endpoint.host:
        raise EngineUnreachableError(
            f"the docker CLI's context `{name}` is not found",
            where=str(folder / "meta" / key / "meta.json"),
            hint="choose another: `docker context ls` and `docker context use NAME`",
        )
    tls_folder = str(folder / "tls" / key / "docker")
    tls = tls_in_folder(tls_folder, verify=not endpoint.skip_tls_verify) if machine.exists(tls_folder) else None
    return EngineAddress(url=endpoint.host, tls=tls, source=f"the docker CLI's context `{name}`")


def _decoded(text: str | None, kind: type[T]) -> T | None:
    try:
        return decode(text, kind) if text else None
    except MalformedJsonError:
        return None


async def _probe(address: EngineAddress) -> None:
    async with DockerApi(address) as api:
        try:
            await api.request("GET", "/_ping", timeout=PROBE_SECONDS)
        except DockerApiError as error:
            raise EngineUnreachableError(
                f"the container engine at `{address.url}` does not work: {error.message}",
                hint="see what it says about itself: `docker info`",
            ) from error
