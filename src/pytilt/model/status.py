"""The two words that every front end shows, as in Tilt's API."""

from enum import StrEnum


class RuntimeStatus(StrEnum):
    """How that which was deployed or served is doing (`status.runtimeStatus`)."""

    UNKNOWN = "unknown"
    OK = "ok"
    PENDING = "pending"
    ERROR = "error"
    NOT_APPLICABLE = "not_applicable"
    """There is nothing that runs, for example a `local_resource` without `serve_cmd`."""
    NONE = "none"
    """Disabled, or never started."""


class UpdateStatus(StrEnum):
    """How the updates of a resource are doing (`status.updateStatus`)."""

    NONE = "none"
    """Never ran and is not due."""
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    OK = "ok"
    ERROR = "error"
    NOT_APPLICABLE = "not_applicable"
    """There is nothing to update, for example a `local_resource` without `cmd`."""
