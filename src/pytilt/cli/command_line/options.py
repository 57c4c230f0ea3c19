"""Options that several commands share."""

from __future__ import annotations

import sys

from pytilt.cli.command_line.parsing import IntRange, OneOf, Option
from pytilt.errors import UserError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SESSION_OPTIONS = (
    Option("--host", help="Host of the session (TILT_HOST, localhost)."),
    Option(
        "--port",
        type=IntRange(0, 65535),
        help="Port of the session (TILT_PORT; that of this project's session; 10350).",
    ),
)
"""Which session is asked."""

JSON_OPTIONS = (
    Option("-o", "--output", type=OneOf("json"), help="Print JSON, with all that is known."),
    Option("--json", "as_json", is_flag=True, help="The same as `-o json`."),
)
"""For a program: either spelling."""

PROJECT_OPTIONS = (
    Option("-f", "--file", "tiltfile", default="Tiltfile", show_default=True, help="The Tiltfile."),
    Option("--context", help="Context instead of the current one (TILT_CONTEXT)."),
    Option(
        "--namespace",
        help="Namespace instead of the context's own (TILT_NAMESPACE); `{session}` in it stands for this worktree, "
        "for example `dev-{session}`, which is made where it is missing.",
    ),
)
"""Which Tiltfile, and which cluster."""


def split_by_commas(values: object) -> tuple[str, ...]:
    """Take `a,b` for `a` and `b`, as flags of Tilt's do that may be repeated."""
    assert isinstance(values, tuple)
    return tuple(name for value in values for name in value.split(",") if name)


LOG_OPTIONS = (
    Option("--log-level", type=OneOf("warn", "error"), help="Print only lines of this level."),
    Option(
        "--log-source",
        type=OneOf("all", "build", "runtime"),
        default="all",
        help="Print only lines of updates, or of what runs.",
    ),
    Option(
        "--log-resource",
        multiple=True,
        convert=split_by_commas,
        help="Print only lines of these resources: `web,db`; may be repeated.",
    ),
)
"""Which lines are printed."""

FORCE_OPTION = Option(
    "--force", is_flag=True, help="Build and apply everything, also what is unchanged since an earlier session."
)

UPDATE_MODES = ("auto", "image", "container", "exec")
"""What `--update-mode` takes."""


def _changes_nothing(word: str) -> Callable[[object], None]:
    def say(value: object) -> None:
        if value is not None:
            print(f"`{word}` changes nothing here: the page comes with the program", file=sys.stderr)

    return say


MODE_OPTIONS = (
    Option(
        "--output-snapshot-on-exit",
        "snapshot",
        metavar="FILE",
        help="Write what is known at the end, with the log, to this file: the page for `tilt snapshot view` where it "
        "ends with `.html`, else JSON in the form of Tilt's snapshots.",
    ),
    Option(
        "--web-mode",
        convert=_changes_nothing("--web-mode"),
        type=OneOf("default", "local", "prod", "embedded", "precompiled"),
        exposed=False,
        help="Changes nothing here: the page comes with the program.",
    ),
    Option(
        "--webdev-port",
        convert=_changes_nothing("--webdev-port"),
        type=IntRange(0, 65535),
        exposed=False,
        help="Changes nothing here, as --web-mode.",
    ),
    Option(
        "--logactions",
        is_flag=True,
        exposed=False,
        hidden=True,
        help="Changes nothing here: there is no log of actions.",
    ),
)
"""Flags of Tilt's that say how a session works inside, where there is one way here; and the snapshot at its end."""


def _update_mode(value: object) -> object:
    if value not in UPDATE_MODES:
        raise UserError(f'unknown update mode "{value}". Valid Values: [{" ".join(UPDATE_MODES)}]')
    return value


UPDATE_MODE_OPTION = Option(
    "--update-mode",
    default="auto",
    convert=_update_mode,
    metavar="|".join(UPDATE_MODES),
    help="How changes get into what runs: `auto` and `container` in place where that works, `exec` the same by the "
    "container's own shell alone, `image` always by a new image.",
)
"""Only `tilt up` has it."""

DISPLAY_OPTIONS = (
    Option(
        "--notify",
        type=OneOf("off", "bell", "desktop", "all"),
        default="bell",
        show_default=True,
        help="How the display reports that a resource broke or is well again.",
    ),
    Option(
        "--theme",
        type=OneOf("auto", "dark", "light"),
        default="auto",
        show_default=True,
        help="Colours of the display; `auto` asks the terminal.",
    ),
)
"""How the display is wanted."""


def seconds_given(text: str, option: str) -> float:
    """A duration such as `90s`, `1h30m` or `0`.

    Raises:
        UserError: it is none; the message names the option.
    """
    from pytilt.model.durations import duration_of

    found = duration_of(text)
    if found is None:
        raise UserError(f"`{option} {text}` is not a duration", hint="for example `90s`, `5m` or `1h30m`")
    return found
