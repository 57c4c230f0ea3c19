import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from pytilt.docker.address import EngineAddress
from pytilt.docker.discovery import (
    chosen_address,
    client_environment,
    connected,
    find_engine,
    usual_addresses,
)
from pytilt.docker.machine import Machine, this_machine
from pytilt.errors import EngineUnreachableError
from pytilt.settings import Settings


def machine(
    files: Mapping[str, str] | None = None, *, system: str = "Linux", programs: tuple[str, ...] = ()
) -> Machine:
    known = files or {}
    return Machine(
        system=system,
        runtime_dir="/run/user/7",
        exists=lambda path: any(file == path or file.startswith(f"{path}/") for file in known),
        read=known.get,
        has_program=lambda name: name in programs,
    )


def settings(**environ: str) -> Settings:
    return Settings.from_environment({"HOME": "/home/me", **environ})


def context(name: str, host: str, *, tls: bool = False) -> dict[str, str]:
    key = sha256(name.encode()).hexdigest()
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": True}}}
    files = {f"/home/me/.docker/contexts/meta/{key}/meta.json": json.dumps(meta)}
    return files | ({f"/home/me/.docker/contexts/tls/{key}/docker/ca.pem": ""} if tls else {})


def test_docker_host_goes_before_the_clis_context() -> None:
    files = {"/home/me/.docker/config.json": '{"currentContext": "desktop"}', **context("desktop", "unix:///d.sock")}
    address = chosen_address(settings(DOCKER_HOST="tcp://there:1"), machine(files))
    assert address is not None
    assert (address.url, address.tls, address.source) == ("tcp://there:1", None, "`DOCKER_HOST`")


def test_docker_host_takes_tls_from_the_environment() -> None:
    address = chosen_address(settings(DOCKER_HOST="tcp://there", DOCKER_CERT_PATH="/certs"), machine())
    assert address is not None
    assert address.tls is not None
    assert (address.tls.ca, address.tls.verify) == ("/certs/ca.pem", False)
    assert address.base_url == "https://there:2376"


@pytest.mark.parametrize("environ", [{}, {"DOCKER_CONTEXT": "far"}])
def test_the_clis_context_is_used(environ: dict[str, str]) -> None:
    files = {
        "/home/me/.docker/config.json": '{"currentContext": "near", "auths": {}}',
        **context("near", "unix:///near.sock"),
        **context("far", "tcp://far:2376", tls=True),
    }
    address = chosen_address(settings(**environ), machine(files))
    assert address is not None
    assert address.url == ("tcp://far:2376" if environ else "unix:///near.sock")
    assert (address.tls is not None and not address.tls.verify) is bool(environ)


def test_a_context_that_is_gone_is_named() -> None:
    with pytest.raises(EngineUnreachableError, match="context `gone` is not found"):
        chosen_address(settings(DOCKER_CONTEXT="gone"), machine())


@pytest.mark.parametrize("config", ['{"currentContext": "default"}', "{}", "not json", ""])
def test_without_a_choice_the_usual_places_are_looked_at(config: str) -> None:
    assert chosen_address(settings(), machine({"/home/me/.docker/config.json": config})) is None


@pytest.mark.parametrize(
    ("socket", "product"),
    [
        ("/var/run/docker.sock", "Docker"),
        ("/home/me/.docker/run/docker.sock", "Docker Desktop"),
        ("/home/me/.colima/default/docker.sock", "Colima"),
        ("/home/me/.orbstack/run/docker.sock", "OrbStack"),
        ("/home/me/.rd/docker.sock", "Rancher Desktop"),
        ("/run/user/7/podman/podman.sock", "Podman"),
        ("/run/podman/podman.sock", "Podman"),
        ("/tmp/podman/podman-machine-default-api.sock", "Podman machine"),
    ],
)
def test_sockets_are_found_in_their_usual_places(socket: str, product: str) -> None:
    (address,) = usual_addresses(settings(), machine({socket: ""}))
    assert (address.socket_path, address.source) == (socket, product)


def test_docker_goes_before_podman() -> None:
    found = usual_addresses(settings(), machine({"/run/podman/podman.sock": "", "/var/run/docker.sock": ""}))
    assert [address.source for address in found] == ["Docker", "Podman"]


@pytest.mark.parametrize(
    ("environ", "source", "expected"),
    [
        ({}, "Docker", None),
        ({}, "the docker CLI's context `x`", None),
        ({}, "Colima", "unix:///found.sock"),
        ({"DOCKER_HOST": "unix:///mine.sock"}, "`DOCKER_HOST`", "unix:///mine.sock"),
    ],
)
def test_a_script_gets_a_hint_about_an_engine_that_it_would_not_find(
    environ: dict[str, str], source: str, expected: str | None
) -> None:
    address = EngineAddress(url="unix:///found.sock", source=source)
    assert client_environment(settings(**environ), address).get("DOCKER_HOST") == expected


