"""What every object of a session's store has: a name, a version, an owner."""

from typing import ClassVar

from pytilt.model.base import Value
from pytilt.model.names import TILTFILE


class Owner(Value):
    """The object that declared another one. A controller deletes only what its own objects own."""

    kind: str
    name: str


TILTFILE_OWNER = Owner(kind="Tiltfile", name=TILTFILE)
"""Of all that the main Tiltfile, and the extensions that run with it, declared."""


class Object(Value):
    """An object of the store."""

    kind: ClassVar[str] = ""
    """The word of the API."""

    name: str
    """Unique among the objects of its kind."""
    version: int = 0
    """Counts the writes of the whole store; set by the store."""
    created_at: str = ""
    """RFC 3339; set by the store."""
    owner: Owner | None = None
    """None: a client made it, or the session itself."""
