"""Every kind of object that the store of a session holds."""

from pytilt.model.api.kinds import API_KINDS
from pytilt.model.objects import KINDS
from pytilt.model.stored import Object

STORED: tuple[type[Object], ...] = (*KINDS, *(kind.type for kind in API_KINDS))
"""Those that the session makes of itself, and those that Tiltfiles and clients make."""
