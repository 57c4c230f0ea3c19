"""What an evaluation finds out besides its declaration. No session needs it; `tilt alpha tiltfile-result` shows it."""

import hashlib
from collections.abc import Mapping
from typing import Any

from pytilt.model.base import Value
from pytilt.model.commands import Command, Probe
from pytilt.model.files import Ignore

FEATURES = {
    "bulk_disable_resources": False,
    "cluster_refresh": False,
    "disable_resources": True,
    "events": True,
    "facets": True,
    "labels": True,
    "live_update_v2": True,
    "multiple_containers_per_pod": True,
    "offline_snapshot_creation": True,
    "snapshots": True,
    "update_history": False,
}
"""Tilt's features, and whether they are on where the Tiltfile says nothing."""

SWITCHABLE = ("snapshots", "cluster_refresh")
"""Those of them that a Tiltfile can still switch."""


class Prune(Value):
    """`docker_prune_settings` as it was written; the defaults are Tilt's."""

    enabled: bool = True
    max_age_minutes: int = 360
    num_builds: int = 0
    interval_hours: int = 1
    keep_recent: int = 2


class DeclaredApiObject(Value):
    """An object of Tilt's API that the Tiltfile declares."""

    plural: str
    """For example `extensionrepos`."""
    name: str
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    spec: Mapping[str, Any] = {}
    """As the API has it."""


class Call(Value):
    """A call of a function of the Tiltfile."""

    shown: str
    """Its name and positional arguments."""
    seconds: float


class Report(Value):
    """Everything that is only reported."""

    features: tuple[tuple[str, bool], ...] = ()
    team: str = ""
    telemetry: Command | None = None
    """`experimental_telemetry_cmd`, which is never run."""
    telemetry_directory: str = ""
    telemetry_period_seconds: float = 60.0
    analytics: bool | None = None
    """`analytics_settings`; None where the Tiltfile says nothing. Nothing is reported in any case."""
    check_updates: bool = True
    grace_period_given: bool = False
    """Did `ci_settings` name a grace period, be it 0?"""
    server_side_apply: bool = False
    """Does `update_settings` ask for it?"""
    prune: Prune = Prune()
    probes: tuple[tuple[str, Probe], ...] = ()
    """Of local resources, by name, with nothing in them but what the Tiltfile says."""
    watch_ignores: tuple[Ignore, ...] = ()
    """Of `watch_settings`."""
    tiltignore: tuple[str, ...] | None = None
    """The patterns of the `.tiltignore` file; None where there is none."""
    in_repository: bool = False
    """Does it run in the root of a git repository?"""
    suppressed_images: tuple[str, ...] = ()
    """Of `update_settings(suppress_unused_image_warnings=…)`."""
    environ: tuple[tuple[str, str], ...] = ()
    """The variables that the Tiltfile set, which are in the environment of every command of the declaration."""
    tiltfile_digest: str = ""
    """SHA-256 of the Tiltfile's text."""
    files_digest: str = ""
    """SHA-256 of the texts of all files that were executed, in their order."""
    objects: tuple[DeclaredApiObject, ...] = ()
    calls: tuple[Call, ...] = ()
    """In the order in which they ended; only where they are asked for."""
    unreported_files: frozenset[str] = frozenset()
    """Config files that Tilt does not watch: `tilt alpha tiltfile-result` has the same ones as Tilt's."""


class Recorder:
    """Collects what is only reported while a Tiltfile runs.

    Attributes:
        settings: what the functions set so far; each replaces it by a changed copy.
        calls: those that ended so far.
        objects: those of the API, by kind and name.
    """

    def __init__(self) -> None:
        self.features = dict(FEATURES)
        self.settings = Report()
        self.calls: list[Call] = []
        self.objects: dict[tuple[str, str], DeclaredApiObject] = {}
        self._first = ""
        self._all = hashlib.sha256()

    def executed(self, source: bytes) -> None:
        """A file is about to be executed."""
        self._first = self._first or hashlib.sha256(source).hexdigest()
        self._all.update(source)

    def declare(
        self,
        plural: str,
        name: str,
        labels: tuple[tuple[str, str], ...],
        annotations: tuple[tuple[str, str], ...],
        spec: Mapping[str, Any],
    ) -> None:
        """The Tiltfile declares an object of the API.

        Args:
            plural: its kind.
            name: its name.
            labels: its labels.
            annotations: its annotations.
            spec: as the API has it; what is empty is left out.
        """
        kept = {key: value for key, value in spec.items() if value}
        self.objects.setdefault(
            (plural, name),
            DeclaredApiObject(plural=plural, name=name, labels=labels, annotations=annotations, spec=kept),
        )

    def digests(self) -> tuple[str, str]:
        """Of the Tiltfile, and of all files."""
        return self._first, self._all.hexdigest()
