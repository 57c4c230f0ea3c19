"""The resources of one kind, by the `Deploy` that declares them: pure questions about the state."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from pytilt.model.objects import Resource
from pytilt.model.resources import Deploy
from pytilt.store.objects import Aspect, Snapshot

D = TypeVar("D", bound=Deploy)


def changes_of(kind: type[Deploy]) -> Aspect:
    """Of a resource of one kind every change; nothing of the others."""
    return lambda resource: resource.version if isinstance(resource.spec.deploy, kind) else None


def deployed_as(kind: type[D], state: Snapshot, names: Iterable[str] | None = None) -> Iterator[tuple[Resource, D]]:
    """The resources of one kind, each with how it is deployed.

    Args:
        kind: the struct that declares it.
        state: the objects of the session.
        names: look only at resources of these names; None: at all.
    """
    for name in state.named(Resource) if names is None else names:
        resource = state.get(Resource, name)
        deploy = resource.spec.deploy if resource is not None else None
        if resource is not None and isinstance(deploy, kind):
            yield resource, deploy
