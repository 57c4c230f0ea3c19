"""Which extensions an evaluation used, and where they are on this machine. Pure."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from pytilt.model.extensions import UsedExtension
from pytilt.tiltfile.report import DeclaredApiObject
from pytilt.tiltfile.request import EvaluationResult

EXTENSIONS, REPOSITORIES = "extensions", "extensionrepos"


def used_extensions(result: EvaluationResult) -> tuple[UsedExtension, ...]:
    """The repositories and extensions of an evaluation, in their order."""
    paths = {(each.url, each.ref): each.checkout.path for each in result.repositories}
    repositories = {each.name: each.spec for each in result.report.objects if each.plural == REPOSITORIES}
    return tuple(_used(result.report.objects, repositories, paths))


def _used(
    declared: tuple[DeclaredApiObject, ...],
    repositories: Mapping[str, Mapping[str, Any]],
    paths: Mapping[tuple[str, str], str],
) -> Iterator[UsedExtension]:
    for each in declared:
        if each.plural not in (EXTENSIONS, REPOSITORIES):
            continue
        spec = {name: value for name, value in each.spec.items() if value not in ("", [])}
        repository = each.spec if each.plural == REPOSITORIES else repositories.get(str(each.spec["repoName"]), {})
        path = paths.get((str(repository.get("url", "")), str(repository.get("ref", ""))), "")
        if path and each.plural == EXTENSIONS:
            below = (str(repository.get("gitSubpath", "")), str(each.spec["repoPath"]), "Tiltfile")
            path = posixpath.normpath(posixpath.join(path, *below))
        yield UsedExtension(plural=each.plural, name=each.name, annotations=each.annotations, spec=spec, path=path)
