"""Reading what an engine answers to a build or a pull: its lines go to the log, its result is returned."""

from collections.abc import AsyncIterable

from pytilt.host.output import Tail
from pytilt.images.docker.messages import BUILDKIT_TRACE, Layers, Message, aux_bytes, aux_id, read_messages
from pytilt.images.docker.steps import BuildSteps
from pytilt.images.docker.trace import read_trace
from pytilt.model.base import Value
from pytilt.model.logs import Log
from pytilt.model.regex import regex

_BUILT = regex(r"^(?:Successfully built )?([0-9a-f]{12,64})\s*$")
"""How the classic builder, and Podman, name the image at the end."""

_STEP = regex(r"^(?:\[\d+/\d+\] )?(?:Step \d+/\d+ : |STEP \d+/\d+: )(.*)")
"""How they name a step as it begins."""
_BUILDERS_OWN = (" --->", "Removing intermediate container", "--> ")
"""What the builder says between the lines of a step's output."""


class Result(Value):
    """What came of it."""

    image_id: str = ""
    short_id: str = ""
    """The image's abbreviated id, where the engine reports only that."""
    failure: str = ""
    """The engine's words; empty when it went well."""
    step: str = ""
    """The step that failed."""
    output: str = ""
    """The part of the step's output that explains the failure."""


class BuildReader:
    """Reads one answer.

    Args:
        log: where the lines go.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._steps = BuildSteps()
        self._layers = Layers()
        self._step = ""
        self._printed = Tail()
        self._unended = False

    async def read(self, chunks: AsyncIterable[bytes]) -> Result:
        """Read to the end.

        Raises:
            DockerApiError: the answer cannot be understood.
            EngineUnreachableError: it broke off.
        """
        image_id = short_id = failure = ""
        async for message in read_messages(chunks):
            failure = failure or message.failure
            if message.id == BUILDKIT_TRACE:
                self._trace(message)
                continue
            image_id = aux_id(message) or image_id
            if message.stream:
                found = _BUILT.match(message.stream)
                short_id = found[1] if found else short_id
                self._classic(message.stream)
            for line in self._layers.feed(message):
                self._log(f"{line.text}\n", progress=line.progress)
        if self._unended:
            self._log("\n")
        return Result(
            image_id=image_id,
            short_id=short_id,
            failure=failure,
            step=self._steps.failed_name or (self._step if failure else ""),
            output=self._steps.failed_output or (self._printed.excerpt() if failure else ""),
        )

    def _trace(self, message: Message) -> None:
        try:
            trace = read_trace(aux_bytes(message))
        except ValueError:  # it only says how far the build is
            return
        for line in self._steps.feed(trace):
            self._log(f"{line.text}\n", progress=line.progress)

    def _classic(self, text: str) -> None:
        step = _STEP.match(text)
        if step:
            self._step, self._printed = step[1].strip(), Tail()
        elif not text.startswith(_BUILDERS_OWN):
            self._printed.feed(text)
        self._unended = not text.endswith("\n")
        self._log(text)
