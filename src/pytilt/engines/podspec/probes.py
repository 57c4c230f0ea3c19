"""Probes: what a pod's spec asks for, and how results add up. Pure; `probing` runs them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pytilt.model.base import Value
from pytilt.model.numbers import whole


class ProbeKind(StrEnum):
    """What a probe decides."""

    STARTUP = "startup"
    READINESS = "readiness"
    LIVENESS = "liveness"


class ProbeVerdict(StrEnum):
    """What the results so far amount to."""

    UNDECIDED = "undecided"
    """Not yet enough results to change anything."""
    PASSED = "passed"
    FAILED = "failed"


class ProbeSpec(Value):
    """A probe with its numbers; the defaults are Kubernetes'."""

    kind: ProbeKind
    action: Mapping[str, Any]
    """`exec`, `httpGet`, `tcpSocket` or `grpc`, as in the spec."""
    initial_delay: float = 0.0
    """Seconds."""
    period: float = 10.0
    """Seconds."""
    timeout: float = 1.0
    """Seconds."""
    success_threshold: int = 1
    failure_threshold: int = 3
    grace_period: int | None = None
    """Seconds that a container gets to end that failed this probe; None: the pod's."""


class ProbeCount(Value):
    """How many results of the same sort came in a row."""

    successes: int = 0
    failures: int = 0

    def after(self, *, success: bool) -> "ProbeCount":
        """The count with one more result."""
        if success:
            return ProbeCount(successes=self.successes + 1)
        return ProbeCount(failures=self.failures + 1)

    def verdict(self, spec: ProbeSpec) -> ProbeVerdict:
        """What the count means for a probe."""
        if self.successes >= spec.success_threshold:
            return ProbeVerdict.PASSED
        if self.failures >= spec.failure_threshold:
            return ProbeVerdict.FAILED
        return ProbeVerdict.UNDECIDED


def probe_spec(container: Mapping[str, Any], kind: ProbeKind) -> ProbeSpec | None:
    """The container's probe of a kind, None if it has none."""
    given = container.get(f"{kind}Probe")
    if not given:
        return None
    return ProbeSpec(
        kind=kind,
        action=given,
        initial_delay=float(given.get("initialDelaySeconds") or 0),
        period=float(given.get("periodSeconds") or 10),
        timeout=float(given.get("timeoutSeconds") or 1),
        success_threshold=int(given.get("successThreshold") or 1) if kind is ProbeKind.READINESS else 1,
        failure_threshold=int(given.get("failureThreshold") or 3),
        grace_period=given.get("terminationGracePeriodSeconds"),
    )


def port_number(port: object, container: Mapping[str, Any]) -> int:
    """The number of a port that may be given by name; 0 when the container has no such port."""
    if isinstance(port, int):
        return port
    if (number := whole(str(port))) is not None:
        return number
    ports = container.get("ports") or ()
    return next((int(item["containerPort"]) for item in ports if item.get("name") == port), 0)
