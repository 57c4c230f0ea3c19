"""What an engine answers; a field that is not there, or of another type, is its mistake and not a bug of ours."""

from typing import Annotated, Any, TypeVar

import msgspec

from pytilt.docker.seam import Json
from pytilt.errors import DockerApiError
from pytilt.http.decoding import MalformedJsonError, decode

T = TypeVar("T")


class Fields(Json):
    """A JSON object of the engine's."""

    def __missing__(self, name: str) -> Any:  # noqa: ANN401 - as in any JSON object
        """Refuse it."""
        raise DockerApiError(f"the container engine's answer has no `{name}`", status=200)


Labels = dict[str, str] | None
Time = Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?$")]


class _AnswerShape(msgspec.Struct, rename="pascal"):
    """The fields of an answer that are used, with their types; each may be missing."""


class NewId(_AnswerShape):
    """What was made."""

    id: str = ""


class _InspectedState(_AnswerShape):
    status: str = ""
    running: bool = False
    dead: bool = False
    oom_killed: bool = msgspec.field(name="OOMKilled", default=False)
    error: str | None = None
    exit_code: int = 0
    started_at: Time = ""
    finished_at: Time = ""


class _ContainerConfig(_AnswerShape):
    image: str = ""


class _NetworkEndpoint(_AnswerShape):
    gateway: str | None = None
    ip_address: str | None = msgspec.field(name="IPAddress", default=None)


class _NetworkSettings(_AnswerShape):
    networks: dict[str, _NetworkEndpoint] | None = None


class _InspectedMount(_AnswerShape):
    destination: str = ""
    source: str | None = None


class InspectedContainer(_AnswerShape):
    """All that is known of a container."""

    id: str = ""
    created: Time = ""
    image: str = ""
    log_path: str = ""
    state: _InspectedState = msgspec.field(default_factory=_InspectedState)
    config: _ContainerConfig = msgspec.field(default_factory=_ContainerConfig)
    network_settings: _NetworkSettings = msgspec.field(default_factory=_NetworkSettings)
    mounts: list[_InspectedMount] | None = None


class ContainerItem(_AnswerShape):
    """A container in a list."""

    id: str = ""
    names: list[str] | None = None
    state: str = ""
    labels: Labels = None


class NetworkItem(_AnswerShape):
    """A network in a list."""

    id: str = ""
    labels: Labels = None


class _ListedVolume(_AnswerShape):
    name: str = ""
    labels: Labels = None


class ListedVolumes(_AnswerShape):
    """A list of volumes."""

    volumes: list[_ListedVolume] | None = None


class InspectedExec(_AnswerShape):
    """A command in a container."""

    running: bool = False
    exit_code: int | None = None


class ImageId(_AnswerShape):
    """What is known of an image."""

    id: str = ""


class _Component(_AnswerShape):
    name: str = ""


class EngineVersion(_AnswerShape):
    """What the engine is."""

    version: str = ""
    arch: str = ""
    components: list[_Component] | None = None


class EngineInfo(_AnswerShape):
    """What the engine's machine is."""

    mem_total: int | None = None
    ncpu: int | None = msgspec.field(name="NCPU", default=None)


def shaped(found: T, shape: object) -> T:
    """A value of JSON, once what is used of it has the right types.

    Raises:
        DockerApiError: it has not.
    """
    try:
        msgspec.convert(found, shape)
    except msgspec.ValidationError as error:
        raise DockerApiError(f"the container engine's answer cannot be read: {error}", status=200) from error
    return found


def fields(found: Json) -> Fields:
    """An object with all the objects in it."""
    return Fields({name: _with_fields(value) for name, value in found.items()})


def read_message(line: bytes, kind: type[T]) -> T:
    """One message of a stream.

    Raises:
        DockerApiError: it is none.
    """
    try:
        return decode(line, kind)
    except MalformedJsonError as error:
        raise DockerApiError(f"the container engine's message cannot be read: {error}", status=200) from error


def _with_fields(value: Any) -> Any:  # noqa: ANN401 - as in any JSON object
    if isinstance(value, dict):
        return fields(value)
    return [_with_fields(item) for item in value] if isinstance(value, list) else value
