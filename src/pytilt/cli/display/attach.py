"""`tilt attach`."""

import sys
from collections.abc import Callable

from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import DISPLAY_OPTIONS, SESSION_OPTIONS
from pytilt.cli.command_line.parsing import Option
from pytilt.cli.terminal.printing import note
from pytilt.settings import Settings


@subcommand(
    "attach",
    Option("--stream", is_flag=True, help="Print the log lines of all resources instead of the display."),
    *SESSION_OPTIONS,
    *DISPLAY_OPTIONS,
)
def command(stream: bool, host: str | None, port: int | None, notify: str, theme: str) -> int:
    """Show the running session of this project in this terminal, as `tilt up` does. Leaving it does not end it.

    Any number of terminals may show the same session; all end with it.

    \b
    Examples:
      tilt attach
      tilt attach --stream=true
    """
    from pytilt.hud.terminal import can_display

    settings = Settings.from_environment()
    running = _session(settings, host, port)
    if not stream and sys.stdin.isatty() and sys.stdout.isatty() and can_display(settings.environ):
        from pytilt.cli.display.hud import show_display

        shown = show_display(host, port, notify=notify, theme=theme, has_ended=lambda: not running())
        if not running():
            note("the session has ended")
        return shown
    from pytilt.cli.display import logs

    logs.command.call(follow=True, host=host, port=port)
    return 0


def _session(settings: Settings, host: str | None, port: int | None) -> Callable[[], bool]:
    """Find the session, and return what says whether it still runs.

    Raises:
        SessionUnreachableError: none answers.
    """
    from pytilt.cli.client import SessionClient
    from pytilt.session.registry import SessionRegistry

    client = SessionClient(settings, host, port)
    client.items("uisessions")
    registry = SessionRegistry(settings)
    record = next((each for each in registry.running() if (each.host, each.port) == (client.host, client.port)), None)
    # One that is in no list, because it belongs to somebody else or runs elsewhere, may come back.
    return lambda: record is None or record in registry.running()
