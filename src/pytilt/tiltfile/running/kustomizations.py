"""Which files a kustomization is made of."""

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pytilt.cluster import objects, yaml
from pytilt.errors import UserError
from pytilt.host.reading import read_file
from pytilt.model.texts import from_bytes

_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_DIRECTORIES = ("bases", "components", "resources")
_FILES = ("crds", "patchesStrategicMerge")
_MORE_FILES = ("configurations", "generators", "transformers")
_WITH_PATHS = ("patches", "patchesJson6902", "replacements")
_GENERATORS = ("configMapGenerator", "secretGenerator")


class KustomizationFile(NamedTuple):
    """A file that a kustomization is made of."""

    path: str
    """Absolute."""
    known_to_tilt: bool = True
    """Tilt watches it, too; what is reported in its form names no other."""


def kustomization_files(directory: str) -> tuple[KustomizationFile, ...]:
    """The files that a kustomization names, with those of the kustomizations that it builds upon.

    Args:
        directory: absolute.

    Raises:
        UserError: there is no kustomization in a directory, or more than one.
    """
    return tuple(dict.fromkeys(_files(directory, ())))


def _files(directory: str, above: tuple[str, ...]) -> Iterator[KustomizationFile]:
    if directory in above:
        return  # kustomize itself reports the circle
    path = _kustomization(directory)
    yield KustomizationFile(path)
    documents = yaml.parse_values(from_bytes(read_file(path)), path)
    content = next((document for document in documents if isinstance(document, dict)), {})
    for name in _texts(content, *_DIRECTORIES):
        full = posixpath.normpath(posixpath.join(directory, name))
        if Path(full).is_dir():
            yield from _files(full, (*above, directory))
        elif not _is_remote(name):
            yield KustomizationFile(full)
    for name, known in _named_files(content):
        yield KustomizationFile(posixpath.normpath(posixpath.join(directory, name)), known)


def _kustomization(directory: str) -> str:
    found = [path for name in _NAMES if Path(path := posixpath.join(directory, name)).is_file()]
    if not found:
        raise UserError(
            f"resolving deps: unable to find one of {', '.join(f'`{name}`' for name in _NAMES)} in directory "
            f"'{directory}'"
        )
    if len(found) > 1:
        raise UserError(f"resolving deps: Found multiple kustomization files under: {directory}")
    return found[0]


def _named_files(content: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Each name, and whether Tilt looks at it: not at configurations, plugins and what Secrets are made of."""
    for name in _texts(content, *_FILES):
        if "\n" not in name:  # it may be the patch itself
            yield name, True
    yield from ((name, False) for name in _texts(content, *_MORE_FILES))
    for key in _WITH_PATHS:
        yield from (
            (str(entry["path"]), key != "replacements") for entry in objects.items(content, key) if entry.get("path")
        )
    for key in _GENERATORS:
        for entry in objects.items(content, key):
            yield from _sources(entry, known_to_tilt=key == "configMapGenerator")


def _sources(generator: Mapping[str, Any], *, known_to_tilt: bool) -> Iterator[tuple[str, bool]]:
    for name in _texts(generator, "files"):
        _, renamed, source = name.partition("=")
        if renamed:
            yield source, False
        if known_to_tilt:
            yield name, True  # it takes `KEY=FILE` for the name of a file
        elif not renamed:
            yield name, False
    yield from ((name, False) for name in _texts(generator, "envs"))
    yield from [(str(generator["env"]), False)] if generator.get("env") else []


def _texts(content: Mapping[str, Any], *keys: str) -> list[str]:
    return [item for key in keys for item in content.get(key) or () if isinstance(item, str)]


def _is_remote(name: str) -> bool:
    return "://" in name or name.startswith(("github.com/", "git@", "git::"))
