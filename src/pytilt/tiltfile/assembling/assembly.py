"""From what the Tiltfile declared to a `Declaration`, by Tilt's rules in Tilt's order. Pure: no file is read here."""

from contextlib import suppress

from msgspec.structs import replace

from pytilt.cluster import objects, yaml
from pytilt.cluster.secrets import secrets
from pytilt.errors import UserError
from pytilt.model.api.cmds import Cmd
from pytilt.model.api.kinds import AnyApiObject
from pytilt.model.api.kubernetes_applies import KubernetesApply
from pytilt.model.commands import Command
from pytilt.model.files import FileRule
from pytilt.model.images import CustomBuild, DockerBuild, HelperMode, Image
from pytilt.model.inference import InferenceMode
from pytilt.model.names import ResourceName
from pytilt.model.resources import Declaration, KubeObject, LocalDeploy, ResourceSpec, UpdateMode
from pytilt.tiltfile.arguments.triggers import model_mode
from pytilt.tiltfile.assembling.checks import check_live_updates, check_names, check_steps, known_deps, unused_images
from pytilt.tiltfile.assembling.compose_assembly import compose_resources
from pytilt.tiltfile.assembling.enabling import enabled_resources
from pytilt.tiltfile.assembling.images_assembly import ImageIndex
from pytilt.tiltfile.assembling.kubernetes_assembly import kubernetes_resources
from pytilt.tiltfile.running.contexts import is_allowed, refused_deploy
from pytilt.tiltfile.running.declared import DeclaredLocal, ScriptResult
from pytilt.tiltfile.running.request import EvaluationRequest

Pairs = tuple[tuple[str, str], ...]


def assemble(declared: ScriptResult, request: EvaluationRequest) -> tuple[Declaration, tuple[str, ...]]:
    """Make resources of what was declared.

    Args:
        declared: what the Tiltfile declared.
        request: the context, and which resources the command line asks for.

    Returns:
        The declaration, without its configuration files and warnings, and the warnings of the assembly.

    Raises:
        UserError: what was declared does not fit together, or must not be deployed here.
    """
    mode = declared.updates.mode if request.update_mode is UpdateMode.AUTO else request.update_mode
    index = ImageIndex([_in_mode(_completed(image, declared), mode) for image in declared.images])
    kubernetes, uncategorized = kubernetes_resources(_with_namespace(declared, request), index)
    compose = compose_resources(declared, index)
    unused = unused_images(
        index,
        declared.suppressed_warnings,
        has_yaml=bool(kubernetes or uncategorized or compose),
        has_workloads=bool(kubernetes or compose),
        kind="Docker Compose" if compose else "Kubernetes",
    )
    applies = any(isinstance(each, KubernetesApply) for each in declared.api_objects)
    if (kubernetes or uncategorized or applies) and not is_allowed(request, declared.allowed_contexts):
        raise UserError(refused_deploy(request.context))
    check_live_updates(kubernetes)
    check_steps(declared.unused_steps)
    local = tuple(_local_resource(one, declared) for one in declared.locals)
    resources, dropped = known_deps([*kubernetes, *compose, *local, *([uncategorized] if uncategorized else [])])
    check_names(resources)
    declaration = Declaration(
        resources=resources,
        enabled=enabled_resources(declared, request.args, resources),
        objects=tuple(_object_in_environ(each, declared.environ) for each in declared.api_objects),
        ignores=declared.ignores,
        default_registry=declared.default_registry,
        updates=declared.updates,
        ci=declared.ci,
        prune=declared.prune,
        snapshots=declared.snapshots,
        secrets=_secrets(declared) if declared.scrub_secrets else (),
    )
    return declaration, (*([unused] if unused else []), *dropped)


def _with_namespace(declared: ScriptResult, request: EvaluationRequest) -> ScriptResult:
    """What was declared, with the namespace of this worktree alone where something goes into the cluster."""
    name = request.namespace
    there = any(objects.kind(o) == "Namespace" and objects.name(o) == name for o in declared.objects)
    if not request.own_namespace or there or not (declared.objects or declared.deploys):
        return declared
    namespace: KubeObject = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    return replace(declared, objects=(namespace, *declared.objects))


