"""`tilt snapshot`."""

import asyncio
import itertools
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import group
from pytilt.cli.command_line.options import SESSION_OPTIONS
from pytilt.cli.command_line.parsing import Argument, Option
from pytilt.errors import UserError
from pytilt.host.state import temporary_files
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
    Argument("file", required=False),
    *SESSION_OPTIONS,
)
def create(file: str | None, host: str | None, port: int | None) -> None:
    """Write the page of a running session to a file: resources, updates and log, without what is secret.

    The file needs neither a session nor a network to be shown. Without a name it is tilt-snapshot.html, or standard
    output where that is no terminal, as with `-`. A name that ends with `.json` gets what `tilt dump webview` prints,
    for programs.

    \b
    Examples:
      tilt snapshot create
      tilt snapshot create broken-build.html
      tilt snapshot create > broken-build.html
    """
    client = SessionClient(Settings.from_environment(), host, port)
    parts = _json(client) if file is not None and file.endswith(".json") else client.download("/api/snapshot")
    first = next(parts, b"")  # without an answer, a file that is there stays as it is
    if file == "-" or (file is None and not sys.stdout.isatty()):
        for part in itertools.chain([first], parts):
            sys.stdout.buffer.write(part)
        return
    file = file or FILE
    try:
        with Path(file).open("wb") as target:
            size = sum(target.write(part) for part in itertools.chain([first], parts))
    except OSError as problem:
        raise UserError(f"`{file}` cannot be written: {(problem.strerror or str(problem)).lower()}") from problem
    print(f"{file}: {size / 1e6:.1f} MB; `tilt snapshot view {file}` shows it")


@command.subcommand(
    "view",
    Argument("file", default=FILE),
    Option("--no-open", is_flag=True, help="Print the address, and open no browser."),
    Option("--host", exposed=False, hidden=True, help="Changes nothing here: the file needs no server."),
    Option("--port", exposed=False, hidden=True, help="Changes nothing here: the file needs no server."),
)
def view(file: str, no_open: bool) -> None:
    """Show a snapshot in the browser; `-` is one from standard input.

    What is shown is the data of the file in the page of this version, which is kept in a file of the folder for
    temporary ones where FILE has another page: a script that somebody put into it does not run.

    \b
    Examples:
      tilt snapshot view broken-build.html
      curl https://ci.example.com/snapshot.html | tilt snapshot view -
    """
    content = _content(file)
    if content.lstrip().startswith(b"{"):
        hint = "one whose name ends with `.html` is shown: `tilt ci --output-snapshot-on-exit snapshot.html`"
        raise UserError(f"`{file}` is a snapshot for programs", hint=hint)
    from pytilt.host.browser import open_browser
    from pytilt.server.page import BUILT
    from pytilt.server.snapshot import own_page

    try:
        page = own_page(content, BUILT)
    except ValueError as problem:
        raise UserError(f"`{file}` is no snapshot", hint="`tilt snapshot create` writes one") from problem
    except OSError as problem:
        raise UserError("this version has no page that could show a snapshot: it was not built") from problem
    path = Path(file).resolve() if file != "-" and page is content else _kept(page)
    if no_open or not asyncio.run(open_browser(path.as_uri(), Settings.from_environment())):
        print(path.as_uri())


def _content(file: str) -> bytes:
    """Of a file, or what comes at standard input."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as problem:
        raise UserError(f"`{file}` cannot be read: {(problem.strerror or str(problem)).lower()}") from problem


def _kept(page: bytes) -> Path:
    """A file with a page: the browser reads it after this program has ended."""
    with temporary_files():
        descriptor, path = tempfile.mkstemp(prefix="tilt-snapshot-", suffix=".html")
        with open(descriptor, "wb") as target:  # noqa: PTH123 - of a descriptor
            target.write(page)
    return Path(path)


def _json(client: SessionClient) -> Iterator[bytes]:
    """The snapshot as programs read it."""
    from pytilt.cli.display.webview import webview

    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    yield f'{{"createdAt": "{now}", "view": '.encode()
    yield from webview(client)
    yield b"}\n"
