"""Objects of the API group made equal to what their owner declares; objects of others are left alone."""

from collections.abc import Sequence

from msgspec.structs import replace

from pytilt.loop.api.stop_buttons import stop_button
from pytilt.loop.api.toggles import switch
from pytilt.model.api.cmds import LOCAL_RESOURCE, Cmd, CmdSpec
from pytilt.model.api.kinds import API_KINDS
from pytilt.model.api.metadata import MANAGED_BY, RESOURCE_ANNOTATION, ApiObject
from pytilt.model.names import ResourceName
from pytilt.model.resources import Declaration, ResourceSpec
from pytilt.model.stored import Owner
from pytilt.store.objects import Store


def put_objects(store: Store, owner: Owner, wanted: Sequence[ApiObject]) -> None:
    """Write what an owner declares; what it declared before and declares no more is deleted.

    Args:
        store: the session's objects.
        owner: who declares.
        wanted: all that it declares.
    """
    names = {(type(each), each.name) for each in wanted}
    state = store.snapshot()
    for kind in API_KINDS:
        for each in state.all(kind.type):
            if each.owner == owner and (kind.type, each.name) not in names:
                store.delete(kind.type, each.name)
    for each in wanted:
        store.put(redeclared(store.get(type(each), each.name), replace(each, owner=owner)))


def redeclared(before: ApiObject | None, wanted: ApiObject) -> ApiObject:
    """An object as it is declared now, with the status that it has; its generation counts the change.

    Args:
        before: what is in the store under its name, of the same kind.
        wanted: what is declared.
    """
    if before is None:
        return wanted
    same = all(getattr(before, name) == getattr(wanted, name) for name in wanted.content)
    kept = {"status": getattr(before, "status")} if hasattr(before, "status") else {}  # noqa: B009 - not of all kinds
    return replace(wanted, generation=before.generation + (not same), **kept)


def declared_objects(declaration: Declaration, enabled: set[ResourceName]) -> tuple[ApiObject, ...]:
    """All objects that a declaration asks for: those it made itself, and those that every resource has."""
    found: list[ApiObject] = list(declaration.objects)
    for resource in declaration.resources:
        found += switch(resource.name, enabled=resource.name in enabled)
        found.append(stop_button(resource.name))
        found += _commands(resource)
    mine = {(type(each), each.name): each for each in reversed(found)}
    return tuple(reversed(mine.values()))


def _commands(resource: ResourceSpec) -> list[ApiObject]:
    update = resource.deploy.update
    if update is None:
        return []
    env = tuple(f"{name}={value}" for name, value in update.env)
    spec = CmdSpec(args=update.argv, dir=update.dir, env=env)
    annotations = {RESOURCE_ANNOTATION: resource.name, MANAGED_BY: LOCAL_RESOURCE}
    return [Cmd(name=update_command(resource.name), annotations=annotations, spec=spec)]


def update_command(name: str) -> str:
    """The name of the Cmd that is the update of a local resource; Tilt's."""
    return f"{name}:update"
