"""`k8s_custom_deploy`: a resource whose objects a command of the user's applies and another one deletes."""

from msgspec.structs import replace

from pytilt.errors import UserError
from pytilt.model import references
from pytilt.model.commands import Command
from pytilt.model.files import FileRule, Ignore
from pytilt.model.images import CustomBuild, Image, LiveUpdate
from pytilt.model.names import ImageName, ResourceName
from pytilt.model.resources import DeployCommands
from pytilt.tiltfile.arguments import conversions
from pytilt.tiltfile.arguments.conversions import ImageNames, LocalPaths, Name, Pairs, Text
from pytilt.tiltfile.arguments.globs import watched
from pytilt.tiltfile.running.dead_patterns import warn_of_deps
from pytilt.tiltfile.running.declared import DeclaredDeploy
from pytilt.tiltfile.running.functions import function
from pytilt.tiltfile.running.ignore_files import context_ignores, repository_ignores
from pytilt.tiltfile.running.script import Script
from pytilt.tiltfile.topics.live_update import live_update as rules_of

NO_BUILD = Command(argv=("sh", "-c", ":"), dir="/")
"""The build of an image that is only declared for its live update."""


class CustomDeployBuiltins:
    """The function for deployments by command.

    Args:
        script: the running script.
    """

    def __init__(self, script: Script) -> None:
        self._script = script

    @function("k8s_custom_deploy")
    def k8s_custom_deploy(
        self,
        name: Name,
        apply_cmd: object,
        delete_cmd: object,
        deps: LocalPaths,
        image_selector: Text = "",
        live_update: object = None,
        apply_dir: object = None,
        apply_env: Pairs = (),
        apply_cmd_bat: object = None,  # noqa: ARG002 - for Windows
        delete_dir: object = None,
        delete_env: Pairs = (),
        delete_cmd_bat: object = None,  # noqa: ARG002 - for Windows
        container_selector: Text = "",
        image_deps: ImageNames = (),
    ) -> None:
        """Deploy objects by a command, which prints the YAML of what it applied."""
        commands = DeployCommands(
            apply=self._command("apply_cmd", apply_cmd, apply_env, apply_dir),
            delete=self._command("delete_cmd", delete_cmd, delete_env, delete_dir),
        )
        if any(each.name == name for each in self._script.deploys):
            raise UserError(f'error making resource for {name}: k8s_resource named "{name}" already exists')
        rules = rules_of(self._script, live_update)
        found = watched(deps, "k8s_custom_deploy")
        warn_of_deps(self._script, "k8s_custom_deploy", deps)
        images = image_deps
        if rules is not None and (rules.syncs or rules.runs):
            image = _live_update_image(name, image_selector, container_selector, rules)
            if image_selector:
                self._script.claim_image(image.name)
            ignores = (*context_ignores(self._script, found.paths), *found.ignores)
            self._script.images.append(replace(image, files=FileRule(paths=found.paths, ignores=ignores)))
            images = (*image_deps, image.name)
        own = _brought_in_place(rules) if rules else ()
        self._script.deploys.append(
            DeclaredDeploy(
                name=ResourceName(name),
                commands=commands,
                files=FileRule(paths=found.paths, ignores=(*found.ignores, *repository_ignores(found.paths), *own)),
                image_deps=image_deps,
                images=images,
            )
        )

    def _command(self, what: str, value: object, env: tuple[tuple[str, str], ...], where: object) -> Command:
        try:
            command = conversions.command(value, self._script.directory, env, where)
        except UserError as error:
            raise UserError(f"{what}: {error.message}") from error
        if command is None:
            raise UserError(f"k8s_custom_deploy: {what} cannot be empty")
        return command


def _live_update_image(name: str, image_selector: str, container_selector: str, rules: LiveUpdate) -> Image:
    """The image that the command deploys, which is updated in place and never built here."""
    if image_selector and container_selector:
        raise UserError("k8s_custom_deploy: cannot specify more than one Live Update selector")
    if not (image_selector or container_selector):
        raise UserError("k8s_custom_deploy: no Live Update selector specified")
    text = image_selector or f"k8s_custom_deploy:{name}"
    try:
        reference = references.image_name(text) if image_selector else ImageName(text)
    except UserError as error:
        raise UserError(f'can\'t parse "{image_selector}": {error.message}') from error
    build = CustomBuild(command=NO_BUILD, disable_push=True, skips_local_docker=True)
    return Image(name=reference, build=build, live_update=rules, container_name=container_selector)


def _brought_in_place(rules: LiveUpdate) -> tuple[Ignore, ...]:
    """What never asks for another deployment: it is synced, or asks for one by the live update itself."""
    if not rules.syncs:
        return tuple(trigger for run in rules.runs for trigger in run.triggers)
    paths = (*(sync.local for sync in rules.syncs), *rules.fall_back_on)
    return (Ignore(base="/", patterns=tuple(path.lstrip("/") for path in paths)),)
