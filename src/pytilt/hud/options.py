"""How the display is wanted; free of Textual, so that a command can ask before it is loaded."""

from enum import StrEnum

from pytilt.model.base import Value

DARK, LIGHT, SIXTEEN = "tilt-dark", "tilt-light", "tilt-ansi"
"""Names of the themes: two of many colours, and one of the terminal's own sixteen."""


class Notify(StrEnum):
    """How alerts are shown, besides the message in the display itself."""

    OFF = "off"
    BELL = "bell"
    DESKTOP = "desktop"
    ALL = "all"


class Options(Value):
    """How the display is wanted."""

    url: str
    """The page of the session."""
    theme: str = DARK
    notify: Notify = Notify.BELL
    owns_session: bool = False
    """Does the session end when the display is left, and the other way round?"""
