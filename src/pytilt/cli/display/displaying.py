"""Showing a session in the terminal: the display runs as a process of its own that is attached to this terminal."""

import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from pytilt.cli.terminal.printing import note
from pytilt.host.processes.attaching import attached
from pytilt.host.processes.contract import ProcessRequest
from pytilt.settings import Settings
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store

Show = Callable[[Store, LogStore], Awaitable[None]]


def displaying(settings: Settings, words: Sequence[str], instead: Show) -> Show:
    """Show a session by the display. Leaving it ends the session, as ctrl-C does.

    Args:
        settings: the environment.
        words: options of `tilt hud`: where the session listens, how it is wanted.
        instead: shows the session if the display fails.
    """
    # -P: a project may have files that are named like modules.
    argv = (sys.executable, "-P", "-m", "pytilt", "hud", "--owns-session", *words)
    request = ProcessRequest(argv=argv, dir=str(Path.cwd()), env=tuple(sorted(settings.environ.items())))

    async def show(store: Store, logs: LogStore) -> None:
        status = await attached(request)
        if status == 0:
            signal.raise_signal(signal.SIGINT)
            return
        note(f"the display ended with status {status}; here is the log instead")
        await instead(store, logs)

    return show
