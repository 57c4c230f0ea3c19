"""Colours: a dark and a light theme, and one of the terminal's own sixteen; each says how every tone looks."""

from dataclasses import dataclass, replace

from rich.style import Style
from textual.theme import BUILTIN_THEMES, Theme

from pytilt.hud.options import DARK, LIGHT, SIXTEEN
from pytilt.views.dots import Tone


@dataclass(frozen=True)
class Palette:
    """How things look in one theme."""

    tones: dict[Tone, Style]
    selected: Style
    """Laid over the selected row of the pane that has the keys."""
    selected_elsewhere: Style
    """The same while another pane has the keys."""
    bar: Style
    """The status bar and the key bar."""
    badge: Style
    head: Style
    """Titles of columns and groups."""
    line: Style
    """Thin lines and scroll bars."""
    thumb: Style
    found: Style
    """Words that a search found."""
    found_here: Style
    names: tuple[Style, ...]
    """Names of resources take turns in the log."""

    def __getitem__(self, tone: Tone) -> Style:
        """The style of a tone."""
        return self.tones[tone]


def themes() -> tuple[Theme, ...]:
    """The themes that Textual draws its own parts by: pop-ups, inputs, the palette of commands."""
    return (
        Theme(
            name=DARK,
            primary="#6cb6ff",
            secondary="#8b97a8",
            warning="#f0c052",
            error="#ff7b72",
            success="#56d38a",
            accent="#6cb6ff",
            foreground="#d9dee7",
            background="#11141a",
            surface="#171b23",
            panel="#202734",
            dark=True,
            variables={"scrollbar": "#5d6b80", "scrollbar-background": "#171b23", "scrollbar-hover": "#8b97a8"},
        ),
        Theme(
            name=LIGHT,
            primary="#0a5fbf",
            secondary="#5c6778",
            warning="#8a5a00",
            error="#c3202a",
            success="#136f35",
            accent="#0a5fbf",
            foreground="#1d2530",
            background="#fcfcfd",
            surface="#f2f4f8",
            panel="#e3e8f0",
            dark=False,
            variables={"scrollbar": "#8c99ab", "scrollbar-background": "#f2f4f8", "scrollbar-hover": "#5c6778"},
        ),
        # Textual's own, which knows every variable that its parts ask for.
        replace(BUILTIN_THEMES["ansi-dark"], name=SIXTEEN, primary="ansi_cyan", accent="ansi_cyan"),
    )


def palette(theme: str) -> Palette:
    """How things look in a theme; a theme of Textual's own gets the dark or the sixteen colours."""
    return {LIGHT: _LIGHT, SIXTEEN: _SIXTEEN}.get(theme, _LIGHT if "light" in theme else _DARK)


def _truecolor(
    *,
    plain: str,
    muted: str,
    strong: str,
    ok: str,
    busy: str,
    error: str,
    warn: str,
    accent: str,
    selected: str,
    elsewhere: str,
    panel: str,
    line: str,
    thumb: str,
    ink: str,
    names: tuple[str, ...],
) -> Palette:
    return Palette(
        tones={
            Tone.PLAIN: Style(color=plain),
            Tone.MUTED: Style(color=muted),
            Tone.STRONG: Style(color=strong, bold=True),
            Tone.OK: Style(color=ok),
            Tone.BUSY: Style(color=busy),
            Tone.ERROR: Style(color=error, bold=True),
            Tone.WARN: Style(color=warn),
            Tone.LINK: Style(color=accent, underline=True),
            Tone.ACCENT: Style(color=accent),
        },
        selected=Style(bgcolor=selected),
        selected_elsewhere=Style(bgcolor=elsewhere),
        bar=Style(color=plain, bgcolor=panel),
        badge=Style(color=ink, bgcolor=accent, bold=True),
        head=Style(color=muted),
        line=Style(color=line),
        thumb=Style(color=thumb),
        found=Style(color=ink, bgcolor=busy),
        found_here=Style(color=ink, bgcolor=accent, bold=True),
        names=tuple(Style(color=name) for name in names),
    )


_DARK = _truecolor(
    plain="#d9dee7",
    muted="#8b97a8",
    strong="#ffffff",
    ok="#56d38a",
    busy="#f0c052",
    error="#ff7b72",
    warn="#f0c052",
    accent="#6cb6ff",
    selected="#2b3a52",
    elsewhere="#1e2633",
    panel="#202734",
    line="#3a4454",
    thumb="#5d6b80",
    ink="#11141a",
    names=("#7fc8f8", "#9ad8a4", "#d7a6f0", "#8fb4ff", "#e8c887", "#72d6d0", "#f2a9b8", "#f5b48c"),
)

_LIGHT = _truecolor(
    plain="#1d2530",
    muted="#5c6778",
    strong="#000000",
    ok="#136f35",
    busy="#8a5a00",
    error="#c3202a",
    warn="#8a5a00",
    accent="#0a5fbf",
    selected="#cfe0f7",
    elsewhere="#e6ecf5",
    panel="#e3e8f0",
    line="#c3ccd9",
    thumb="#8c99ab",
    ink="#ffffff",
    names=("#0b6aa8", "#1c7a38", "#7c3aa6", "#2f55b8", "#8a5a00", "#0a7672", "#ad2f4d", "#a14a12"),
)

_SIXTEEN = Palette(
    tones={
        Tone.PLAIN: Style(),
        Tone.MUTED: Style(dim=True),
        Tone.STRONG: Style(bold=True),
        Tone.OK: Style(color="green"),
        Tone.BUSY: Style(color="yellow"),
        Tone.ERROR: Style(color="red", bold=True),
        Tone.WARN: Style(color="yellow"),
        Tone.LINK: Style(color="cyan", underline=True),
        Tone.ACCENT: Style(color="cyan"),
    },
    selected=Style(color="default", bgcolor="default", reverse=True),
    selected_elsewhere=Style(bold=True),
    bar=Style(),
    badge=Style(bold=True, reverse=True),
    head=Style(dim=True),
    line=Style(dim=True),
    thumb=Style(),
    found=Style(color="black", bgcolor="yellow"),
    found_here=Style(color="black", bgcolor="cyan", bold=True),
    names=tuple(
        Style(color=name) for name in ("cyan", "green", "magenta", "blue", "bright_cyan", "bright_green", "white")
    ),
)
