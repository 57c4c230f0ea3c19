"""Which extensions an evaluation used, and where they are on this machine. Pure."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from pytilt.model.extensions import UsedExtension
from pytilt.tiltfile.running.report import DeclaredApiObject
from pytilt.tiltfile.running.request import EvaluationResult

EXTENSIONS, REPOSITORIES = "extensions", "extensionrepos"


def used_extensions(result: EvaluationResult, added: Sequence[UsedExtension] = ()) -> tuple[UsedExtension, ...]:
    """The repositories and extensions of an evaluation, in their order.

    Args:
        result: of the evaluation.
        added: those that clients added beside the Tiltfile.
    """
    by_clients = {(each.plural, each.name) for each in added}
    keyed = (((each.plural, each.name), each) for each in _declared(result))
    return tuple(replace(each, added=key in by_clients, error=result.failures.get(key, "")) for key, each in keyed)


def _declared(result: EvaluationResult) -> tuple[UsedExtension, ...]:
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
