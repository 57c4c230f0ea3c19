"""`tilt lsp`: the language server for editors."""

import sys
from functools import partial
from typing import BinaryIO, cast

from pytilt import __version__
from pytilt.cli.command_line.commands import group
from pytilt.cli.command_line.parsing import Option
from pytilt.errors import PytiltError, UserError
from pytilt.settings import Settings


@group("lsp")
def command() -> None:
    """The language server for editors.

    \b
    Example:
      tilt lsp start
    """


@command.subcommand(
    "start",
    Option(
        "--address",
        metavar="HOST:PORT",
        help="Listen there for editors in the place of standard input; `:8765` is on all addresses of this machine.",
    ),
)
def start(address: str | None) -> int:
    """Speak the Language Server Protocol on standard input and output, until the editor ends it.

    Shows mistakes while a Tiltfile is written, completes names and arguments, shows what functions do and take, and
    finds definitions, also in loaded files and in extensions that are on this machine. It runs nothing of the Tiltfile.

    With `--address` any number of editors may connect, until ctrl-C.

    \b
    Examples, the first for Neovim:
      vim.lsp.start({ cmd = { "tilt", "lsp", "start" }, root_dir = vim.fn.getcwd() })
      tilt lsp start --address=localhost:8765
    """
    return _speak(sys.stdin.buffer, sys.stdout.buffer) if address is None else _listen(*_host_and_port(address))


def _speak(source: BinaryIO, target: BinaryIO) -> int:
    """Lead one conversation.

    Returns:
        The exit code: 0 when the editor has ended it as the protocol says.
    """
    from pytilt.lsp.protocol import read_message, write_message
    from pytilt.lsp.server import LanguageServer
    from pytilt.session.evaluators import extension_on_this_machine

    server = LanguageServer(__version__, partial(extension_on_this_machine, Settings.from_environment()))
    while server.exit_status is None:
        body = read_message(source)
        if body is None:
            return 1
        for message in server.handle(body):
            write_message(target, message)
    return server.exit_status


def _listen(host: str, port: int) -> int:
    """Lead a conversation with everybody who connects, each in a thread of its own."""
    import socketserver

    class Conversation(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                _speak(cast("BinaryIO", self.rfile), cast("BinaryIO", self.wfile))
            except (PytiltError, OSError) as problem:  # this editor's alone
                print(f"{self.client_address[0]}: {problem}", file=sys.stderr, flush=True)

    class Listener(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    try:
        listener = Listener((host, port), Conversation)
    except OSError as problem:
        raise UserError(f"cannot listen on `{host}:{port}`: {(problem.strerror or str(problem)).lower()}") from problem
    with listener:
        shown, number = listener.server_address[:2]
        print(f"listening on {shown!s}:{number}", file=sys.stderr, flush=True)
        listener.serve_forever()
    return 0


def _host_and_port(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise UserError(f"`--address {address}` is no address", hint="for example `localhost:8765` or `:8765`")
    return host.strip("[]"), int(port)
