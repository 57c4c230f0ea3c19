"""Compose files: read, their variables put in, merged into one project, as the Compose specification says.

Not done, and said so: `include` and `extends` of a file that is not on this disk. Fields that Compose does not know are
passed on as they are.
"""

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from pytilt.errors import UserError
from pytilt.model.regex import regex
from pytilt.tiltfile.compose.paths import Config, placed, rebased
from pytilt.tiltfile.compose.shapes import check_service

Read = Callable[[str], str]
"""Gives the text of a file."""

_VARIABLE = regex(
    r"\$(?:(?P<escaped>\$)|(?P<named>[_a-zA-Z][_a-zA-Z0-9]*)"
    r"|\{(?P<braced>[_a-zA-Z][_a-zA-Z0-9]*)(?:(?P<operator>:?[-?+])(?P<rest>[^{}]*(?:\{[^{}]*\}[^{}]*)*))?\})"
)
_MOST_NODES = 1_000_000
"""So many values a file may be, its aliases written out: a few lines of aliases of aliases would be billions."""

_DOT_ENV = ".env"
_UNIQUE = {"ports", "volumes", "expose", "dns", "dns_search", "tmpfs", "cap_add", "cap_drop", "devices", "env_file"}
"""Lists of a service to which a later file adds what is not there yet."""
_REPLACED = {"command", "entrypoint"}
_ENVIRONMENT_LINE = regex(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*(?:[=:]\s*(.*))?$")


def project_name(text: str) -> str:
    """The name of a project as Compose allows it."""
    return re.sub(r"[^a-z0-9_-]", "", text.lower()).lstrip("_-")


def read_project(
    paths: Sequence[str], directory: str, environ: Mapping[str, str], read: Read, including: tuple[str, ...] = ()
) -> Config:
    """Read the files of a project.

    Args:
        paths: absolute; later ones change earlier ones.
        directory: of the project.
        environ: for the variables in them.
        read: reads a file.
        including: the files that include these, outermost first.

    Raises:
        UserError: one of them cannot be read, or they do not fit together.
    """
    merged: Config = {}
    for path in paths:
        if path in including:
            raise UserError(f"include cycle detected: {' -> '.join([*including, path])}")
        merged = merge(merged, _read_file(path, environ, read))
    services = merged.get("services") or {}
    if not isinstance(services, dict):
        raise UserError("services must be a mapping", where=next(iter(paths), None))
    extended = _Extends(services, directory, environ, read)
    project = {**merged, "services": {str(name): extended.service(str(name)) for name in services}}
    for entry in _list_of(project.pop("include", None)):
        _include(project, _included(entry, directory, environ, read, (*including, *paths)))
    return project


def _included(
    entry: object, directory: str, environ: Mapping[str, str], read: Read, including: tuple[str, ...]
) -> Config:
    """The project that an entry of `include` names; its paths and its `.env` are its own."""
    long: Config = entry if isinstance(entry, dict) else {"path": entry}
    paths = [each for each in _list_of(long.get("path")) if isinstance(each, str)]
    if not paths:
        raise UserError("include: every entry must be a path, or a mapping with a `path`", where=including[-1])
    files = [placed(each, directory) for each in paths]
    own = placed(str(long.get("project_directory") or posixpath.dirname(files[0])), directory)
    named = [placed(str(each), directory) for each in _list_of(long.get("env_file"))]
    known: dict[str, str] = {}
    for file in named or [posixpath.join(own, _DOT_ENV)]:
        try:
            known |= _texts(environment_file(read(file), {**known, **environ}))
        except UserError:
            if named:
                raise
    found = read_project(files, own, {**known, **environ}, read, including)
    return {**found, "services": {name: rebased(each, own) for name, each in found["services"].items()}}


def _include(project: Config, other: Config) -> None:
    """Take in what another project declares.

    Raises:
        UserError: both declare something of one name.
    """
    for section in ("services", "networks", "volumes", "secrets", "configs"):
        for name, value in (other.get(section) or {}).items():
            known = project.get(section) or {}
            if known.get(name, value) != value:
                raise UserError(f"{section}.{name} conflicts with imported resource")
            project[section] = {**known, name: value}


def _list_of(value: object) -> list[object]:
    return [] if value is None else value if isinstance(value, list) else [value]


def environment_file(text: str, environ: Mapping[str, str]) -> dict[str, str | None]:
    """The variables of an environment file; None for those whose value comes from the environment."""
    found: dict[str, str | None] = {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        matched = _ENVIRONMENT_LINE.match(line)
        if matched is None:
            raise UserError(f"unexpected line in an environment file: {line.strip()[:40]}")
        name, value = matched[1], matched[2]
        found[name] = None if value is None else _environment_value(value.strip(), {**environ, **_texts(found)})
    return found


def merge(old: Any, new: Any, key: str = "") -> Any:  # noqa: ANN401 - YAML may hold anything
    """What two files say together, below a key.

    Args:
        old: of the earlier file.
        new: of the later one, which wins.
        key: where the values stand.
    """
    if key in _REPLACED:
        return new
    if key in ("environment", "labels", "args") and old is not None and new is not None:
        return {**pairs(old), **pairs(new)}
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{name: merge(old[name], value, name) if name in old else value for name, value in new.items()}}
    if isinstance(old, list) and isinstance(new, list):
        return [*old, *(each for each in new if each not in old)] if key in _UNIQUE else [*old, *new]
    if key == "depends_on":
        return {**dependencies(old), **dependencies(new)}
    return new


def pairs(value: Any) -> dict[str, Any]:  # noqa: ANN401 - YAML may hold anything
    """`KEY=VALUE` lines or a mapping as a mapping; None for a key without value."""
    if isinstance(value, dict):
        return {str(key): held for key, held in value.items()}
    found: dict[str, Any] = {}
    for line in value or ():
        key, equals, held = str(line).partition("=")
        found[key] = held if equals else None
    return found


def dependencies(value: Any) -> Config:  # noqa: ANN401 - YAML may hold anything
    """`depends_on` in its long form."""
    if isinstance(value, dict):
        return {
            name: {"condition": "service_started", "required": True, **(held or {})} for name, held in value.items()
        }
    return {str(name): {"condition": "service_started", "required": True} for name in value or ()}


def _read_file(path: str, environ: Mapping[str, str], read: Read) -> Config:
    import yaml

    try:
        loader = _loader()(read(path))
        try:
            node = loader.get_single_node()
            if node is not None and _weight(node, {}, set()) > _MOST_NODES:
                raise UserError(f"failed to parse {path}: document contains excessive aliasing")
            found = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except RecursionError as error:
        raise UserError(f"failed to parse {path}: exceeded maximum nesting depth") from error
    except UnicodeEncodeError as error:  # bytes that are no UTF-8 came as surrogates
        raise UserError(f"failed to parse {path}: it holds bytes that are not UTF-8") from error
    except (yaml.YAMLError, ValueError) as error:  # a date or a number that there is not
        raise UserError(f"failed to parse {path}: {error}") from error
    if not isinstance(found, dict):
        raise UserError(f"{path}: top-level object must be a mapping")
    result: Config = _interpolated(found, environ, path)
    return result


def _weight(node: Any, known: dict[int, int], within: set[int]) -> int:  # noqa: ANN401 - the nodes have no common type
    """How many values a node is once each alias is a copy.

    Raises:
        ValueError: it holds itself.
    """
    key = id(node)
    if key in within:
        raise ValueError(f"line {node.start_mark.line + 1}: an alias stands for something that holds it")
    if key not in known:
        within.add(key)
        parts = node.value if node.id == "sequence" else chain(*node.value) if node.id == "mapping" else ()
        known[key] = 1 + sum(_weight(part, known, within) for part in parts)
        within.remove(key)
    return known[key]


def _interpolated(value: Any, environ: Mapping[str, str], path: str) -> Any:  # noqa: ANN401 - YAML may hold anything
    if isinstance(value, str):
        return interpolate(value, environ, path) if "$" in value else value
    if isinstance(value, dict):
        return {key: _interpolated(held, environ, path) for key, held in value.items()}
    return [_interpolated(each, environ, path) for each in value] if isinstance(value, list) else value


def interpolate(text: str, environ: Mapping[str, str], path: str) -> str:
    """A text with its variables put in.

    Raises:
        UserError: a variable that must be set is not, or there is a `$` that begins none.
    """

    def put(found: re.Match[str]) -> str:
        if found["escaped"]:
            return "$"
        name = found["named"] or found["braced"]
        value, operator = environ.get(name), found["operator"] or ""
        is_set = bool(value) if operator.startswith(":") else value is not None
        if operator.endswith("-") and not is_set:
            return interpolate(found["rest"], environ, path)
        if operator.endswith("+"):
            return interpolate(found["rest"], environ, path) if is_set else ""
        if operator.endswith("?") and not is_set:
            raise UserError(f"{path}: required variable {name} is missing a value: {found['rest']}")
        return value or ""

    rest = _VARIABLE.sub("", text)
    if "$" in rest:
        raise UserError(f'{path}: invalid interpolation format: "{text}"', hint="write `$$` for a dollar sign")
    return _VARIABLE.sub(put, text)


class _Extends:
    """Services with what they extend taken in."""

    def __init__(self, services: Config, directory: str, environ: Mapping[str, str], read: Read) -> None:
        self._services = services
        self._directory = directory
        self._environ = environ
        self._read = read
        self._open: list[str] = []

    def service(self, name: str) -> Config:
        """One of them.

        Raises:
            UserError: it extends itself, or something that is not there.
        """
        if name not in self._services:
            raise UserError(f'no service "{name}"')
        own: Config = self._services[name]
        check_service(name, own)
        extends = own.get("extends")
        if not extends:
            return own
        if name in self._open:
            raise UserError(f"circular reference in `extends`: {' -> '.join([*self._open, name])}")
        self._open.append(name)
        base, file = (
            (extends, None) if isinstance(extends, str) else (extends.get("service", name), extends.get("file"))
        )
        kept = {key: value for key, value in own.items() if key != "extends"}
        found = merge(self._from(file, str(base)), kept)
        self._open.pop()
        result: Config = found
        return result

    def _from(self, file: str | None, name: str) -> Config:
        if file is None:
            return self.service(name)
        path = placed(file, self._directory)
        services = _read_file(path, self._environ, self._read).get("services")
        if not isinstance(services, dict):
            raise UserError("services must be a mapping", where=path)
        directory = posixpath.dirname(path)
        return rebased(_Extends(services, directory, self._environ, self._read).service(name), directory)


def _environment_value(text: str, environ: Mapping[str, str]) -> str:
    if text[:1] == "'" and (end := text.find("'", 1)) > 0:
        return text[1:end]
    if text[:1] == '"' and (found := re.match(r'"((?:[^"\\]|\\.)*)"', text)):
        plain = found[1].replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
        return interpolate(plain, environ, "environment file")
    return interpolate(re.split(r"\s+#", text)[0].rstrip(), environ, "environment file")


def _texts(values: Mapping[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in values.items() if value is not None}


def _loader() -> Any:  # noqa: ANN401 - a class of the C library, or its stand-in in Python
    """Reads plain words as YAML 1.2 does: only `true` and `false` are truth values, and times are texts."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: Any = type("ComposeLoader", (base,), {"yaml_implicit_resolvers": {}})
    for tag, pattern, first in (
        ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
        ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
        ("float", r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
        ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
        ("merge", r"^<<$", "<"),
    ):
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))
    return loader
