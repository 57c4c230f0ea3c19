"""The verbs of `synclet` as command lines, without the program's name unless a container runs it by `exec`."""

from collections.abc import Iterable

from pytilt.model.base import Value

PATH = "/synclet"
"""Where the program lies in images that carry it."""

ACKNOWLEDGED = "ok"
"""`forward` answers a configuration that it applied by this line, another one by what is wrong with it."""

END_OF_CONFIGURATION = "."
"""The line that ends a configuration on the standard input of `forward`."""


class PublishedPorts(Value):
    """A port that `publish` passes on."""

    protocol: str
    """`tcp` or `udp`."""
    port: int
    """Where it listens."""
    target: str
    """`address:port`."""


def pause(service_range: str = "") -> list[str]:
    """Hold a pod's namespaces, reap its orphans; with a range, route the Services' addresses to the forwarder."""
    return ["pause", service_range] if service_range else ["pause"]


def forward(service_range: str, configuration: str) -> list[str]:
    """Answer for the names of Services and spread their connections.

    Args:
        service_range: the Services' addresses, in CIDR form.
        configuration: path of the file that keeps the last configuration for the next start.
    """
    return ["forward", service_range, configuration]


def publish(service_range: str, ports: Iterable[PublishedPorts]) -> list[str]:
    """Pass ports of a container on to Services."""
    return ["publish", service_range, *(f"{each.protocol}:{each.port}={each.target}" for each in ports)]


def dial(address: str) -> list[str]:
    """Connect standard input and output to an address, as an `exec` command; the first line is empty once connected."""
    return [PATH, "dial", address]


def receive(root: str = "/") -> list[str]:
    """Carry out live updates; with another root, below that directory."""
    return ["receive", root] if root != "/" else ["receive"]


def relay(channel: int) -> list[str]:
    """Pass live updates on to helpers in containers, until standard input ends.

    Args:
        channel: number of a descriptor by which it is granted port forwards.
    """
    return ["relay", str(channel)]


def supervise(program: Iterable[str], stop_signal: str = "") -> list[str]:
    """Run a program as a container's first process and start it again on request.

    Args:
        program: its words.
        stop_signal: what asks it to end, by name or number; empty: SIGTERM.
    """
    flags = [f"--stop-signal={stop_signal}"] if stop_signal else []
    return ["supervise", *flags, "--", *program]
