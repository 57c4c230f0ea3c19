"""What comes of the work of one update."""

from collections.abc import Mapping
from typing import Any

import msgspec

from pytilt.model.base import Value
from pytilt.model.updates import Outcome

STILL_BROKEN = "What was built last has failed, and that is still to be mended"
"""What the log says after an update that could do something, and does not make its resource green."""


class Done(Value):
    """The end of an update, as the strategy that carried it out reports it."""

    outcome: Outcome
    error: str = ""
    status: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """Fields of `ResourceStatus` that have new values."""
