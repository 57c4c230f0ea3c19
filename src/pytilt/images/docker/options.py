"""From what an image is made of to the parameters of a build. Pure."""

from collections.abc import Mapping

import msgspec

from pytilt.docker.api import Params
from pytilt.errors import BuildError
from pytilt.model.images import DockerBuild
from pytilt.model.texts import shown

LABELS = {"dev.tilt.built": "true", "dev.tilt.gc": "true"}
"""On every image that is built here; pruning removes only what carries the second."""

PODMAN_LABELS = {"dev.tilt.gc": "true"}
"""Just one: Podman adds several in an order that differs from build to build, which gives an image two ids."""


def build_params(
    build: DockerBuild,
    *,
    dockerfile: str,
    platform: str,
    environ: Mapping[str, str],
    buildkit: bool,
    labels: Mapping[str, str] = LABELS,
) -> Params:
    """The query of `POST /build`.

    Args:
        build: what the Tiltfile says.
        dockerfile: its place in the context.
        platform: for example `linux/amd64`; empty: the engine's own.
        environ: where build args without a value take theirs from.
        buildkit: let BuildKit do it.
        labels: what the image is to carry.
    """
    params: dict[str, str | int | bool | tuple[str, ...]] = {
        "dockerfile": dockerfile,
        "labels": _json(labels),
        "rm": True,
        "forcerm": True,
    }
    optional = {
        "version": "2" if buildkit else "",
        "target": build.target,
        "networkmode": build.network,
        "platform": platform,
        "extrahosts": build.extra_hosts,
        "pull": build.pull,
        "buildargs": _json(args) if (args := build_args(build, environ)) else "",
        "cachefrom": _json(build.cache_from) if build.cache_from else "",
    }
    return params | {name: value for name, value in optional.items() if value}


def build_args(build: DockerBuild, environ: Mapping[str, str]) -> dict[str, str]:
    """The build args with their values; one without a value that the environment does not know is left out."""
    return {name: value or environ[name] for name, value in build.build_args if value or name in environ}


def platform_of(build: DockerBuild, default: str, cluster: str) -> str:
    """Which platform to build for: the image's, else `DOCKER_DEFAULT_PLATFORM`, else the cluster's.

    Args:
        build: what the Tiltfile says.
        default: the value of `DOCKER_DEFAULT_PLATFORM`.
        cluster: the platform of the cluster's nodes.
    """
    return build.platform or default or ("linux/arm/v7" if cluster == "linux/arm" else cluster)


def _json(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError as error:
        raise BuildError(
            f"the container engine takes only UTF-8 text, not `{shown(str(error.object))}`",
            hint="correct the bytes that are no UTF-8 in `build_args` or `cache_from`",
        ) from error
