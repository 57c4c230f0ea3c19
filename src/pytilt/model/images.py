"""What an image is made of, and how containers that run it are kept fresh."""

import functools
import posixpath
from enum import StrEnum

from pytilt.model.base import Value
from pytilt.model.commands import Command
from pytilt.model.files import FileRule, Ignore
from pytilt.model.inference import InferenceMode
from pytilt.model.names import ImageName

_NO_COMMAND = ("sh", "-c", ":")


class Sync(Value):
    """Local files that are copied to a place in the container."""

    local: str
    """Absolute file or directory."""
    remote: str
    """Absolute path in the container."""
    follow: bool = False
    """Is what symbolic links lead to copied in their place?"""

    def place(self, relative: str, *, of_file: bool) -> str:
        """Where a path goes.

        Args:
            relative: the path relative to `local`, empty for that itself.
            of_file: `local` is a file; a `remote` with a final `/` is the directory for it then.
        """
        if not relative and of_file and self.remote.endswith("/"):
            relative = posixpath.basename(self.local)
        directory = _clean(self.remote)
        return f"{directory}/{relative}" if relative else directory or "/"


class Run(Value):
    """A command that is run in the container after files were copied."""

    argv: tuple[str, ...]
    triggers: tuple[Ignore, ...] = ()
    """Run only if a synced file matches one of these (their patterns include, here). Empty: always."""
    echo_off: bool = False

    @property
    def shown(self) -> str:
        """The command for people."""
        return self.argv[2] if self.argv[:2] == ("sh", "-c") and len(self.argv) == 3 else " ".join(self.argv)


class FastBuild(Value):
    """What `fast_build` puts upon its Dockerfile: files, then commands, then the entry point."""

    adds: tuple[Sync, ...] = ()
    runs: tuple[Run, ...] = ()
    entrypoint: str = ""
    """A shell command; empty: that of the Dockerfile."""
    caches: tuple[str, ...] = ()
    """Absolute directories of the image that are kept from one build from scratch to the next."""


class DockerBuild(Value, tag="docker"):
    """An image made from a Dockerfile (`docker_build`)."""

    context: str
    """Absolute directory, or `-` for an empty context."""
    dockerfile: str | None = None
    """Absolute path of the Dockerfile; None when `contents` is given instead."""
    contents: str | None = None
    """The text of the Dockerfile as it was read, or as given."""
    build_args: tuple[tuple[str, str], ...] = ()
    """An empty value means: take it from the environment."""
    target: str = ""
    ssh: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    network: str = ""
    extra_tags: tuple[str, ...] = ()
    cache_from: tuple[str, ...] = ()
    pull: bool = False
    platform: str = ""
    extra_hosts: tuple[str, ...] = ()
    context_ignores: tuple[Ignore, ...] = ()
    """What is left out of the build context."""
    fast: FastBuild | None = None
    """The Dockerfile is the base of a `fast_build`."""


class CustomBuild(Value, tag="custom"):
    """An image made by a command of the user's (`custom_build`)."""

    command: Command
    tag: str = ""
    disable_push: bool = False
    skips_local_docker: bool = False
    outputs_image_ref_to: str = ""
    image_deps: tuple[ImageName, ...] = ()


class LiveUpdate(Value):
    """How a running container is updated in place (`live_update`)."""

    fall_back_on: tuple[str, ...] = ()
    """Absolute paths, perhaps with wildcards: a change at or below one of them asks for a full update."""
    stop_patterns: tuple[Ignore, ...] = ()
    """Those of them that have wildcards."""
    syncs: tuple[Sync, ...] = ()
    runs: tuple[Run, ...] = ()
    initial_sync: bool = False
    restart: bool = False
    mounted: bool = False
    """Nothing is synced, for the files are in the container otherwise: what a trigger names needs no more than that."""
    base: str = ""
    """Absolute directory of the Tiltfile that declares it; says only how its paths were written."""

    @property
    def followed(self) -> tuple[str, ...]:
        """Where symbolic links are followed."""
        return tuple(sync.local for sync in self.syncs if sync.follow)


