"""Opens a page in the user's browser."""

import shlex
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping

from pytilt.errors import CommandError
from pytilt.host.processes.contract import ProcessRequest
from pytilt.host.processes.launching import launch
from pytilt.settings import Settings

_LINUX_OPENERS = ("xdg-open", "wslview", "gio open", "x-www-browser", "sensible-browser")


def browser_commands(url: str, environ: Mapping[str, str], platform: str = sys.platform) -> list[tuple[str, ...]]:
    """The commands that may open a page, best first.

    Args:
        url: the page; it replaces `%s` in a command, else it is added at its end.
        environ: its BROWSER lists commands, separated by colons.
        platform: as `sys.platform`.
    """
    wanted = [command for command in environ.get("BROWSER", "").split(":") if command.strip()]
    usual = ["open"] if platform == "darwin" else list(_LINUX_OPENERS)
    return [_with_url(command, url) for command in (*wanted, *usual)]


async def open_browser(
    url: str, settings: Settings, *, start: Callable[[ProcessRequest], Awaitable[int]] = launch
) -> bool:
    """Open a page in a browser that stays open when this program ends.

    A browser in the foreground holds up whoever waits for this, so give it a task; cancelling it leaves the browser.

    Args:
        url: the page.
        settings: say which browser.
        start: starts a program and returns its exit status.

    Returns:
        False when no browser could be started or all of them failed.
    """
    env = tuple(sorted(settings.environ.items()))
    for argv in browser_commands(url, settings.environ):
        if not shutil.which(argv[0], path=settings.environ.get("PATH")):
            continue
        try:
            if await start(ProcessRequest(argv=argv, dir=settings.home, env=env)) == 0:
                return True
        except CommandError:
            continue
    return False


def _with_url(command: str, url: str) -> tuple[str, ...]:
    words = shlex.split(command)
    if any("%s" in word for word in words):
        return tuple(word.replace("%s", url) for word in words)
    return (*words, url)
