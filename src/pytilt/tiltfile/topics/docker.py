"""`docker_build`, `custom_build`, `fast_build`, `default_registry`."""

import posixpath
from collections.abc import Mapping

from msgspec.structs import replace

from pytilt.errors import UserError
from pytilt.model import references
from pytilt.model.files import FileRule, Ignore
from pytilt.model.images import CustomBuild, DockerBuild, Image, LiveUpdate, Registry
from pytilt.model.inference import InferenceMode
from pytilt.model.names import ImageName
from pytilt.tiltfile.arguments import conversions
from pytilt.tiltfile.arguments.conversions import (
    Flag,
    ImageNames,
    LocalPath,
    LocalPaths,
    Pairs,
    Sequenced,
    Stringable,
    StringOrStrings,
    Text,
)
from pytilt.tiltfile.arguments.globs import watched
from pytilt.tiltfile.arguments.values import Blob, CustomBuildValue
from pytilt.tiltfile.running.dead_patterns import warn_of_deps, warn_of_ignored
from pytilt.tiltfile.running.functions import function
from pytilt.tiltfile.running.ignore_files import context_ignores
from pytilt.tiltfile.running.script import Script, UnreadableError
from pytilt.tiltfile.topics.fast_builds import FastBuildValue, fast_image
from pytilt.tiltfile.topics.live_update import helper_mode, live_update

_CACHE_IS_OBSOLETE = (
    "docker_build(cache=...) is obsolete, and currently a no-op.\n"
    "You should switch to live_update to optimize your builds."
)

_EMPTY_CONTEXT = "-"
"""As on the command line of docker."""


class DockerBuiltins:
    """The functions that declare images."""

    def __init__(self, script: Script) -> None:
        self._script = script

    @function("docker_build")
    def docker_build(
        self,
        ref: Text,
        context: LocalPath,
        build_args: Pairs = (),
        dockerfile: object = None,
        dockerfile_contents: object = None,
        cache: object = None,
        live_update: object = None,
        match_in_env_vars: Flag = False,
        ignore: object = None,
        only: object = None,
        entrypoint: object = None,
        container_args: Sequenced | None = None,
        target: Text = "",
        ssh: StringOrStrings = (),
        secret: StringOrStrings = (),
        network: Stringable = "",
        extra_tag: StringOrStrings = (),
        cache_from: StringOrStrings = (),
        pull: Flag = False,
        platform: Stringable = "",
        extra_hosts: StringOrStrings = (),
        synclet: Text = "",
    ) -> FastBuildValue:
        """Build an image from a Dockerfile."""
        name = _image_name(ref)
        path, contents = self._dockerfile(context, dockerfile, dockerfile_contents)
        if cache is not None:
            self._script.warn(_CACHE_IS_OBSOLETE)
        inference = _inference(live_update)
        steps = None if isinstance(live_update, str) else self._live_update(live_update)
        ignored = conversions.patterns(ignore, "ignore")
        wanted = _only(only)
        ignores = context_ignores(self._script, (context,), dockerfile=path, ignore=ignored, only=wanted)
        self._warn_of_patterns(context, {"ignore": ignored, "only": wanted})
        is_empty = context == posixpath.join(self._script.directory, _EMPTY_CONTEXT)
        _check_tags(extra_tag)
        build = DockerBuild(
            context=_EMPTY_CONTEXT if is_empty else context,
            dockerfile=None if dockerfile_contents is not None else path,
            contents=contents,
            build_args=build_args,
            target=target,
            ssh=ssh,
            secrets=secret,
            network=network,
            extra_tags=extra_tag,
            cache_from=cache_from,
            pull=pull,
            platform=platform or self._script.environ.get("DOCKER_DEFAULT_PLATFORM", ""),
            extra_hosts=extra_hosts,
            context_ignores=ignores,
        )
        # The Dockerfile is watched as a configuration file: its text is part of the declaration.
        files = FileRule(paths=() if is_empty else (context,), ignores=(*ignores, Ignore(base=path)))
        image = Image(name=name, build=build, files=files, live_update=steps, match_in_env_vars=match_in_env_vars)
        image = replace(image, inference=inference, helper=helper_mode("docker_build", synclet))
        self._declare(image, entrypoint, container_args)
        return FastBuildValue(self._script, name, "docker_build")

    @function("fast_build")
    def fast_build(
        self, ref: Text, base_dockerfile: object, entrypoint: Text = "", cache: object = None
    ) -> FastBuildValue:
        """Build an image of a Dockerfile without files, upon which files are added and commands run."""
        name = _image_name(ref)
        self._declare(fast_image(self._script, name, base_dockerfile, entrypoint, cache), None, None)
        return FastBuildValue(self._script, name)

    @function("custom_build")
    def custom_build(
        self,
        ref: Text,
        command: object,
        deps: LocalPaths,
        tag: Text = "",
        disable_push: Flag = False,
        skips_local_docker: Flag = False,
        live_update: object = None,
        match_in_env_vars: Flag = False,
        ignore: object = None,
        entrypoint: object = None,
        container_args: Sequenced | None = None,
        command_bat_val: object = None,  # noqa: ARG002 - for Windows
        outputs_image_ref_to: LocalPath = "",
        command_bat: object = None,  # noqa: ARG002 - for Windows
        image_deps: ImageNames = (),
        env: Pairs = (),
        dir: object = None,  # noqa: A002 - the Tiltfile's signature
        synclet: Text = "",
    ) -> CustomBuildValue:
        """Build an image with a command."""
        name = _image_name(ref)
        steps = self._live_update(live_update)
        ignored = conversions.patterns(ignore, "ignore")
        try:
            made = conversions.command(command, self._script.directory, env, dir)
        except UserError as error:
            raise UserError(f"Argument 2 (command): {error.message}") from error
        if made is None:
            raise UserError("Argument 2 (command) can't be empty")
        if tag and outputs_image_ref_to:
            raise UserError("Cannot specify both tag= and outputs_image_ref_to=")
        build = CustomBuild(
            command=made,
            tag=tag,
            disable_push=disable_push,
            skips_local_docker=skips_local_docker,
            outputs_image_ref_to=outputs_image_ref_to,
            image_deps=image_deps,
        )
        if outputs_image_ref_to:
            self._script.ignores.append(Ignore(base=outputs_image_ref_to))
        found = watched(deps, "custom_build")
        own = tuple(Ignore(base=path, patterns=ignored) for path in found.paths if ignored)
        warn_of_deps(self._script, "custom_build", deps, own)
        warn_of_ignored(self._script, "custom_build: ignore", ignored, found.paths, found.paths)
        ignores = (*context_ignores(self._script, found.paths, ignore=ignored), *found.ignores)
        files = FileRule(paths=found.paths, ignores=ignores)
        image = Image(name=name, build=build, files=files, live_update=steps, match_in_env_vars=match_in_env_vars)
        self._declare(replace(image, helper=helper_mode("custom_build", synclet)), entrypoint, container_args)
        return CustomBuildValue(name, FastBuildValue(self._script, name, "custom_build"))

    @function("default_registry")
    def default_registry(self, host: Text, host_from_cluster: Text = "", single_name: Text = "") -> None:
        """Push every image to this registry."""
        if self._script.default_registry is not None:
            raise UserError("default registry already defined")
        if not host:
            raise UserError("validating defaultRegistry: host: Required value")
        for field, value in (("host", host), ("hostFromContainerRuntime", host_from_cluster)):
            problem = _registry_problem(value) if value else ""
            if problem:
                raise UserError(
                    f'validating defaultRegistry: {field}: Invalid value: "{value}": {problem}',
                    hint="name a host, with a port and a path if need be, but no tag: `localhost:5001`",
                )
        self._script.default_registry = Registry(
            host=host, host_from_cluster=host_from_cluster, single_name=single_name
        )

    def _dockerfile(self, context: str, dockerfile: object, contents: object) -> tuple[str, str]:
        """Path and text of the Dockerfile."""
        default = posixpath.join(context, "Dockerfile")
        if contents is not None:
            if dockerfile is not None:
                raise UserError("Cannot specify both dockerfile and dockerfile_contents keyword arguments")
            if not isinstance(contents, str | Blob):
                raise UserError("Argument (dockerfile_contents): must be string or blob.")
            return default, str(contents)
        path = default if dockerfile is None else self._dockerfile_path(dockerfile)
        try:
            return path, self._script.read(path)
        except UnreadableError as error:
            raise UserError(f"error reading dockerfile: {error.message}") from error

    def _dockerfile_path(self, dockerfile: object) -> str:
        try:
            return conversions.path(dockerfile, self._script.directory)
        except UserError as error:
            raise UserError(f'docker_build: for parameter "dockerfile": {error.message}') from error

    def _warn_of_patterns(self, context: str, arguments: Mapping[str, tuple[str, ...]]) -> None:
        for argument, patterns in arguments.items():
            warn_of_ignored(self._script, f"docker_build: {argument}", patterns, [context], [context])

    def _live_update(self, steps: object) -> LiveUpdate | None:
        return live_update(self._script, steps)

    def _declare(self, image: Image, entrypoint: object, container_args: list[object] | None) -> None:
        command = None if entrypoint is None else conversions.command(entrypoint, self._script.directory)
        self._script.claim_image(image.name)
        if command is not None or container_args is not None:
            argv = command.argv if command else None
            image = replace(image, entrypoint=argv, container_args=_container_args(container_args))
        self._script.images.append(image)


