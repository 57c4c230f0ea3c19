"""From services of Docker Compose to resources."""

import posixpath

from pytilt.errors import UserError
from pytilt.model.files import Ignore
from pytilt.model.names import ResourceName
from pytilt.model.resources import ComposeBuild, ComposeDeploy, ResourceSpec
from pytilt.tiltfile.arguments.triggers import model_mode
from pytilt.tiltfile.assembling.images_assembly import ImageIndex
from pytilt.tiltfile.compose.services import published_ports
from pytilt.tiltfile.compose.text import service_text
from pytilt.tiltfile.running.declared import DeclaredProject, DeclaredService, ScriptResult


def compose_resources(declared: ScriptResult, index: ImageIndex) -> tuple[ResourceSpec, ...]:
    """The resources of all services.

    Args:
        declared: what the Tiltfile declared.
        index: its images.

    Raises:
        UserError: something is declared that Docker Compose cannot do.
    """
    found = [(project, service) for project in declared.composes for service in project.services]
    if found and declared.default_registry is not None:
        raise UserError("default_registry is not supported with docker compose")
    return tuple(_resource(project, service, declared, index) for project, service in found)


def _resource(
    project: DeclaredProject, service: DeclaredService, declared: ScriptResult, index: ImageIndex
) -> ResourceSpec:
    name = service.image or service.config_image
    built = index.find(name)
    images = index.needed([built]) if built else ()
    if any(image.entrypoint for image in images):
        raise UserError("docker_build/custom_build.entrypoint not supported for Docker Compose resources")
    deploy = ComposeDeploy(
        project=project.project,
        service=service.service,
        yaml=service_text(service.config),
        image=built or name,
        targets=images,
        build=None if built else _build(service),
        published_ports=published_ports(service.config),
        infer_links=service.infer_links,
    )
    return ResourceSpec(
        name=ResourceName(service.name),
        deploy=deploy,
        labels=service.labels,
        links=service.links,
        trigger_mode=model_mode(service.trigger_mode or declared.trigger_mode, auto_init=service.auto_init),
        resource_deps=tuple(ResourceName(dep) for dep in service.resource_deps),
    )


def _build(service: DeclaredService) -> ComposeBuild | None:
    """What Compose itself builds for a service, None where it takes an image that is there."""
    build = service.config.get("build")
    if not build:
        return None
    context, dockerfile = str(build["context"]), str(build.get("dockerfile") or "Dockerfile")
    if not posixpath.isabs(context):
        context = ""  # a repository
    path = posixpath.normpath(posixpath.join(context, dockerfile)) if context else dockerfile
    mounted = [str(volume.get("source", "")) for volume in service.config.get("volumes", ())]
    unwatched = (Ignore(base=path), *(Ignore(base=source) for source in mounted))
    return ComposeBuild(context=context, dockerfile=path, ignores=(*service.ignores, *unwatched))
