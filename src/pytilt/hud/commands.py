"""Everything that a person can do, in one table: bindings, key bar, help and palette are all made from it."""

from collections.abc import Callable
from dataclasses import dataclass

from pytilt.model.base import Value
from pytilt.model.names import TILTFILE
from pytilt.views.rows import Row


class Now(Value):
    """What the person looks at; it decides what is possible."""

    row: Row | None = None
    """The selected row."""
    expanded: bool = False
    reading: bool = False
    """Has the log the keys?"""
    full_log: bool = False
    searching: bool = False
    """Are words marked?"""
    broken: bool = False
    """Is a row broken that is not selected?"""
    group_on: bool = False
    """Is a group selected, with a resource that is on?"""
    group_off: bool = False
    undo: bool = False
    """Were resources switched on or off, and are they still?"""


@dataclass(frozen=True)
class DisplayCommand:
    """Something to do."""

    keys: str
    """As Textual names them, separated by commas."""
    shown: str
    """The keys as people read them."""
    action: str
    label: str
    """One or two words for the key bar; empty: it is not shown there."""
    help: str
    section: str
    possible: Callable[[Now], bool] = lambda _: True
    weight: int = 5
    """The key bar shows as many as have room, the lowest numbers first."""
    palette: bool = True
    """Is it worth a line in the palette?"""


ROWS, LOG, SESSION = "Resources", "Log", "Session"


def _on_rows(now: Now) -> bool:
    return not now.full_log


def _reading(now: Now) -> bool:
    return now.reading


def _on_row(now: Now) -> bool:
    return now.row is not None and not now.full_log


def _on_resource(now: Now) -> bool:
    return _on_row(now) and now.row is not None and now.row.name != TILTFILE


def _on_enabled(now: Now) -> bool:
    return _on_row(now) and now.row is not None and now.row.enabled


