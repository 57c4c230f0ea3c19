"""The messages in which an engine reports builds, pulls and pushes: one JSON object after the other."""

from collections.abc import AsyncIterable, AsyncIterator

import msgspec

from pytilt.docker.answers import read_message
from pytilt.http.decoding import MalformedJsonError, decode
from pytilt.images.docker.steps import StepLine, size

BUILDKIT_TRACE = "moby.buildkit.trace"
"""The id of messages whose `aux` is a progress message of BuildKit's."""


class LayerProgress(msgspec.Struct, frozen=True):
    """How far a layer has come, in bytes."""

    current: int = 0
    total: int = 0


class ErrorDetail(msgspec.Struct, frozen=True):
    """What went wrong."""

    message: str = ""


class Message(msgspec.Struct, frozen=True, rename="camel"):
    """One message; which fields are set depends on what is reported."""

    stream: str = ""
    """Text that a build prints."""
    status: str = ""
    """What happens to a layer, for example `Pushing`."""
    id: str = ""
    """Which layer, or which kind of `aux`."""
    progress_detail: LayerProgress = LayerProgress()
    error: str = ""
    error_detail: ErrorDetail = ErrorDetail()
    aux: msgspec.Raw = msgspec.Raw()

    @property
    def failure(self) -> str:
        """What went wrong, empty when nothing did."""
        return self.error_detail.message or self.error


class _Identified(msgspec.Struct):
    id: str = msgspec.field(name="ID", default="")


async def read_messages(chunks: AsyncIterable[bytes]) -> AsyncIterator[Message]:
    """Decode a stream of messages.

    Raises:
        DockerApiError: it is none.
    """
    pending = b""
    async for chunk in chunks:
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield read_message(line, Message)
    if pending.strip():
        yield read_message(pending, Message)


def aux_id(message: Message) -> str:
    """The id of an image that a message holds, empty when it holds none."""
    try:
        return decode(bytes(message.aux), _Identified).id if message.aux else ""
    except MalformedJsonError:
        return ""


def aux_bytes(message: Message) -> bytes:
    """The bytes that a message carries.

    Raises:
        ValueError: it carries none.
    """
    return decode(bytes(message.aux), bytes)


class Layers:
    """Turns reports on layers, many times a second each, into few lines. Pure."""

    def __init__(self) -> None:
        self._reported: dict[str, tuple[str, int]] = {}

    def feed(self, message: Message) -> list[StepLine]:
        """Take in a message and return what is new: every change of a layer's status, and every tenth of its way."""
        if not message.status:
            return []
        if not message.id:
            return [StepLine(text=message.status)]
        done = message.progress_detail
        state = (message.status, done.current * 10 // done.total if done.total > 0 else 0)
        if self._reported.get(message.id) == state:
            return []
        self._reported[message.id] = state
        shown = f" {size(done.current)} / {size(done.total)}" if done.total > 0 else ""
        return [StepLine(text=f"{message.id}: {message.status}{shown}", progress=message.id)]