def _completed(image: Image, declared: ScriptResult) -> Image:
    """An image with what the rest of the Tiltfile says of all."""
    helper = image.helper or declared.updates.helper
    inferred = declared.updates.infer_live_update or image.inference is InferenceMode.INFER
    inference = image.inference if inferred else InferenceMode.OFF
    return replace(_with_environ(image, declared.environ), helper=helper, inference=inference)


def _local_resource(local: DeclaredLocal, declared: ScriptResult) -> ResourceSpec:
    return ResourceSpec(
        name=ResourceName(local.name),
        deploy=LocalDeploy(
            update=_in_environ(local.update, declared.environ),
            serve=_in_environ(local.serve, declared.environ),
            teardown=_in_environ(local.teardown, declared.environ),
            files=FileRule(paths=local.deps, ignores=local.ignores),
            allow_parallel=local.allow_parallel,
            readiness_probe=local.readiness_probe,
        ),
        labels=local.labels,
        links=local.links,
        trigger_mode=model_mode(local.trigger_mode or declared.trigger_mode, auto_init=local.auto_init),
        resource_deps=tuple(ResourceName(name) for name in local.resource_deps),
        each_update=tuple(ResourceName(name) for name in local.each_update),
        debounce_seconds=local.debounce_seconds,
    )


def _in_mode(image: Image, mode: UpdateMode) -> Image:
    """An image as it is updated in a mode. One of the YAML cannot be built, and so is updated in place in each."""
    rules = image.live_update
    if rules is not None and not rules.syncs and image.live_update_only:
        image = replace(image, live_update=replace(rules, mounted=True))
    if mode is UpdateMode.EXEC:
        return replace(image, helper=HelperMode.OFF)
    if mode is UpdateMode.IMAGE and not image.live_update_only:
        possible = isinstance(image.build, DockerBuild) and image.inference is not InferenceMode.OFF
        inference = InferenceMode.BUILT if rules is not None or possible else InferenceMode.OFF
        return replace(image, live_update=None, inference=inference)
    return image


def _with_environ(image: Image, environ: Pairs) -> Image:
    if not environ or not isinstance(image.build, CustomBuild):
        return image
    command = _in_environ(image.build.command, environ)
    return replace(image, build=replace(image.build, command=command))


def _in_environ(command: Command | None, environ: Pairs) -> Command | None:
    """The command with the variables that the Tiltfile set; its own go before them."""
    if command is None or not environ:
        return command
    return replace(command, env=tuple(sorted({**dict(environ), **dict(command.env)}.items())))


def _secrets(declared: ScriptResult) -> tuple[tuple[str, str], ...]:
    return secrets((*declared.objects, *_applied(declared)), declared.shown_secrets)


def _applied(declared: ScriptResult) -> list[KubeObject]:
    """The objects that the KubernetesApplies of a Tiltfile hold; what cannot be read is for their controller to say."""
    found: list[KubeObject] = []
    for each in declared.api_objects:
        with suppress(UserError):
            found += yaml.parse(each.spec.yaml, each.name) if isinstance(each, KubernetesApply) else ()
    return found


def _object_in_environ(each: AnyApiObject, environ: Pairs) -> AnyApiObject:
    """An object whose commands know the variables that the Tiltfile set; their own go before them."""
    added = tuple(f"{name}={value}" for name, value in environ)
    if not added:
        return each
    if isinstance(each, Cmd):
        return replace(each, spec=replace(each.spec, env=(*added, *each.spec.env)))
    if isinstance(each, KubernetesApply):
        apply, delete = (
            replace(cmd, env=(*added, *cmd.env)) if cmd is not None else None
            for cmd in (each.spec.apply_cmd, each.spec.delete_cmd)
        )
        return replace(each, spec=replace(each.spec, apply_cmd=apply, delete_cmd=delete))
    return each
