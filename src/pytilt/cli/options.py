"""Options that several commands share."""

import sys
from collections.abc import Callable
from typing import Any

import click

from pytilt.errors import UserError


def session_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--host` and `--port` of a session."""
    text = "Port of the session (TILT_PORT; that of this project's session; 10350)."
    function = click.option("--port", type=click.IntRange(0, 65535), help=text)(function)
    return click.option("--host", help="Host of the session (TILT_HOST, localhost).")(function)


NAMESPACE_HELP = (
    "Namespace instead of the context's own (TILT_NAMESPACE); `{session}` in it stands for this worktree, "
    "for example `dev-{session}`, which is made where it is missing."
)


def project_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Which Tiltfile, and which cluster."""
    for option in (
        click.option("--namespace", help=NAMESPACE_HELP),
        click.option("--context", help="Context instead of the current one (TILT_CONTEXT)."),
        click.option("-f", "--file", "tiltfile", default="Tiltfile", show_default=True, help="The Tiltfile."),
    ):
        function = option(function)
    return function


def split_by_commas(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Take `a,b` for `a` and `b`, as flags of Tilt's do that may be repeated."""
    return tuple(name for value in values for name in value.split(",") if name)


def log_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Which lines are printed."""
    for option in (
        click.option(
            "--log-resource",
            multiple=True,
            callback=split_by_commas,
            help="Print only lines of these resources: `web,db`; may be repeated.",
        ),
        click.option(
            "--log-source",
            type=click.Choice(["all", "build", "runtime"]),
            default="all",
            help="Print only lines of updates, or of what runs.",
        ),
        click.option("--log-level", type=click.Choice(["warn", "error"]), help="Print only lines of this level."),
    ):
        function = option(function)
    return function


def force_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--force`."""
    return click.option(
        "--force", is_flag=True, help="Build and apply everything, also what is unchanged since an earlier session."
    )(function)


UPDATE_MODES = ("auto", "image", "container", "exec")
"""What `--update-mode` takes."""


def mode_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Flags of Tilt's that say how a session works inside, where there is one way here; and the snapshot at its end."""
    for option in (
        click.option("--logactions", is_flag=True, expose_value=False, hidden=True, help="Changes nothing here."),
        click.option(
            "--webdev-port",
            type=click.IntRange(0, 65535),
            expose_value=False,
            callback=_changes_nothing("the page comes with the program"),
            help="Changes nothing here, as --web-mode.",
        ),
        click.option(
            "--web-mode",
            type=click.Choice(["default", "local", "prod", "embedded", "precompiled"]),
            expose_value=False,
            callback=_changes_nothing("the page comes with the program"),
            help="Changes nothing here: the page comes with the program.",
        ),
        click.option(
            "--output-snapshot-on-exit",
            "snapshot",
            metavar="FILE",
            help="Write what is known at the end, with the log, to this file; the form is that of Tilt's snapshots.",
        ),
    ):
        function = option(function)
    return function


def update_mode_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--update-mode`, which only `tilt up` has."""
    return click.option(
        "--update-mode",
        default="auto",
        callback=_update_mode,
        metavar="|".join(UPDATE_MODES),
        help="How changes get into what runs: `auto` and `container` in place where that works, `exec` the same by the "
        "container's own shell alone, `image` always by a new image.",
    )(function)


def _changes_nothing(why: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def say(_: click.Context, option: click.Parameter, value: object) -> None:
        if value is not None:
            print(f"`{option.opts[0]}` changes nothing here: {why}", file=sys.stderr)

    return say


def _update_mode(_: click.Context, __: click.Parameter, value: str) -> str:
    if value not in UPDATE_MODES:
        raise UserError(f'unknown update mode "{value}". Valid Values: [{" ".join(UPDATE_MODES)}]')
    return value


def display_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """How the display is wanted."""
    for option in (
        click.option(
            "--theme",
            type=click.Choice(["auto", "dark", "light"]),
            default="auto",
            show_default=True,
            help="Colours of the display; `auto` asks the terminal.",
        ),
        click.option(
            "--notify",
            type=click.Choice(["off", "bell", "desktop", "all"]),
            default="bell",
            show_default=True,
            help="How the display reports that a resource broke or is well again.",
        ),
    ):
        function = option(function)
    return function


def seconds_given(text: str, option: str) -> float:
    """A duration such as `90s`, `1h30m` or `0`.

    Raises:
        UserError: it is none; the message names the option.
    """
    from pytilt.model.times import duration_of

    found = duration_of(text)
    if found is None:
        raise UserError(f"`{option} {text}` is not a duration", hint="for example `90s`, `5m` or `1h30m`")
    return found
