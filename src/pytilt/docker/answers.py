"""What an engine answers, in which a field that is not there is the engine's mistake and not a bug of ours."""

from typing import Any, TypeVar

from pytilt.docker.seam import Json
from pytilt.errors import DockerApiError
from pytilt.http.decoding import MalformedJsonError, decode

T = TypeVar("T")


class Fields(Json):
    """A JSON object of the engine's."""

    def __missing__(self, name: str) -> Any:  # noqa: ANN401 - as in any JSON object
        """Refuse it."""
        raise DockerApiError(f"the container engine's answer has no `{name}`", status=200)


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
