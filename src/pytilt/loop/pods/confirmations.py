"""Pods that a `tilt ci` has seen stay healthy, so that the next one need not wait once more for the same containers."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property

from pytilt.cluster.health import ready_since
from pytilt.host.records import Records
from pytilt.model.base import Value
from pytilt.model.pods import Pod

_KIND, _NAME = "confirmations", "pods"


class ConfirmedRuns(Value):
    """The runs of pods that stayed healthy for long enough."""

    runs: frozenset[str]


class Confirmations:
    """The record of a project in one cluster.

    A pod is known as long as it is the same one, its containers are those that ran then, and it has been ready without
    interruption: nothing has happened to it since.

    Args:
        records: keep it.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    def has_all(self, pods: Sequence[Pod]) -> bool:
        """Has an earlier session seen all these pods stay healthy, as they run now?

        Args:
            pods: of a resource.
        """
        return bool(self._known) and all(_run(pod) in self._known for pod in pods)

    def keep(self, healthy: frozenset[str]) -> None:
        """Remember what has stayed healthy; the rest is forgotten.

        Args:
            healthy: the runs of all pods that did.
        """
        if healthy != self._known:
            self._records.keep(_KIND, _NAME, ConfirmedRuns(runs=healthy))

    @cached_property
    def _known(self) -> frozenset[str]:
        found = self._records.find(_KIND, _NAME, ConfirmedRuns)
        return found.runs if found is not None else frozenset()


def runs(pods: Iterable[Pod]) -> frozenset[str]:
    """What distinguishes these runs of pods from all others; only of those that are known to be ready."""
    return frozenset(filter(None, map(_run, pods)))


def _run(pod: Pod) -> str:
    """Empty where it is not ready, or nobody says since when."""
    since = ready_since(pod)
    if not since:
        return ""
    ids = (f"{each.id} {each.restarts} {each.started_at}" for each in pod.containers)
    return hashlib.sha256("\n".join((pod.uid, since, *ids)).encode()).hexdigest()[:32]
