"""`tilt hud`."""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import DISPLAY_OPTIONS, SESSION_OPTIONS
from pytilt.cli.command_line.parsing import Option
from pytilt.host.reading import read_file
from pytilt.session.lookup import session_address, token_file
from pytilt.settings import Settings

if TYPE_CHECKING:
    from pytilt.hud.app import Hud


@subcommand(
    "hud",
    *SESSION_OPTIONS,
    *DISPLAY_OPTIONS,
    Option("--owns-session", is_flag=True, hidden=True, help="Leaving it ends the session."),
)
def command(host: str | None, port: int | None, notify: str, theme: str, owns_session: bool) -> int:
    """Show a running session in this terminal: its resources, its log, and what can be done.

    \b
    Examples:
      tilt hud
      tilt hud --port 10351 --notify desktop
    """
    return show_display(host, port, notify=notify, theme=theme, owns_session=owns_session)


def show_display(
    host: str | None,
    port: int | None,
    *,
    notify: str,
    theme: str,
    owns_session: bool = False,
    has_ended: Callable[[], bool] = lambda: False,
) -> int:
    """Show a running session in this terminal until the person leaves it.

    Args:
        host: of the session; None: as the settings say.
        port: the same.
        notify: how alerts are shown.
        theme: `auto`, or one of the themes.
        owns_session: does leaving it end the session, and the other way round?
        has_ended: asked when the connection is lost: is there nothing to wait for?
    """
    from pytilt.hud import terminal

    settings = Settings.from_environment()
    terminal.check(settings.environ, interactive=sys.stdin.isatty() and sys.stdout.isatty())
    ask = theme == "auto" and not terminal.few_colors(settings.environ)
    chosen = terminal.choose_theme(theme, settings.environ, terminal.ask_background() if ask else "")

    from pytilt.hud.app import Hud
    from pytilt.hud.client import Client
    from pytilt.hud.options import Notify, Options
    from pytilt.hud.wire import Place

    host, port = session_address(settings, host, port)
    place = Place(host=host, port=port, token=_token(settings))
    hud = Hud(
        Client(place),
        Options(url=place.url, theme=chosen, notify=Notify(notify), owns_session=owns_session),
        open_page=lambda url: _open(url, settings),
        desktop=lambda title, text: _notify(title, text, settings),
        has_ended=has_ended,
    )
    asyncio.run(_run(hud, owned=owns_session))
    return hud.return_code or 0


async def _run(hud: "Hud", *, owned: bool) -> None:
    # Textual draws on the original stderr; who redirects that wants errors there, and the display here.
    sys.__stderr__ = sys.__stdout__  # type: ignore[misc]  # declared final, yet Textual knows no other way
    # SIGHUP keeps its default: where the terminal is gone there is nothing to give back, and writing to it would block.
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, hud.exit)
    # The owner of the display gets ctrl-C too, and ends it; a display of its own ends itself.
    signal.signal(signal.SIGINT, lambda *_: None if owned else loop.call_soon_threadsafe(hud.exit))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    gc.freeze()  # what is imported stays: to look for garbage among it would halt the display now and then
    gc.enable()
    await hud.run_async()


async def _open(url: str, settings: Settings) -> bool:
    from pytilt.host.browser import open_browser

    return await open_browser(url, settings)


async def _notify(title: str, text: str, settings: Settings) -> bool:
    from pytilt.host.notifying import notify_desktop

    return await notify_desktop(title, text, settings)


def _token(settings: Settings) -> str:
    try:
        return read_file(token_file(settings)).decode().strip()
    except OSError:
        return ""
