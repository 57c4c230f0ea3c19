"""The paths in a service of Docker Compose: relative to the directory of the file that has them, then absolute."""

import posixpath
from typing import Any

from pytilt.model.regex import regex

Config = dict[str, Any]
"""A mapping of a Compose file."""

_REMOTE = regex(r"[\w+.-]+://|git@|github\.com/")
_PROPAGATIONS = ("private", "rprivate", "shared", "rshared", "slave", "rslave")


def placed(path: str, directory: str) -> str:
    """A path of this machine, absolute."""
    return posixpath.normpath(posixpath.join(directory, posixpath.expanduser(path)))


def placed_build(build: object, directory: str) -> Config:
    """`build` in its long form."""
    found: Config = {"context": build} if isinstance(build, str) else dict(build) if isinstance(build, dict) else {}
    context = str(found.get("context") or ".")
    if not _REMOTE.match(context):
        found["context"] = posixpath.normpath(posixpath.join(directory, context))
    return found


def placed_volume(volume: object, directory: str) -> Config:
    """One of `volumes` in its long form."""
    if isinstance(volume, dict):
        found = dict(volume)
        if found.get("type") == "bind":
            found["source"] = placed(str(found.get("source", "")), directory)
        return found | ({"target": posixpath.normpath(str(found["target"]))} if found.get("target") else {})
    parts = str(volume).split(":")
    source, target = ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])
    is_bind = source.startswith((".", "/", "~"))
    found = {"type": "bind" if is_bind else "volume"}
    if source:
        found["source"] = placed(source, directory) if is_bind else source
    found["target"] = posixpath.normpath(target)
    options = parts[2].split(",") if len(parts) > 2 else []
    if "ro" in options:
        found["read_only"] = True
    return {**found, found["type"]: _options(options, is_bind=is_bind)}


def _options(options: list[str], *, is_bind: bool) -> Config:
    found: Config = {}
    for option in options:
        if is_bind and option in ("z", "Z"):
            found["selinux"] = option
        elif is_bind and option in _PROPAGATIONS:
            found["propagation"] = option
        elif not is_bind and option == "nocopy":
            found["nocopy"] = True
    return found


def placed_env_files(value: object, directory: str) -> list[Config]:
    """`env_file` in its long form."""
    return [_env_file(each, directory) for each in (value if isinstance(value, list) else [value])]


def rebased(service: Config, directory: str) -> Config:
    """A service whose paths do not depend any more on where its file is.

    Args:
        service: as a file has it.
        directory: of that file.
    """
    found = dict(service)
    if found.get("build") is not None:
        found["build"] = placed_build(found["build"], directory)
    if found.get("volumes") is not None:
        found["volumes"] = [placed_volume(each, directory) for each in found["volumes"]]
    if found.get("env_file") is not None:
        found["env_file"] = placed_env_files(found["env_file"], directory)
    return found


def _env_file(entry: object, directory: str) -> Config:
    found: Config = dict(entry) if isinstance(entry, dict) else {"path": str(entry)}
    return {**found, "path": placed(str(found["path"]), directory)}