class HelperMode(StrEnum):
    """How the helper `synclet` is used in containers."""

    AUTO = "auto"
    """It takes live updates where it can, on the shortest way to it."""
    STREAM = "stream"
    """It takes them through its stream alone, and opens no port."""
    OFF = "off"
    """It is not used."""


class Image(Value):
    """An image that pytilt builds."""

    name: ImageName
    build: DockerBuild | CustomBuild
    files: FileRule = FileRule()
    """The files whose change makes this image stale."""
    base_images: tuple[ImageName, ...] = ()
    """Images of the same Tiltfile that this one builds upon (`FROM`, `COPY --from=`, `image_deps`); built first."""
    live_update: LiveUpdate | None = None
    match_exact: bool = False
    """The tag of a reference counts: the Tiltfile names the image with one, or names this repository more than once."""
    match_in_env_vars: bool = False
    entrypoint: tuple[str, ...] | None = None
    """Replaces the container's `command`."""
    container_args: tuple[str, ...] | None = None
    """Replaces the container's `args`."""
    container_name: str = ""
    """Of one that is only updated in place: which container runs it, where the image does not say."""
    inference: InferenceMode = InferenceMode.AUTO
    """Is a live update to be inferred where there is no `live_update`?"""
    deployed: bool = True
    """Does a workload run this image? A pure base image is neither pushed nor injected."""
    helper: HelperMode | None = None
    """None: as `update_settings` says."""

    @property
    def restarts(self) -> bool:
        """May a live update start its program again?"""
        if self.live_update is not None:
            return self.live_update.restart
        return self.inference is InferenceMode.INFER

    @property
    def takes_layer(self) -> bool:
        """Is the helper to be put into it when it is built?"""
        own = isinstance(self.build, CustomBuild) and (self.build.disable_push or self.build.skips_local_docker)
        live = self.live_update is not None or self.inference is InferenceMode.INFER
        return self.helper is not HelperMode.OFF and self.deployed and live and not own and not self.live_update_only

    @property
    def live_update_only(self) -> bool:
        """Is it neither built nor injected, so that the image of the YAML runs and is updated in place?

        Tilt's rule: the command of its `custom_build` is `:`, and its live update has steps.
        """
        rules = self.live_update
        only = isinstance(self.build, CustomBuild) and self.build.command.argv == _NO_COMMAND
        return only and rules is not None and bool(rules.syncs or rules.runs)


class ImageConfig(Value):
    """What an image says of the containers that run it."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    working_dir: str = ""
    user: str = ""
    volumes: tuple[str, ...] = ()
    triggers: int = 0
    """How many `ONBUILD` instructions its history has."""


class BuiltImage(Value):
    """An image that exists in the builder's store."""

    name: ImageName
    id: str
    """Digest of the image's configuration or manifest, `sha256:…`."""
    reference: str
    """Name and tag in the builder's store, for example `shop/web:tilt-0123456789abcdef`."""
    fixed_reference: bool = False
    """The build command chose the reference: it is not renamed for a registry."""
    config: ImageConfig | None = None
    """None where nobody asked."""
    increments: int = 0
    """How many builds were made upon each other since one from scratch."""


class Registry(Value):
    """Where images are pushed so that the cluster can pull them."""

    host: str
    """As the builder pushes to it, for example `localhost:5001` or `fra.ocir.io/tenancy/repo`."""
    host_from_cluster: str = ""
    """As the cluster's YAML names it; empty: the same."""
    single_name: str = ""
    """Push everything to this one repository and distinguish images by tag (ECR)."""


class Delivery(StrEnum):
    """How an image gets from the builder into the cluster."""

    SHARED = "shared"
    """The cluster runs on the builder's engine; nothing to do."""
    PUSH = "push"
    """Pushed to a registry."""
    KIND_LOAD = "kind-load"
    """Loaded into a kind cluster that has no registry."""


@functools.lru_cache(maxsize=256)
def _clean(directory: str) -> str:
    """The directory without detours and without a final `/`, so empty for the root."""
    return posixpath.normpath(directory).rstrip("/")
