"""The images of `tilt alpha tiltfile-result`."""

import posixpath
from collections.abc import Iterable
from typing import Any

from pytilt.model import references
from pytilt.model.images import CustomBuild, DockerBuild, Image, LiveUpdate
from pytilt.model.names import ImageName
from pytilt.model.resources import ComposeDeploy, ResourceSpec
from pytilt.tiltfile.topics.custom_deploys import NO_BUILD
from pytilt.views.result_values import compact, environment, ignore_defs, sanitized

Json = dict[str, Any]
"""A JSON object. It crosses no package border but the one to the terminal."""


def image_target(resource: ResourceSpec, image: Image, environ: tuple[tuple[str, str], ...]) -> Json:
    """An image of a resource.

    Args:
        resource: that needs the image.
        image: the image.
        environ: the variables that the Tiltfile set, which Tilt does not repeat in every command.
    """
    name = sanitized(f"{resource.name}:{_image_map(image.name)}")
    custom = isinstance(image.build, CustomBuild)
    updated = image.live_update is not None
    return {
        **image_map_spec(image),
        "LiveUpdateName": name if updated else "",
        "LiveUpdateSpec": live_update_spec(image.live_update, image.container_name),
        "LiveUpdateReconciler": updated,
        "DockerImageName": "" if custom else name,
        "CmdImageName": name if custom else "",
        "BuildDetails": _build(image, environ),
        "IsLiveUpdateOnly": image.live_update_only,
        "FileWatchIgnores": ignore_defs(image.files.ignores) or None,
    }


def compose_images(resource: ResourceSpec, deploy: ComposeDeploy, environ: tuple[tuple[str, str], ...]) -> list[Json]:
    """The images of a service of Docker Compose: those of the Tiltfile, or the one that Compose builds."""
    if deploy.build is None:
        return [image_target(resource, image, environ) for image in deploy.targets]
    return [
        {
            "selector": references.parse(deploy.image).familiar,
            "LiveUpdateName": "",
            "LiveUpdateSpec": {"basePath": "", "selector": {}},
            "LiveUpdateReconciler": False,
            "DockerImageName": "",
            "CmdImageName": "",
            "BuildDetails": {"Service": deploy.service, "Context": deploy.build.context},
            "IsLiveUpdateOnly": False,
            "FileWatchIgnores": ignore_defs(deploy.build.ignores),
        }
    ]


def image_maps(names: Iterable[ImageName]) -> list[str]:
    """The names by which the API knows images."""
    return [_image_map(name) for name in names]


def _image_map(name: ImageName) -> str:
    return sanitized(references.parse(name).familiar)


def image_map_spec(image: Image) -> Json:
    """What of a declared image the API knows as its `ImageMap`."""
    command, args = image.entrypoint, image.container_args
    flags = {"matchExact": image.match_exact, "matchInEnvVars": image.match_in_env_vars}
    return {
        "selector": references.parse(image.name).familiar,
        **compact(flags),
        **({"overrideCommand": {"command": list(command)}} if command else {}),
        **({"overrideArgs": {"args": list(args)}} if args is not None else {}),
    }


def relative(rules: LiveUpdate, path: str) -> str:
    """A path as the live update has it in the API."""
    return posixpath.relpath(path, rules.base)


def stops(rules: LiveUpdate) -> tuple[str, ...]:
    """The paths whose change ends a live update, as the API has them."""
    return tuple(relative(rules, path) for path in rules.fall_back_on)


def live_update_spec(rules: LiveUpdate | None, container: str) -> Json:
    """The rules of a live update, for the containers of that name if there is one."""
    if rules is None:
        return {"basePath": "", "selector": {}}
    syncs = [{"localPath": relative(rules, sync.local), "containerPath": sync.remote} for sync in rules.syncs]
    runs = [
        {
            "args": list(run.argv),
            "triggerPaths": [pattern for ignore in run.triggers for pattern in ignore.patterns] or None,
            "echoOff": run.echo_off,
        }
        for run in rules.runs
    ]
    return {
        "basePath": rules.base,
        "selector": {"kubernetes": {"discoveryName": "", "containerName": container}} if container else {},
        **compact({"stopPaths": list(stops(rules)), "syncs": syncs, "execs": runs}),
        **({"restart": "always"} if rules.restart else {}),
        **({"initialSync": {}} if rules.initial_sync else {}),
    }


def _build(image: Image, environ: tuple[tuple[str, str], ...]) -> Json:
    bases = image_maps(image.base_images)
    build = image.build
    if isinstance(build, DockerBuild):
        return {"ref": "", **_docker_build(build, bases)}
    mode = "local-docker"
    if build.skips_local_docker:
        mode = "remote"
    elif build.disable_push:
        mode = "local-docker-and-remote"
    spec = {
        "args": list(build.command.argv),
        "dir": "" if build.command == NO_BUILD else build.command.dir,
        "env": environment(build.command.env, environ),
        "imageMaps": bases,
        "outputMode": mode,
        "outputTag": build.tag,
        "outputsImageRefTo": build.outputs_image_ref_to,
    }
    return {"ref": "", **compact(spec), "Deps": list(image.files.paths)}


def _docker_build(build: DockerBuild, bases: list[str]) -> Json:
    return compact(
        {
            "dockerfileContents": build.contents,
            "context": build.context,
            "contextIgnores": ignore_defs(build.context_ignores),
            "args": [f"{name}={value}" if value else name for name, value in build.build_args],
            "target": build.target,
            "sshAgentConfigs": list(build.ssh),
            "secrets": list(build.secrets),
            "network": build.network,
            "pull": build.pull,
            "cacheFrom": list(build.cache_from),
            "platform": build.platform,
            "extraTags": list(build.extra_tags),
            "imageMaps": bases,
            "extraHosts": list(build.extra_hosts),
        }
    )
