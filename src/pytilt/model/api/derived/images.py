"""`ImageMap`, `DockerImage`, `CmdImage`: images, and how they are built."""

from typing import ClassVar

import msgspec

from pytilt.model.api.derived.shared import DerivedObject
from pytilt.model.api.metadata import IgnoreDef
from pytilt.model.base import Value


class ImageMapOverrideCommand(Value):
    """The entrypoint that containers get."""

    command: tuple[str, ...] = ()
    """Its words."""


class ImageMapOverrideArgs(Value):
    """The arguments that containers get."""

    args: tuple[str, ...] = ()
    """Its words."""


class ImageMapSpec(Value):
    """Where in the objects of the cluster the image is put."""

    selector: str
    """Its name there."""
    match_exact: bool = False
    """Is only this very name and tag meant?"""
    match_in_env_vars: bool = False
    """Is it looked for in environment variables, too?"""
    override_command: ImageMapOverrideCommand | None = None
    """There for an `entrypoint` of the Tiltfile."""
    override_args: ImageMapOverrideArgs | None = None
    """There for `container_args` of the Tiltfile."""


class ApiImageMapStatus(Value):
    """The image that was built last."""

    image: str = ""
    """Its name and tag, as the cluster pulls it."""
    image_from_local: str = ""
    """As this machine names it."""
    image_from_cluster: str = ""
    """As the cluster names it."""
    build_start_time: str = ""
    """When its build began, RFC 3339."""


class ApiImageMap(DerivedObject):
    """An image: its name in YAML, and what it is replaced by there."""

    kind: ClassVar[str] = "ImageMap"

    spec: ImageMapSpec = msgspec.field(default_factory=lambda: ImageMapSpec(selector=""))
    status: ApiImageMapStatus = ApiImageMapStatus()


class ImageStateWaiting(Value):
    """It was not built yet."""

    reason: str = ""
    """Why."""


class ImageStateBuilding(Value):
    """It is built."""

    started_at: str = ""
    """RFC 3339."""


class ImageStateCompleted(Value):
    """It was built."""

    started_at: str = ""
    """RFC 3339."""
    finished_at: str = ""
    """RFC 3339."""
    error: str = ""
    """Why that failed; empty where it went well."""


class ImageStatus(Value):
    """How far its build is; one of the three states is there."""

    ref: str = ""
    """The image that was built last."""
    waiting: ImageStateWaiting | None = None
    """It was not built yet."""
    building: ImageStateBuilding | None = None
    """It is built."""
    completed: ImageStateCompleted | None = None
    """It was built."""


class DockerImageSpec(Value):
    """What is built of a Dockerfile."""

    ref: str
    """The name of the image."""
    dockerfile_contents: str = ""
    """The Dockerfile."""
    context: str = ""
    """The folder that is sent to the builder."""
    context_ignores: tuple[IgnoreDef, ...] = ()
    """What of it is not."""
    args: tuple[str, ...] = ()
    """Build arguments, `NAME=VALUE`."""
    target: str = ""
    """The stage that is built; empty: the last one."""
    ssh_agent_configs: tuple[str, ...] = ()
    """`--ssh` of the build."""
    secrets: tuple[str, ...] = ()
    """`--secret` of the build."""
    network: str = ""
    """The network of its commands."""
    pull: bool = False
    """Is the newest base image pulled?"""
    cache_from: tuple[str, ...] = ()
    """Images whose layers are taken."""
    platform: str = ""
    """Of the image: `linux/arm64`."""
    extra_tags: tuple[str, ...] = ()
    """Other names that it gets."""
    extra_hosts: tuple[str, ...] = ()
    """Names that its commands can resolve: `NAME:ADDRESS`."""
    image_maps: tuple[str, ...] = ()
    """The images that it builds on."""
    cluster: str = ""
    """Where it is needed."""
    cluster_needs: str = ""
    """`push`: it is pushed; `build`: it is built alone, for other images."""


class DockerImage(DerivedObject):
    """An image that is built of a Dockerfile."""

    kind: ClassVar[str] = "DockerImage"

    spec: DockerImageSpec = msgspec.field(default_factory=lambda: DockerImageSpec(ref=""))
    status: ImageStatus = ImageStatus()


class CmdImageSpec(Value):
    """What a command builds."""

    ref: str
    """The name of the image."""
    args: tuple[str, ...] = ()
    """The command."""
    dir: str = ""
    """Where it runs."""
    env: tuple[str, ...] = ()
    """Its variables, `NAME=VALUE`."""
    output_tag: str = ""
    """The tag that it gives the image; empty: that of `EXPECTED_REF`."""
    outputs_image_ref_to: str = ""
    """The file in which it names the image."""
    output_mode: str = ""
    """`local-docker`, `local-docker-and-remote` or `remote`: where the image is then."""
    image_maps: tuple[str, ...] = ()
    """The images that it builds on."""
    cluster: str = ""
    """Where it is needed."""
    cluster_needs: str = ""
    """`push`: it is pushed; `build`: it is built alone, for other images."""


class CmdImage(DerivedObject):
    """An image that a command builds."""

    kind: ClassVar[str] = "CmdImage"

    spec: CmdImageSpec = msgspec.field(default_factory=lambda: CmdImageSpec(ref=""))
    status: ImageStatus = ImageStatus()
