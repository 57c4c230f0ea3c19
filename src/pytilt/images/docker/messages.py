"""The messages in which an engine reports builds, pulls and pushes: one JSON object after the other."""

from collections.abc import AsyncIterable, AsyncIterator

import msgspec

from pytilt.errors import DockerApiError
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
    decoder = msgspec.json.Decoder(Message)
    pending = b""
    async for chunk in chunks:
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield _decoded(decoder, line)
    if pending.strip():
        yield _decoded(decoder, pending)


def aux_id(message: Message) -> str:
    """The id of an image that a message holds, empty when it holds none."""
    try:
        return msgspec.json.decode(message.aux, type=_Identified).id if message.aux else ""
    except msgspec.DecodeError:
        return ""


def aux_bytes(message: Message) -> bytes:
    """The bytes that a message carries.

    Raises:
        ValueError: it carries none.
    """
    return msgspec.json.decode(message.aux, type=bytes)


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


def _decoded(decoder: "msgspec.json.Decoder[Message]", line: bytes) -> Message:
    try:
        return decoder.decode(line)
    except msgspec.DecodeError as error:
        shown = line[:200].decode(errors="replace")
        raise DockerApiError(f"the container engine's message cannot be read: {error}: {shown}", status=200) from error
