"""Options that several commands share."""

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def session_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--host` and `--port` of a session."""
    function = click.option("--port", type=click.IntRange(0, 65535), help="Port of the session (TILT_PORT, 10350).")(
        function
    )
    return click.option("--host", help="Host of the session (TILT_HOST, localhost).")(function)


def project_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Which Tiltfile, and which cluster."""
    for option in (
        click.option("--namespace", help="Namespace instead of the context's own."),
        click.option("--context", help="Context instead of the current one (TILT_CONTEXT)."),
        click.option("-f", "--file", "tiltfile", default="Tiltfile", show_default=True, help="The Tiltfile."),
    ):
        function = option(function)
    return function


def log_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Which lines are printed."""
    for option in (
        click.option("--log-resource", multiple=True, help="Print only lines of this resource; may be repeated."),
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
            help="How the display tells that a resource broke or is well again.",
        ),
    ):
        function = option(function)
    return function