@pytest.mark.parametrize(
    ("system", "files", "programs", "command"),
    [
        ("Linux", {"/etc/os-release": "ID=debian\n"}, (), "sudo apt-get update && sudo apt-get install -y docker.io"),
        ("Linux", {"/etc/os-release": 'ID=mint\nID_LIKE="ubuntu debian"\n'}, (), "apt-get install -y docker.io"),
        ("Linux", {"/etc/os-release": "ID=fedora\n"}, (), "sudo dnf install -y podman"),
        ("Linux", {"/etc/os-release": "ID=nixos\n"}, (), "https://docs.docker.com/engine/install/"),
        ("Linux", {"/run/systemd/system/x": ""}, ("dockerd",), "sudo systemctl start docker"),
        ("Linux", {}, ("dockerd",), "sudo service docker start"),
        ("Linux", {}, ("podman",), "systemctl --user enable --now podman.socket"),
        ("Darwin", {}, (), "brew install colima docker && colima start"),
        ("Darwin", {}, ("colima",), "`colima start`"),
        ("Darwin", {"/Applications/Docker.app/x": ""}, (), "open -a Docker"),
    ],
)
async def test_without_an_engine_the_hint_is_the_command_for_this_system(
    system: str, files: dict[str, str], programs: tuple[str, ...], command: str
) -> None:
    with pytest.raises(EngineUnreachableError, match="no container engine was found") as caught:
        await find_engine(settings(), machine(files, system=system, programs=programs))
    assert command in str(caught.value.hint)


@asynccontextmanager
async def engine(socket: Path, answer: bytes) -> AsyncIterator[None]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer + b"\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK")
        await writer.drain()
        writer.close()

    socket.parent.mkdir(parents=True, exist_ok=True)
    async with await asyncio.start_unix_server(serve, str(socket)):
        yield


async def test_a_socket_that_nobody_serves_is_passed_over(tmp_path: Path) -> None:
    here = settings(HOME=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path))
    dead = tmp_path / "docker.sock"
    dead.touch()
    known = {str(dead): "", str(tmp_path / "podman/podman.sock"): ""}
    place = Machine(
        system="Linux",
        runtime_dir=str(tmp_path),
        exists=known.__contains__,
        read=known.get,
        has_program=lambda _: False,
    )
    with pytest.raises(EngineUnreachableError, match=r"docker\.sock"):
        await find_engine(here, place)
    async with engine(tmp_path / "podman/podman.sock", b"HTTP/1.1 200 OK"):
        assert (await find_engine(here, place)).source == "Podman"


async def test_an_engine_that_answers_with_an_error_does_not_count(tmp_path: Path) -> None:
    async with engine(tmp_path / "s", b"HTTP/1.1 500 Internal Server Error"):
        with pytest.raises(EngineUnreachableError, match="does not work: OK"):
            await find_engine(settings(DOCKER_HOST=f"unix://{tmp_path}/s"))


async def test_a_chosen_engine_is_used_or_reported_but_never_replaced(tmp_path: Path) -> None:
    chosen = settings(DOCKER_HOST=f"unix://{tmp_path}/none")
    with pytest.raises(EngineUnreachableError, match=r"from `DOCKER_HOST`"):
        await find_engine(chosen, machine({"/var/run/docker.sock": ""}))


def test_this_machine_answers_for_itself(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("text")
    here = this_machine(settings(PATH=str(tmp_path), XDG_RUNTIME_DIR="/run/x"))
    assert here.exists(str(tmp_path / "f"))
    assert here.read(str(tmp_path / "f")) == "text"
    assert here.read(str(tmp_path / "none")) is None
    assert not here.has_program("docker")
    assert here.runtime_dir == "/run/x"


async def test_the_real_engine_is_found(engine_host: str) -> None:
    async with connected(settings(DOCKER_HOST=engine_host)) as api:
        assert (await api.request("GET", "/_ping")).body == b"OK"


async def test_tls_that_the_environment_asks_for_needs_its_files_wherever_the_engine_is() -> None:
    asked = settings(DOCKER_HOST="unix:///run/docker.sock", DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH="/certs")
    with pytest.raises(
        EngineUnreachableError, match=r"^unable to resolve docker endpoint: open /certs/ca\.pem: no such"
    ):
        await find_engine(asked, machine({"/run/docker.sock": ""}))
    with pytest.raises(EngineUnreachableError, match=r"open /certs/key\.pem: no such"):
        await find_engine(asked, machine({"/certs/ca.pem": "", "/certs/cert.pem": ""}))