def _inference(value: object) -> InferenceMode:
    """What a word says in place of the steps of a live update."""
    if not isinstance(value, str):
        return InferenceMode.AUTO
    if value in (InferenceMode.OFF, InferenceMode.INFER):
        return InferenceMode(value)
    raise UserError(
        f"live_update: a list of steps, 'infer' or 'off' is expected; got '{value}'",
        hint="`live_update='infer'` syncs what the Dockerfile only copies; `live_update='off'` always builds",
    )


def _image_name(ref: str) -> ImageName:
    try:
        return references.image_name(ref)
    except UserError as error:
        raise UserError(f"Argument 1 (ref): {error.message}") from error


def _only(value: object) -> tuple[str, ...]:
    paths = conversions.patterns(value, "only")
    for path in paths:
        if "*" in path:
            raise UserError(f"'only' does not support '*' file globs. Must be a real path: {path}")
    return paths


def _check_tags(tags: tuple[str, ...]) -> None:
    for tag in tags:
        try:
            references.parse(tag)
        except UserError as error:
            problem = error.message.partition(": ")[2]
            raise UserError(f'Argument extra_tag="{tag}" not a valid image reference: {problem}') from error


def _container_args(value: list[object] | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    try:
        return conversions.texts(value)
    except UserError as error:
        raise UserError(f"Argument 'container_args': {error.message}") from error


def _registry_problem(host: str) -> str:
    """Why a text is no host, perhaps with a path below it, that a repository can be put under; empty when it is."""
    found = references.try_parse(f"{host}/x")
    if found is None:
        return "invalid reference format"
    return "" if found.name == f"{host}/x" else "repository name must be canonical"
