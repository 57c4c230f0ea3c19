"""What kind of value each field of a service of Docker Compose may have."""

from collections.abc import Mapping
from typing import Any

from pytilt.errors import UserError

_SCALAR = (str, int, float, bool)
_FIELDS: Mapping[str, tuple[type, ...]] = {
    "build": (str, dict), "extends": (str, dict), "healthcheck": (dict,), "deploy": (dict,),
    "networks": (list, dict), "depends_on": (list, dict), "environment": (list, dict), "labels": (list, dict),
    "annotations": (list, dict), "sysctls": (list, dict), "extra_hosts": (list, dict),
    "command": (str, list), "entrypoint": (str, list), "env_file": (str, list), "dns": (str, list),
    "dns_search": (str, list), "tmpfs": (str, list), "ports": (list,), "volumes": (list,), "expose": (list,),
    "profiles": (list,), "image": (str,),
}  # fmt: skip
_BUILD: Mapping[str, tuple[type, ...]] = {
    "context": (str,), "dockerfile": (str,), "target": (str,), "args": (list, dict),
}  # fmt: skip
_NAMES: Mapping[type, str] = {str: "string", dict: "mapping", list: "list"}
_ELEMENTS: Mapping[str, tuple[type, ...]] = {
    "ports": (*_SCALAR, dict), "volumes": (str, dict), "env_file": (str, dict), "expose": _SCALAR, "profiles": (str,),
    "depends_on": (str,), "networks": (str,), "environment": _SCALAR, "labels": _SCALAR, "extra_hosts": (str,),
    "annotations": _SCALAR, "sysctls": _SCALAR,
}  # fmt: skip


def check_service(name: str, service: object) -> None:
    """Refuse a service that Docker Compose would refuse because a value is of the wrong kind.

    Raises:
        UserError: it names the field.
    """
    where = f"services.{name}"
    if not isinstance(service, dict):
        raise UserError(f"{where} must be a mapping")
    for field, kinds in _FIELDS.items():
        value = service.get(field)
        if value is None:
            continue
        _check(f"{where}.{field}", value, kinds)
        for index, element in enumerate(value if isinstance(value, list) else ()):
            _check(f"{where}.{field}.{index}", element, _ELEMENTS.get(field, (*_SCALAR, dict)))
    _check_inner(where, service)


def _check_inner(where: str, service: Mapping[str, Any]) -> None:
    for index, port in enumerate(service.get("ports") or ()):
        if isinstance(port, dict) and not str(port.get("target", "")).isdigit():
            raise UserError(f"{where}.ports.{index}.target must be a number")
    files = service.get("env_file")
    for index, file in enumerate(files if isinstance(files, list) else ()):
        if isinstance(file, dict) and not isinstance(file.get("path"), str):
            raise UserError(f"{where}.env_file.{index}.path must be a string")
    _check_fields(f"{where}.build", service.get("build"), _BUILD)
    _check_fields(f"{where}.extends", service.get("extends"), {"service": (str,), "file": (str,)})
    depends = service.get("depends_on")
    _check_fields(f"{where}.depends_on", depends, dict.fromkeys(depends or (), (dict,)))
    _check_resources(f"{where}.deploy", service.get("deploy") or {})


def _check_fields(where: str, holder: object, fields: Mapping[str, tuple[type, ...]]) -> None:
    """The fields of a mapping; what is none was checked already."""
    if isinstance(holder, dict):
        for field, kinds in fields.items():
            if holder.get(field) is not None:
                _check(f"{where}.{field}", holder[field], kinds)


def _check_resources(where: str, deploy: Mapping[str, Any]) -> None:
    resources = deploy.get("resources")
    for kind, held in resources.items() if isinstance(resources, dict) else ():
        if held is None:
            continue
        _check(f"{where}.resources.{kind}", held, (dict,))
        try:
            float(held.get("cpus", 0))
        except (TypeError, ValueError):
            raise UserError(f"{where}.resources.{kind}.cpus must be a number") from None


def _check(where: str, value: object, kinds: tuple[type, ...]) -> None:
    if not isinstance(value, kinds):
        names = list(dict.fromkeys(_NAMES.get(kind, "string") for kind in kinds))
        raise UserError(f"{where} must be a {' or a '.join(names)}")
