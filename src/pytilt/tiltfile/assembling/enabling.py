"""Which resources run: what the command line and the Tiltfile ask for, with everything that it needs."""

from collections.abc import Sequence

from pytilt.errors import UserError
from pytilt.model.names import UNCATEGORIZED, ResourceName
from pytilt.model.resources import ResourceSpec
from pytilt.tiltfile.running.declared import ScriptResult


def enabled_resources(
    declared: ScriptResult, args: Sequence[str], resources: Sequence[ResourceSpec]
) -> tuple[ResourceName, ...]:
    """The names of the resources to run, in the order of the resources.

    Args:
        declared: says what the Tiltfile asks for, and whether it took the words of the command line.
        args: the words of the command line.
        resources: all of them.

    Raises:
        UserError: a name that was asked for does not exist.
    """
    if declared.enabled.none:
        return ()
    wanted = declared.enabled.names or (() if declared.settings_parsed else tuple(args))
    if not wanted:
        return tuple(resource.name for resource in resources)
    deps = {resource.name: resource.resource_deps for resource in resources}
    unknown = [name for name in wanted if name not in deps]
    if unknown:
        others = [resource.name for resource in resources if resource.name not in wanted]
        raise UserError(
            f"You specified some resources that could not be found: {_quoted(unknown)}\n"
            f"Is this a typo? Existing resources in Tiltfile: {_quoted(others)}"
        )
    chosen: set[str] = set()
    waiting = [ResourceName(name) for name in wanted]
    while waiting:
        name = waiting.pop()
        if name not in chosen:
            chosen.add(name)
            waiting += deps[name]
    return tuple(name for name in deps if name in chosen or name == UNCATEGORIZED)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
