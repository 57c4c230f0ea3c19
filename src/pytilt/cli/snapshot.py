"""`tilt snapshot`."""

import asyncio
import itertools
from pathlib import Path

from pytilt.cli.client import SessionClient
from pytilt.cli.commands import group
from pytilt.cli.options import SESSION_OPTIONS
from pytilt.cli.parsing import Argument
from pytilt.errors import UserError
from pytilt.settings import Settings

FILE = "tilt-snapshot.html"


@group("snapshot")
def command() -> None:
    """Keep the page of a session in a file, and show it.

    \b
    Examples:
      tilt snapshot create broken-build.html
      tilt snapshot view broken-build.html
    """


@command.subcommand(
    "create",
    Argument("file", default=FILE),
    *SESSION_OPTIONS,
)
def create(file: str, host: str | None, port: int | None) -> None:
    """Write the page of a running session to a file: resources, updates and log, without what is secret.

    The file (tilt-snapshot.html if none is named) needs neither a session nor a network to be shown.

    \b
    Examples:
      tilt snapshot create
      tilt snapshot create broken-build.html
    """
    client = SessionClient(Settings.from_environment(), host, port)
    parts = client.download("/api/snapshot")
    first = next(parts, b"")  # without an answer, a file that is there stays as it is
    try:
        with Path(file).open("wb") as target:
            size = sum(target.write(part) for part in itertools.chain([first], parts))
    except OSError as problem:
        raise UserError(f"`{file}` cannot be written: {(problem.strerror or str(problem)).lower()}") from problem
    print(f"{file}: {size / 1e6:.1f} MB; `tilt snapshot view {file}` shows it")


@command.subcommand(
    "view",
    Argument("file", default=FILE),
)
def view(file: str) -> None:
    """Show a snapshot in the browser.

    \b
    Example:
      tilt snapshot view broken-build.html
    """
    path = Path(file).resolve()
    try:
        with path.open("rb") as source:
            head = source.read(200)
    except OSError as problem:
        raise UserError(f"`{file}` cannot be read: {(problem.strerror or str(problem)).lower()}") from problem
    if b"<!doctype html>" not in head.lower():
        raise UserError(f"`{file}` is no snapshot", hint="`tilt snapshot create` writes one")
    from pytilt.host.browser import open_browser

    if not asyncio.run(open_browser(path.as_uri(), Settings.from_environment())):
        print(path.as_uri())
