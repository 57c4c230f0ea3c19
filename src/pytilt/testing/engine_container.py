"""A container of the container runtime in memory; see `testing.runtime`."""

import asyncio
from collections.abc import Mapping

from pytilt.docker.seam import Json


class FakeContainer:
    """One container.

    Args:
        identity: its id.
        name: its name.
        request: what it was created with.
        created: Unix time.
    """

    def __init__(self, identity: str, name: str, request: Json, created: float) -> None:
        self.id = identity
        self.name = name
        self.request = request
        self.created = created
        self.state = "created"
        self.started_at = 0.0
        self.finished_at = 0.0
        self.exit_code = 0
        self.oom_killed = False
        self.error = ""
        self.address = ""
        self.disconnected = False
        """Was its network removed?"""
        self.files: dict[str, bytes] = {}
        self.log: list[tuple[float, str]] = []
        self.received: list[str] = []
        """What was written to its standard input by `attach_input`."""
        self.ended = asyncio.Event()

    @property
    def labels(self) -> Mapping[str, str]:
        """What it is marked with."""
        found: Mapping[str, str] = self.request.get("Labels") or {}
        return found

    @property
    def running(self) -> bool:
        """Does it run?"""
        return self.state == "running"

    @property
    def environment(self) -> dict[str, str]:
        """Its variables."""
        return dict(item.split("=", 1) for item in self.request.get("Env") or ())

    def write(self, at: float, text: str) -> None:
        """Have it write a line."""
        self.log.append((at, text))
