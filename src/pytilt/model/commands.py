"""Commands of the user's and probes of their readiness."""

import shlex

from pytilt.model.base import Value


class Command(Value):
    """A command as the user wrote it: a string became `sh -c STRING`."""

    argv: tuple[str, ...]
    dir: str
    """Absolute working directory."""
    env: tuple[tuple[str, str], ...] = ()
    """Added to the session's environment, sorted by name."""
    echo_off: bool = False

    @property
    def shown(self) -> str:
        """The command for people: a shell string as it was written, else the words, quoted where a shell needs it."""
        if len(self.argv) == 3 and self.argv[:2] == ("sh", "-c"):
            return self.argv[2]
        return shlex.join(self.argv)


class ExecAction(Value):
    """Ready when the command exits with 0."""

    command: tuple[str, ...]
    """Its words."""


class HttpHeader(Value):
    """A header of a request."""

    name: str = ""
    """For example `Accept`."""
    value: str = ""
    """What it says."""


class HttpGetAction(Value):
    """Ready when the answer is 2xx or 3xx."""

    path: str = ""
    """Of the address."""
    port: int
    """Of the address."""
    host: str = "localhost"
    """Of the address."""
    scheme: str = "http"
    """`http` or `https`."""
    http_headers: tuple[HttpHeader, ...] = ()


class TcpSocketAction(Value):
    """Ready when a connection can be opened."""

    port: int
    """Which one."""
    host: str = "localhost"
    """Where."""


class Probe(Value):
    """A readiness probe; numbers as in Kubernetes, seconds where they are times."""

    exec: ExecAction | None = None
    http_get: HttpGetAction | None = None
    tcp_socket: TcpSocketAction | None = None
    initial_delay_seconds: int = 0
    """How long after the start the first try is."""
    timeout_seconds: int = 1
    """How long a try may take."""
    period_seconds: int = 10
    """How long it is from try to try."""
    success_threshold: int = 1
    """So many good tries make it ready."""
    failure_threshold: int = 3
    """So many bad tries make it not ready."""
