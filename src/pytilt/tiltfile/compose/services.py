"""Services of a Compose project in the normal form that Compose itself gives them."""

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytilt.errors import UserError
from pytilt.model.durations import duration_of, go_duration
from pytilt.model.numbers import whole
from pytilt.model.regex import regex
from pytilt.tiltfile.compose.files import Read, dependencies, environment_file, pairs
from pytilt.tiltfile.compose.paths import Config, placed, placed_build, placed_env_files, placed_volume

_BYTES = regex(r"([0-9.]+)\s*([kmgt]?)i?b?", re.IGNORECASE)
_SIZES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_NAMESPACES = ("network_mode", "ipc", "pid", "uts", "cgroup")
_SERVICE = "service:"
_NO_FOLDER = regex(r"[\w+.-]+:(?!\\)|git@|github\.com/")
"""How an additional context begins that is no directory: `docker-image://`, `service:`, `target:`, `https://`."""
_DEPLOY_DURATIONS = {
    "restart_policy": ("delay", "window"),
    "update_config": ("delay", "monitor"),
    "rollback_config": ("delay", "monitor"),
}
_PORT = regex(
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
    given = {key: value for key, value in service.items() if value is not None}
    found: Config = {}
    for key, value in given.items():
        change = _FIELDS.get(key)
        found[key] = change(value, directory) if change else value
    if not found.get("profiles"):
        found.pop("profiles", None)
    if "label_file" in found:
        found["label_file"] = [placed(each, directory) for each in _list(found["label_file"], directory)]
        from_files = {
            name: held for each in found["label_file"] for name, held in environment_file(read(each), environ).items()
        }
        found["labels"] = {**from_files, **(found.get("labels") or {})}
    environment = _environment(found, environ, read)
    if environment:
        found["environment"] = environment
    depends = {**_implied(found), **(found.get("depends_on") or {})}
    if depends:
        found["depends_on"] = depends
    if isinstance(found.get("build"), dict) and "args" in found["build"]:
        found["build"] = {**found["build"], "args": _arguments(found["build"]["args"], environ)}
    if not {"network_mode", "provider"} & found.keys():
        networks = found.get("networks") or ["default"]
        found["networks"] = networks if isinstance(networks, dict) else dict.fromkeys(networks)
    return dict(sorted(found.items()))


def _implied(service: Config) -> Config:
    """The dependencies that follow from other fields: links, shared namespaces and volumes."""
    shared = (str(service.get(field, "")) for field in _NAMESPACES)
    names = [str(link).partition(":")[0] for link in service.get("links") or ()]
    names += [text.removeprefix(_SERVICE) for text in shared if text.startswith(_SERVICE)]
    volumes = [str(each) for each in service.get("volumes_from") or ()]
    found = {
        each.partition(":")[0]: {"condition": "service_started", "restart": False, "required": True}
        for each in volumes
        if not each.startswith("container:")
    }
    return found | {name: {"condition": "service_started", "restart": True, "required": True} for name in names}


def _arguments(arguments: Mapping[str, str | None], environ: Mapping[str, str]) -> dict[str, str]:
    """Those without a value have that of the environment, or are not there."""
    found = {name: environ.get(name) if value is None else value for name, value in arguments.items()}
    return {name: value for name, value in found.items() if value is not None}


def published_ports(service: Config) -> tuple[int, ...]:
    """The ports of this machine that a normal service has."""
    found = [str(each.get("published", "")) for each in service.get("ports", ())]
    return tuple(port for port in map(whole, found) if port)


def _build(build: object, directory: str) -> Config:
    found = placed_build(build, directory)
    found.setdefault("dockerfile", "Dockerfile") if "dockerfile_inline" not in found else None
    if "args" in found:
        found["args"] = {key: _text(value) for key, value in pairs(found["args"]).items()}
    for field, change in _BUILD_FIELDS.items():
        if found.get(field) is not None:
            found[field] = change(found[field], directory)
    return found


def _contexts(value: Any, directory: str) -> Config:  # noqa: ANN401 - YAML may hold anything
    found = {name: _text(held) or "" for name, held in pairs(value).items()}
    return {name: held if _NO_FOLDER.match(held) else placed(held, directory) for name, held in found.items()}


def _ports(ports: Any, _: str) -> list[Config]:  # noqa: ANN401 - YAML may hold anything
    found: list[Config] = []
    for port in (port for each in ports for port in _port(each)):
        if port not in found:
            found.append(port)
    return found


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
    for field, durations in _DEPLOY_DURATIONS.items():
        if isinstance(deploy.get(field), dict):
            deploy = {**deploy, field: _with_durations(deploy[field], durations)}
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
        if isinstance(made[kind].get("devices"), list):
            made[kind]["devices"] = [_requested(each) for each in made[kind]["devices"]]
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
    found = {**value, "test": ["CMD-SHELL", test]} if isinstance(test, str) else value
    return _with_durations(found, ("interval", "timeout", "start_period", "start_interval"))


def _with_durations(value: Config, fields: Sequence[str]) -> Config:
    return value | {field: _duration(value[field]) for field in fields if value.get(field) is not None}


def _duration(value: Any, _: str = "") -> Any:  # noqa: ANN401 - YAML may hold anything
    seconds = duration_of(str(value))
    return value if seconds is None else go_duration(seconds)


def _mounts(value: Any, _: str) -> list[Any]:  # noqa: ANN401 - YAML may hold anything
    return [{"source": each} if isinstance(each, str) else each for each in value]


def _secrets(value: Any, _: str) -> list[Any]:  # noqa: ANN401 - YAML may hold anything
    return [{"target": f"/run/secrets/{each.get('source')}", **each} for each in _mounts(value, _)]


def _devices(value: Any, _: str) -> list[Any]:  # noqa: ANN401 - YAML may hold anything
    return [_device(each) if isinstance(each, str) else each for each in value]


def _device(text: str) -> Config:
    source, _, rest = text.partition(":")
    target, _, permissions = rest.partition(":")
    return {"source": source, "target": target or source, "permissions": permissions or "rwm"}


def _gpus(value: Any, _: str) -> Any:  # noqa: ANN401 - YAML may hold anything
    return [{"count": -1}] if isinstance(value, str) else [_requested(each) for each in value]


def _requested(device: Any) -> Any:  # noqa: ANN401 - YAML may hold anything
    """A device with how many are asked for: all, where nothing says so."""
    if not isinstance(device, dict) or "device_ids" in device:
        return device
    return {**device, "count": -1 if device.get("count", "all") == "all" else device["count"]}


def _develop(value: Config, directory: str) -> Config:
    watches = value.get("watch")
    if not isinstance(watches, list):
        return value
    placed_ones = [
        {**each, "path": placed(str(each["path"]), directory)} if "path" in each else each for each in watches
    ]
    return {**value, "watch": placed_ones}


_BUILD_FIELDS: dict[str, Callable[[Any, str], Any]] = {
    "additional_contexts": _contexts,
    "extra_hosts": _hosts,
    "labels": _mapping,
    "secrets": _mounts,
    "shm_size": _bytes,
}
_FIELDS: dict[str, Callable[[Any, str], Any]] = {
    "build": _build,
    "command": _words,
    "entrypoint": _words,
    "depends_on": lambda value, _: dependencies(value),
    "configs": _mounts,
    "deploy": _deploy,
    "develop": _develop,
    "devices": _devices,
    "env_file": placed_env_files,
    "expose": lambda value, _: [str(each) for each in value],
    "extra_hosts": _hosts,
    "gpus": _gpus,
    "healthcheck": _health,
    "ports": _ports,
    "pull_policy": lambda value, _: "missing" if value == "if_not_present" else value,
    "secrets": _secrets,
    "stop_grace_period": _duration,
    "volumes": lambda value, directory: [placed_volume(each, directory) for each in value],
    **dict.fromkeys(("dns", "dns_search", "tmpfs"), _list),
    **dict.fromkeys(("labels", "annotations", "sysctls"), _mapping),
    **dict.fromkeys(("mem_limit", "mem_reservation", "memswap_limit", "mem_swappiness", "shm_size"), _bytes),
}
"""What gives the field of a service its normal form, with the directory of the project."""
