"""From what the Tiltfile declared to a `Declaration`, by Tilt's rules in Tilt's order. Pure: no file is read here."""

from pytilt.errors import UserError
from pytilt.model.files import FileRule
from pytilt.model.names import ResourceName
from pytilt.model.resources import Declaration, LocalDeploy, Resource
from pytilt.tiltfile.checks import check_live_updates, check_steps, known_deps, unused_images
from pytilt.tiltfile.contexts import is_allowed, refused_deploy
from pytilt.tiltfile.declared import Declared, DeclaredLocal
from pytilt.tiltfile.enabling import enabled_resources
from pytilt.tiltfile.images_assembly import ImageIndex
from pytilt.tiltfile.kubernetes_assembly import kubernetes_resources
from pytilt.tiltfile.request import EvaluationRequest
from pytilt.tiltfile.secrets import secrets
from pytilt.tiltfile.triggers import model_mode
from pytilt.tiltfile.values import Mode


def assemble(declared: Declared, request: EvaluationRequest) -> tuple[Declaration, tuple[str, ...]]:
    """Make resources of what was declared.

    Args:
        declared: what the Tiltfile declared.
        request: the context, and which resources the command line asks for.

    Returns:
        The declaration, without its configuration files and warnings, and the warnings of the assembly.

    Raises:
        UserError: what was declared does not fit together, or must not be deployed here.
    """
    index = ImageIndex(declared.images)
    kubernetes, uncategorized = kubernetes_resources(declared, index)
    unused = unused_images(
        index,
        declared.suppressed_warnings,
        has_yaml=bool(kubernetes or uncategorized),
        has_workloads=bool(kubernetes),
    )
    if (kubernetes or uncategorized) and not is_allowed(request, declared.allowed_contexts):
        raise UserError(refused_deploy(request.context))
    check_live_updates(kubernetes)
    check_steps(declared.unused_steps)
    local = tuple(_local_resource(one, declared.trigger_mode) for one in declared.locals)
    resources, dropped = known_deps([*kubernetes, *local, *([uncategorized] if uncategorized else [])])
    declaration = Declaration(
        resources=resources,
        enabled=enabled_resources(declared, request.args, resources),
        ignores=declared.ignores,
        default_registry=declared.default_registry,
        updates=declared.updates,
        ci=declared.ci,
        secrets=secrets(declared.objects) if declared.scrub_secrets else (),
    )
    return declaration, (*([unused] if unused else []), *dropped)


def _local_resource(declared: DeclaredLocal, default_mode: Mode) -> Resource:
    return Resource(
        name=ResourceName(declared.name),
        deploy=LocalDeploy(
            update=declared.update,
            serve=declared.serve,
            files=FileRule(paths=declared.deps, ignores=declared.ignores),
            allow_parallel=declared.allow_parallel,
            readiness_probe=declared.readiness_probe,
        ),
        labels=declared.labels,
        links=declared.links,
        trigger_mode=model_mode(declared.trigger_mode or default_mode, auto_init=declared.auto_init),
        resource_deps=tuple(ResourceName(name) for name in declared.resource_deps),
    )
