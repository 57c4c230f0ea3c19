"""What all objects of the API group share: metadata, and the specs that several kinds have a part of."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec

from pytilt.model.base import Value
from pytilt.model.stored import Object

RESOURCE_ANNOTATION = "tilt.dev/resource"
"""In whose log an object speaks."""

SPAN_ANNOTATION = "tilt.dev/log-span-id"
"""Under which id."""

MANAGED_BY = "tilt.dev/managed-by"
"""Names the controller that an object is left to; no other acts on it."""

LocalPath = Annotated[str, msgspec.Meta(extra={"local": True})]
"""A path that a Tiltfile may write relative to its directory."""

Duration = Annotated[str, msgspec.Meta(extra={"duration": True})]
"""A time as Go writes it: `30s`."""


class ApiObject(Object, tag=True):
    """An object of the API group. Subclasses have a `spec` and a `status`, or `data`."""

    labels: Mapping[str, str] = msgspec.field(default_factory=dict)
    annotations: Mapping[str, str] = msgspec.field(default_factory=dict)
    generation: int = 1
    """Counts the changes of its spec."""

    content: ClassVar[tuple[str, ...]] = ("spec",)
    """The fields that its declarer writes."""

    def problems(self) -> tuple[str, ...]:
        """What is wrong with it, in the words of Kubernetes: `spec.text: Required value: …`."""
        return ()

    def status_problems(self) -> tuple[str, ...]:
        """The same of the status that a client wrote."""
        return ()

    @property
    def declared(self) -> tuple[Any, ...]:
        """All that its declarer writes."""
        return (dict(self.labels), dict(self.annotations), *(getattr(self, name) for name in self.content))


class ConfigMapDisableSource(Value):
    """A key of a ConfigMap that disables something while its value is `true`."""

    name: str = ""
    """Of the ConfigMap."""
    key: str = ""
    """Of its data."""


class DisableSource(Value):
    """What disables an object: one key, or several that must all say so."""

    config_map: ConfigMapDisableSource | None = None
    every_config_map: tuple[ConfigMapDisableSource, ...] = ()


class DisableStatus(Value):
    """Whether an object is disabled."""

    disabled: bool = False
    """The same as `state`, for older clients."""
    state: str = ""
    """`Enabled`, `Disabled`, `Pending` or `Error`."""
    reason: str = ""
    """Why it is so, for people."""
    last_update_time: str = ""
    """Since when it is so, RFC 3339."""


class StartOnSpec(Value):
    """When a Cmd starts: on a click after some time."""

    start_after: str | None = None
    """RFC 3339: earlier clicks do not count."""
    ui_buttons: tuple[str, ...] = ()
    """Names of UIButtons: a click does it."""


class RestartOnSpec(Value):
    """What starts an object again: a file that changed, a click."""

    file_watches: tuple[str, ...] = ()
    """Names of FileWatches: a change of one of their files does it."""
    ui_buttons: tuple[str, ...] = ()
    """Names of UIButtons: a click does it."""


class IgnoreDef(Value):
    """Files that are not watched."""

    base_path: LocalPath = ""
    """The folder that the patterns are relative to."""
    patterns: tuple[str, ...] = ()
    """In the language of `.dockerignore`; none means all of `base_path`."""