COMMANDS = (
    DisplayCommand("up,k", "↑ k", "move(-1)", "", "select the row above; in the log, scroll", ROWS, palette=False),
    DisplayCommand("down,j", "↓ j", "move(1)", "", "select the row below; in the log, scroll", ROWS, palette=False),
    DisplayCommand("pageup", "PgUp", "page(-1)", "", "a page up", ROWS, palette=False),
    DisplayCommand("pagedown", "PgDn", "page(1)", "", "a page down", ROWS, palette=False),
    DisplayCommand("home", "Home", "edge(-1)", "", "first row; in the log, its beginning", ROWS, palette=False),
    DisplayCommand("end,G", "End G", "edge(1)", "", "last row, and the newest line of the log", ROWS, palette=False),
    DisplayCommand(
        "right",
        "→",
        "unfold(True)",
        "expand",
        "expand the row or the group",
        ROWS,
        lambda now: not now.reading and not now.expanded,
        3,
        palette=False,
    ),
    DisplayCommand(
        "left",
        "←",
        "unfold(False)",
        "fold",
        "fold the row or the group",
        ROWS,
        lambda now: not now.reading and now.expanded,
        3,
        palette=False,
    ),
    DisplayCommand("enter", "⏎", "open_log", "log", "the whole log of the row, on the whole screen", ROWS, _on_row, 1),
    DisplayCommand("space,t", "space t", "trigger", "update", "trigger an update of the row now", ROWS, _on_enabled, 2),
    DisplayCommand(
        "S",
        "S",
        "stop",
        "stop",
        "stop the update of the row that runs",
        ROWS,
        lambda now: _on_row(now) and now.row is not None and now.row.updating,
        1,
    ),
    DisplayCommand(
        "b,B",
        "b",
        "browse",
        "open",
        "open the endpoint of the row in the browser",
        ROWS,
        lambda now: _on_row(now) and now.row is not None and bool(now.row.endpoints),
        1,
    ),
    DisplayCommand(
        "e",
        "e",
        "enable(True)",
        "enable",
        "switch the resource or the group on",
        ROWS,
        lambda now: now.group_off or (_on_resource(now) and not _on_enabled(now)),
        2,
    ),
    DisplayCommand(
        "d",
        "d",
        "enable(False)",
        "disable",
        "switch the resource off; a group after a question",
        ROWS,
        lambda now: now.group_on or (_on_resource(now) and _on_enabled(now)),
        6,
    ),
    DisplayCommand("z", "z", "undo", "undo", "take back the last switching on or off", ROWS, lambda now: now.undo, 2),
    DisplayCommand(
        "a",
        "a",
        "press",
        "buttons",
        "press a button of the row, or of the session",
        ROWS,
        lambda now: _on_row(now) and now.row is not None and bool(now.row.buttons),
        2,
    ),
    DisplayCommand("m", "m", "mute", "", "no alerts of the row, or again", ROWS, _on_row),
    DisplayCommand(
        "f",
        "f",
        "filter",
        "filter",
        "show all, the unhealthy, the pending, or by a text",
        ROWS,
        _on_rows,
        4,
    ),
    DisplayCommand(
        "u", "u", "next_broken", "next broken", "select the next row that is broken", ROWS, lambda now: now.broken, 3
    ),
    DisplayCommand("g", "g", "graph", "graph", "what waits for what, as a tree", ROWS, _on_rows, 8),
    DisplayCommand(
        "tab",
        "tab",
        "other_pane",
        "to the log",
        "keys to the log, or back to the rows",
        LOG,
        _on_rows,
        6,
        palette=False,
    ),
    DisplayCommand("x,l", "x l", "log_size", "log size", "log pane: what the rows leave, half, full", LOG, weight=7),
    DisplayCommand("1", "1", "source('all')", "", "all lines", LOG),
    DisplayCommand("2", "2", "source('build')", "", "lines of builds", LOG),
    DisplayCommand("3", "3", "source('runtime')", "", "lines of what runs", LOG),
    DisplayCommand("s", "s", "solo", "", "log pane: only the selected row, or all", LOG),
    DisplayCommand("slash", "/", "search", "search", "search the log", LOG, weight=4),
    DisplayCommand(
        "n",
        "n",
        "find(False)",
        "next",
        "next line further down with the words",
        LOG,
        lambda now: now.searching,
        1,
        palette=False,
    ),
    DisplayCommand(
        "N",
        "N",
        "find(True)",
        "previous",
        "next line further up with the words",
        LOG,
        lambda now: now.searching,
        1,
        palette=False,
    ),
    DisplayCommand("v", "v", "level", "level", "log: all levels, warnings and errors, errors only", LOG, _reading, 6),
    DisplayCommand("T", "T", "times", "times", "log: times on or off", LOG, _reading, 6),
    DisplayCommand("w", "w", "wrap", "wrap", "log: wrap long lines or not", LOG, _reading, 6),
    DisplayCommand(
        "y",
        "y",
        "copy",
        "copy",
        "copy the selection, else what is seen of the log",
        LOG,
        _reading,
        5,
    ),
    DisplayCommand("L", "L", "web", "", "open the web page of the session", SESSION),
    DisplayCommand("r", "r", "args", "", "arguments of the Tiltfile", SESSION),
    DisplayCommand(
        "p,ctrl+p",
        "p",
        "command_palette",
        "commands",
        "all commands and resources by name",
        SESSION,
        weight=7,
        palette=False,
    ),
    DisplayCommand("R", "R", "redraw", "", "draw the screen anew", SESSION),
    DisplayCommand("question_mark,f1", "?", "help", "help", "this help", SESSION, weight=5),
    DisplayCommand(
        "escape",
        "esc",
        "close",
        "close log",
        "back: close what is open",
        SESSION,
        lambda now: now.full_log or now.reading,
        1,
        palette=False,
    ),
    DisplayCommand("q,Q", "q", "leave", "quit", "close what is open, else leave; deployments stay", SESSION, weight=0),
    DisplayCommand("ctrl+c", "ctrl-C", "quit", "", "leave at once", SESSION, palette=False),
    DisplayCommand(
        "ctrl+z",
        "ctrl-Z",
        "suspend",
        "",
        "suspend this program; the shell's `fg` goes on",
        SESSION,
        palette=False,
    ),
)
"""Keys are those of the displays of 2019, v0.5 to v0.8.5, and what came since."""


def possible(now: Now) -> tuple[DisplayCommand, ...]:
    """The commands that the key bar may show, the most important first."""
    found = [command for command in COMMANDS if command.label and command.possible(now)]
    return tuple(sorted(found, key=lambda command: command.weight))
