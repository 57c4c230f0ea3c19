"""How the containers of a resource are updated in place: what receives in each of them."""

from enum import StrEnum
from typing import ClassVar

from pytilt.model.base import Value
from pytilt.model.stored import Object


class Way(StrEnum):
    """What receives in a container, and how it came there."""

    LAYER = "layer"
    """The helper, which a layer of the image brings."""
    COPY = "copy"
    """The helper, copied into the container by the first stream."""
    SHELL = "shell"
    """A program for the container's own `sh`, `head`, `tar` and `rm`."""

    @property
    def text(self) -> str:
        """For people."""
        return {Way.LAYER: "synclet in the image", Way.COPY: "synclet, copied in", Way.SHELL: "the container's shell"}[
            self
        ]


class Reach(StrEnum):
    """On which way small changes come to the helper in a container. All else comes through its stream."""

    STREAM = "stream"
    """Its own stream, through the cluster or the engine."""
    RELAY = "relay"
    """The helper in another container of its image, over the network of the pods."""
    DIRECT = "direct"
    """A connection from this machine to its pod."""

    @property
    def text(self) -> str:
        """For people, after what receives there."""
        return {Reach.STREAM: "", Reach.RELAY: ", by way of another pod", Reach.DIRECT: ", reached directly"}[self]


class LiveContainer(Value):
    """A container that may be updated in place."""

    pod: str
    name: str
    id: str
    namespace: str = ""
    way: Way | None = None
    """None: not open yet, or nothing works."""
    reach: Reach | None = None
    """None where `way` is."""
    restarts: bool = False
    """Can its program be started again in place?"""
    error: str = ""
    """Why nothing receives in it."""


class LiveUpdateStatus(Value):
    """The containers of one resource."""

    containers: tuple[LiveContainer, ...] = ()


class LiveUpdateState(Object):
    """How the containers of a resource are updated in place; its name is the resource's."""

    kind: ClassVar[str] = "LiveUpdate"

    status: LiveUpdateStatus = LiveUpdateStatus()
