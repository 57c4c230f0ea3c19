"""Starting a session that goes on without a terminal: `tilt up -d`."""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pytilt.cli.client import SessionClient
from pytilt.errors import SessionUnreachableError
from pytilt.host.processes.contract import ProcessRequest
from pytilt.host.processes.launching import Launched, launch_writing
from pytilt.session.lookup import SessionRecord
from pytilt.session.registry import SessionRegistry
from pytilt.settings import Settings

PAUSE_SECONDS = 0.02
"""Between two looks at a session that begins: until it answers there is nothing that could notify."""


def start_detached(settings: Settings, words: Sequence[str]) -> int:
    """Start a session in the background; return once its server answers.

    Args:
        settings: the environment.
        words: the command line that is to run there, without `tilt`.

    Returns:
        The exit code: that of the session, where it did not start.
    """
    # -P: a project may have files that are named like modules.
    argv = (sys.executable, "-P", "-m", "pytilt", *words)
    request = ProcessRequest(argv=argv, dir=str(Path.cwd()), env=tuple(sorted(settings.environ.items())))
    with tempfile.TemporaryFile() as output:
        process = launch_writing(request, output)
        try:
            record = _started(settings, process)
        except BaseException:
            process.terminate()
            raise
        if record is None:
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace"))
            return process.returncode or 1
    print(f"Tilt started {f'on {record.url}' if record.port else '(without browser UI)'} (process {record.pid})")
    print("`tilt attach` shows it, `tilt logs -f` prints its log, `tilt stop` ends it")
    return 0


def _started(settings: Settings, process: Launched) -> SessionRecord | None:
    """Wait until the session answers; None when it has ended instead."""
    registry = SessionRegistry(settings)
    while process.poll() is None:
        for record in registry.running():
            if record.pid == process.pid and _answers(settings, record):
                return record
        time.sleep(PAUSE_SECONDS)
    return None


def _answers(settings: Settings, record: SessionRecord) -> bool:
    if not record.port:
        return True
    try:
        for _ in SessionClient(settings, record.host, record.port).download("/api/version"):
            return True
    except SessionUnreachableError:
        return False
    return True
