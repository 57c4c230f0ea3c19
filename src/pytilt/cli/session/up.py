"""`tilt up`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pytilt import BUILD
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import (
    DISPLAY_OPTIONS,
    FORCE_OPTION,
    LOG_OPTIONS,
    MODE_OPTIONS,
    PROJECT_OPTIONS,
    SESSION_OPTIONS,
    UPDATE_MODE_OPTION,
)
from pytilt.cli.command_line.parsing import Argument, OneOf, Option
from pytilt.cli.terminal.printing import note, wants_color
from pytilt.settings import Settings
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store

if TYPE_CHECKING:
    from pytilt.session.composition import SessionOptions
    from pytilt.session.hosting import Hosting
    from pytilt.session.project import SessionProject

Show = Callable[[Store, LogStore], Awaitable[None]]


@subcommand(
    "up",
    Argument("args", several=True),
    *PROJECT_OPTIONS,
    *SESSION_OPTIONS,
    *LOG_OPTIONS,
    Option("--stream", is_flag=True, help="Print the log lines of all resources instead of the display."),
    Option("--hud", is_flag=True, default=True, help="`--hud=false`: as --stream."),
    Option("--legacy", is_flag=True, exposed=False, help="Show the display, which is the default."),
    *DISPLAY_OPTIONS,
    Option("-d", "--detach", is_flag=True, help="Return when the session answers; it goes on in the background."),
    Option("--detached", is_flag=True, hidden=True, help="This is the session in the background."),
    Option(
        "--on-exit",
        type=OneOf("leave", "disable", "down"),
        default="leave",
        show_default=True,
        help="What happens at the end to what was deployed: it stays; what runs goes as by `tilt disable --all`, "
        "but no volume and no namespace; or all goes as by `tilt down`.",
    ),
    Option("--disable-port-forwards", is_flag=True, help="Forward no ports."),
    FORCE_OPTION,
    UPDATE_MODE_OPTION,
    *MODE_OPTIONS,
)
def command(
    args: tuple[str, ...],
    tiltfile: str,
    context: str | None,
    namespace: str | None,
    host: str | None,
    port: int | None,
    log_resource: tuple[str, ...],
    log_source: str,
    log_level: str | None,
    stream: bool,
    hud: bool,
    notify: str,
    theme: str,
    detach: bool,
    detached: bool,
    on_exit: str,
    disable_port_forwards: bool,
    force: bool,
    update_mode: str,
    snapshot: str | None,
) -> int:
    """Build and deploy what the Tiltfile declares, then keep it fresh, until ctrl-C.

    ARGS are arguments for the Tiltfile; where it takes none, they are names of resources: only those run, and what
    they need. What is deployed stays when the session ends; `tilt down` or `--on-exit=down` removes it.

    \b
    Examples:
      tilt up
      tilt up web cart --update-mode=image
      tilt up --context kind-dev -- --debug
      tilt up -d && tilt wait --for=condition=Ready uiresource --all && tilt stop
      tilt up --stream=true --output-snapshot-on-exit snapshot.html
    """
    from pytilt.cli.display.displaying import displaying
    from pytilt.cli.display.exit_snapshots import leaving_snapshot
    from pytilt.cli.display.streaming import selection, streaming
    from pytilt.cli.running import run_in_foreground
    from pytilt.session.composition import run
    from pytilt.session.hosting import hosting
    from pytilt.session.project import find_project

    settings = _prepared(tiltfile)
    if detach and not detached:
        from pytilt.cli.session.detaching import start_detached

        return start_detached(settings, with_word(sys.argv[1:], "--detached"))
    project = find_project(settings, tiltfile, args, context=context, namespace=namespace, update_mode=update_mode)
    color = wants_color(sys.stdout, no_color=settings.no_color)
    show: Show = showing_nothing if detached else streaming(selection(log_resource, log_source, log_level), color=color)
    with hosting(project, host, port) as place:
        if hud and not stream and not detached and place.port and _can_display(settings):
            words = ("--host", place.host, "--port", str(place.port), "--notify", notify, "--theme", theme)
            show = displaying(settings, words, show)
        show = leaving_snapshot(show, snapshot) if snapshot else show
        shown = announcing(show, (place.address, project.target.why), color=color, stays=on_exit == "leave")
        options = _options(place, force=force, forward_ports=not disable_port_forwards)
        verdict = run_in_foreground(lambda runner: run(project, options, runner, shown))
        return _finish(verdict, project, on_exit)


def _prepared(tiltfile: str) -> Settings:
    """The settings, after somebody in a folder without a Tiltfile was asked for one."""
    if not Path(tiltfile).exists():
        from pytilt.cli.session.starter import offer_starter

        offer_starter(tiltfile)
    return Settings.from_environment()


async def showing_nothing(_: Store, __: LogStore) -> None:
    """Show a session to nobody, without end."""
    await asyncio.Event().wait()


def with_word(words: Sequence[str], word: str) -> list[str]:
    """A command line with one more word after `up`."""
    place = words.index("up") + 1
    return [*words[:place], word, *words[place:]]


def _options(place: "Hosting", *, force: bool, forward_ports: bool) -> "SessionOptions":
    from pytilt.session.composition import SessionOptions

    return SessionOptions(
        host=place.host,
        port=place.port,
        listener=place.listener,
        registration=place.registration,
        force=force,
        forward_ports=forward_ports,
    )


def _finish(verdict: object, project: "SessionProject", on_exit: str) -> int:
    """Do what is wanted at the end of a session; the exit code."""
    from pytilt.cli.session.down import take_down
    from pytilt.loop.planning.verdict import Verdict

    interrupted = take_down(project, disable=on_exit == "disable") if on_exit != "leave" else None
    return int(interrupted is not None or (isinstance(verdict, Verdict) and bool(verdict.error)))


def _can_display(settings: Settings) -> bool:
    from pytilt.hud.terminal import can_display

    return sys.stdin.isatty() and sys.stdout.isatty() and can_display(settings.environ)


def announcing(show: Show, words: tuple[str, str], *, color: bool, stays: bool = True) -> Show:
    """Say that the session has started, once it has taken its port, then show it, and say how it was left.

    Args:
        show: shows the session.
        words: where it listens, and why this cluster if that is to be said.
        color: use colours?
        stays: is what was deployed left at the end?
    """
    from pytilt.cli.session.ending import farewell

    address, why = words

    async def announced(store: Store, logs: LogStore) -> None:
        note(f"Tilt started {address}", color=color)
        note(f"{BUILD}\n")
        if why:
            note(f"{why}\n")
        try:
            await show(store, logs)
        finally:
            with suppress(OSError):  # the terminal may be gone, and the session ends because of it
                if last := farewell(store.snapshot(), stays=stays):
                    note(f"\n{last}")

    return announced
