"""Notifies the person through the desktop, whatever window is in front."""

import json
import shutil
import sys
from collections.abc import Awaitable, Callable

from pytilt.errors import CommandError
from pytilt.host.processes.contract import ProcessRequest
from pytilt.host.processes.launching import launch
from pytilt.settings import Settings


def notify_command(title: str, text: str, platform: str = sys.platform) -> tuple[str, ...]:
    """The command that shows a notification.

    Args:
        title: in bold.
        text: below it, one line.
        platform: as `sys.platform`.
    """
    if platform == "darwin":
        said, named = (json.dumps(each, ensure_ascii=False) for each in (text, title))
        return "osascript", "-e", f"display notification {said} with title {named}"
    return "notify-send", "--app-name=tilt", "--", title, text


async def notify_desktop(
    title: str, text: str, settings: Settings, *, start: Callable[[ProcessRequest], Awaitable[int]] = launch
) -> bool:
    """Show a notification.

    Args:
        title: in bold.
        text: below it, one line.
        settings: the environment.
        start: starts a program and returns its exit status.

    Returns:
        False when this desktop shows none.
    """
    argv = notify_command(title, text)
    if not shutil.which(argv[0], path=settings.environ.get("PATH")):
        return False
    try:
        return (
            await start(ProcessRequest(argv=argv, dir=settings.home, env=tuple(sorted(settings.environ.items())))) == 0
        )
    except CommandError:
        return False
