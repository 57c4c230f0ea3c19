"""Services of a Compose project in the normal form that Compose itself gives them."""

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from pytilt.errors import UserError
from pytilt.tiltfile.compose_files import Read, dependencies, environment_file, pairs
from pytilt.tiltfile.compose_paths import Config, placed_build, placed_env_files, placed_volume

_BYTES = re.compile(r"([0-9.]+)\s*([kmgt]?)i?b?", re.IGNORECASE)
_SIZES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_PORT = re.compile(
    r"(?:(?:\[(?P<six>[^\]]+)\]|(?P<ip>\d+\.[\d.]+)):)?(?:(?P<published>[\d-]*):)?(?P<target>[\d-]+)(?:/(?P<protocol>\w+))?"
)


def normalized(service: Config, directory: str, environ: Mapping[str, str], read: Read) -> Config:
    """A service in its normal form, its fields sorted by name.

    Args:
        service: as the merged files have it.
        directory: of the project, to which paths are relative.
        environ: gives variables that have no value there.
        read: reads an environment file.

    Raises:
        UserError: a field cannot be read.
    """
    given = {key: value for key, value in service.items() if value is not None and not str(key).startswith("x-")}
    found: Config = {}
    for key, value in given.items():
        change = _FIELDS.get(key)
        found[key] = change(value, directory) if change else value
    if not found.get("profiles"):
        found.pop("profiles", None)
    environment = _environment(found, environ, read)
    if environment:
        found["environment"] = environment
    if not {"network_mode", "provider"} & found.keys():
        networks = found.get("networks") or ["default"]
        found["networks"] = networks if isinstance(networks, dict) else dict.fromkeys(networks)
    return dict(sorted(found.items()))


def published_ports(service: Config) -> tuple[int, ...]:
    """The ports of this machine that a normal service has."""
    found = [str(each.get("published", "")) for each in service.get("ports", ())]
    return tuple(int(port) for port in found if port.isdigit() and int(port))


def _build(build: object, directory: str) -> Config:
    found = placed_build(build, directory)
    found.setdefault("dockerfile", "Dockerfile") if "dockerfile_inline" not in found else None
    if "args" in found:
        found["args"] = {key: _text(value) for key, value in pairs(found["args"]).items()}
    return found


def _ports(ports: Any, _: str) -> list[Config]:  # noqa: ANN401 - YAML may hold anything
    return [port for each in ports for port in _port(each)]


def _port(port: object) -> list[Config]:
    if isinstance(port, dict):
        published = {"published": str(port["published"])} if "published" in port else {}
        return [
            {"mode": "ingress", **port, "target": int(port["target"]), "protocol": port.get("protocol", "tcp")}
            | published
        ]
    found = _PORT.fullmatch(str(port))
    if found is None:
        raise UserError(f'services: invalid port "{port}"')
    targets, range_ = _range(found["target"]), _range(found["published"] or "")
    host = {"host_ip": found["six"] or found["ip"]} if found["six"] or found["ip"] else {}
    result = []
    for index, target in enumerate(targets):
        own: Config = {"mode": "ingress", **host, "target": target}
        if len(range_) == len(targets):
            own["published"] = str(range_[index])
        elif range_:
            own["published"] = found["published"]
        result.append({**own, "protocol": found["protocol"] or "tcp"})
    return result


def _range(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1)) if first else []


def _hosts(hosts: object, _: str) -> list[str]:
    if isinstance(hosts, dict):
        return [f"{name}={address}" for name, address in sorted(hosts.items())]
    return sorted(re.sub(r"^([^:=]+)[:=]", r"\1=", str(each)) for each in hosts) if isinstance(hosts, list) else []


def _deploy(deploy: Config, _: str) -> Config:
    resources = deploy.get("resources")
    if not isinstance(resources, dict):
        return deploy
    made = {}
    for kind, held in resources.items():
        made[kind] = dict(held or {})
        if "memory" in made[kind]:
            made[kind]["memory"] = _bytes(made[kind]["memory"])
        if "cpus" in made[kind]:
            made[kind]["cpus"] = float(made[kind]["cpus"])
    return {**deploy, "resources": made}


def _environment(service: Config, environ: Mapping[str, str], read: Read) -> dict[str, str | None]:
    """The variables of a service: those of its files, then its own; one without value comes from the environment."""
    found: dict[str, str | None] = {}
    for file in service.get("env_file", ()):
        try:
            found |= environment_file(read(file["path"]), environ)
        except UserError:
            if file.get("required", True):
                raise
    found |= {name: _text(value) for name, value in pairs(service.get("environment")).items()}
    return {name: environ.get(name) if value is None else value for name, value in sorted(found.items())}


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bytes(value: Any, _: str = "") -> str:  # noqa: ANN401 - YAML may hold anything
    found = _BYTES.fullmatch(str(value))
    return str(int(float(found[1]) * _SIZES[found[2].lower()])) if found else str(value)


def _words(value: Any, _: str) -> Any:  # noqa: ANN401 - YAML may hold anything
    return shlex.split(value) if isinstance(value, str) else value


def _list(value: Any, _: str) -> Any:  # noqa: ANN401 - YAML may hold anything
    return [value] if isinstance(value, str) else value


def _mapping(value: Any, _: str) -> dict[str, str]:  # noqa: ANN401 - YAML may hold anything
    return {name: _text(held) or "" for name, held in pairs(value).items()}


def _health(value: Config, _: str) -> Config:
    test = value.get("test")
    return {**value, "test": ["CMD-SHELL", test]} if isinstance(test, str) else value


_FIELDS: dict[str, Callable[[Any, str], Any]] = {
    "build": _build,
    "command": _words,
    "entrypoint": _words,
    "depends_on": lambda value, _: dependencies(value),
    "deploy": _deploy,
    "env_file": placed_env_files,
    "expose": lambda value, _: [str(each) for each in value],
    "extra_hosts": _hosts,
    "healthcheck": _health,
    "ports": _ports,
    "volumes": lambda value, directory: [placed_volume(each, directory) for each in value],
    **dict.fromkeys(("dns", "dns_search", "tmpfs"), _list),
    **dict.fromkeys(("labels", "annotations", "sysctls"), _mapping),
    **dict.fromkeys(("mem_limit", "mem_reservation", "memswap_limit", "mem_swappiness", "shm_size"), _bytes),
}
"""What gives the field of a service its normal form, with the directory of the project."""
