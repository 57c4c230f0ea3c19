"""The one error tree. Anything else that is raised is a bug and keeps its traceback.

    PytiltError            knows what went wrong, where, and what to do about it
    ├── UserError          the user can mend it: a flag, a file, a setting
    │   ├── NotFoundError  an object that the user names is not there
    │   └── TiltfileError  evaluating a Tiltfile failed; carries the trace of Tiltfile frames
    ├── WorkError          a piece of work for one resource failed; that resource turns red, the others go on
    │   ├── BuildError     an image could not be built
    │   ├── PublishError   an image could not be pushed or loaded
    │   ├── ApplyError     the cluster refused an object
    │   ├── SyncError      a container could not be updated in place
    │   ├── CommandError   a command of the user's failed
    │   └── DockerApiError the container engine refused a request; becomes one of the above where it is known what for
    ├── OutputClosedError  nobody reads what is printed any more; that is how `| head` ends a command
    └── UnreachableError   something outside does not answer; heals by itself once it does
        ├── EngineUnreachableError    the container engine
        ├── ClusterUnreachableError   the cluster, or it does not accept the credentials
        │   └── PortClosedError       nothing listens at a port of a pod
        └── SessionUnreachableError   a running `tilt up`, asked by another command

Work that fails is caught once, by the update that does it, and becomes part of that update's record.
Messages follow the style of the field: lower case start, no full stop, backticks round commands and paths.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class PytiltError(Exception):
    """Something went wrong that can be explained.

    Args:
        message: what went wrong, one or more lines.
        where: the place as `file:line:column`, or a path, when there is one.
        hint: what the user can do about it.
    """

    exit_code = 1
    """The status with which a command ends that fails with this error."""

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """The message with its place before it and its hint on a line of its own."""
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\nhint: {self.hint}" if self.hint else text


class UserError(PytiltError):
    """The user can mend this: a flag, a file, a setting."""


class NotFoundError(UserError):
    """An object that the user names is not there."""


class TiltfileError(UserError):
    """Evaluating a Tiltfile failed.

    Args:
        message: the last line: what went wrong.
        where: `file:line:column` of the innermost frame of the Tiltfile.
        hint: what the user can do about it.
        trace: the frames, outermost first, in the form that Tilt prints; empty for errors without frames.
        excerpt: the line of the Tiltfile, and below it a caret at the column; empty where it is not known.
        others: more errors of the same file, which is not run at all.
    """

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        trace: str = "",
        excerpt: str = "",
        others: Sequence[TiltfileError] = (),
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.trace = trace
        self.excerpt = excerpt
        self.others = tuple(others)

    def __str__(self) -> str:
        """The trace where there is one, else the message with its place; then the hint."""
        return self._text("")

    @property
    def in_full(self) -> str:
        """The same with the line of the Tiltfile and its caret."""
        return self._text(self.excerpt)

    def _text(self, excerpt: str) -> str:
        hint = f"hint: {self.hint}" if self.hint else ""
        if self.trace:
            lines = [self.trace, excerpt, self.message, hint]
        else:
            lines = [f"{self.where}: {self.message}" if self.where else self.message, excerpt, hint]
        return "\n".join(line for line in lines if line)


class WorkError(PytiltError):
    """A piece of work for one resource failed.

    Args:
        message: what went wrong.
        where: the place as `file:line:column`, or a path, when there is one.
        hint: what the user can do about it.
        output: the part of a program's output that explains the failure; all of it is in the log.
    """

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None, output: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.output = output

    def __str__(self) -> str:
        """The message with its place, the output below it, and the hint on a line of its own."""
        text = f"{self.where}: {self.message}" if self.where else self.message
        parts = (text, self.output, f"hint: {self.hint}" if self.hint else "")
        return "\n".join(part for part in parts if part)

    @property
    def without_output(self) -> str:
        """The same for where the output was printed already."""
        return super().__str__()


class BuildError(WorkError):
    """An image could not be built."""


class PublishError(WorkError):
    """An image could not be pushed to a registry or loaded into a cluster."""


class ApplyError(WorkError):
    """The cluster refused an object."""


class SyncError(WorkError):
    """A container could not be updated in place; the resource falls back to a full update."""


class NodeUnreachableError(SyncError):
    """The node that a container is on does not answer, so there is no way into it at all."""


class NotInPlaceError(SyncError):
    """What changed is to be built: it cannot be brought into a container, and nothing was tried."""


class CommandError(WorkError):
    """A command of the user's failed.

    Args:
        message: what went wrong.
        exit_status: the status the command ended with, None when it could not start.
        hint: what the user can do about it.
        output: the part of its output that explains the failure.
    """

    def __init__(
        self, message: str, *, exit_status: int | None = None, hint: str | None = None, output: str = ""
    ) -> None:
        super().__init__(message, hint=hint, output=output)
        self.exit_status = exit_status


class DockerApiError(WorkError):
    """The container engine answered a request with an error.

    Args:
        message: the engine's own words.
        status: the HTTP status, for example 404 or 409.
        hint: what the user can do about it.
    """

    def __init__(self, message: str, *, status: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class OutputClosedError(PytiltError):
    """The reader of the output has gone, as `head` goes when it has enough; nothing is said of it."""

    exit_code = 141
    """As a shell shows it for a program that SIGPIPE ended."""


class UnreachableError(PytiltError):
    """Something outside does not answer; work that needs it waits or fails, and heals once it answers."""


class EngineUnreachableError(UnreachableError):
    """No container engine answers."""


class ClusterUnreachableError(UnreachableError):
    """The cluster does not answer, or does not accept the credentials."""


class PortClosedError(ClusterUnreachableError):
    """Nothing listens at a port of a pod."""


class SessionUnreachableError(UnreachableError):
    """No running session answers at the host and port that were asked."""
