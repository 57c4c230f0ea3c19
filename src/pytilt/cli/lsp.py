"""`tilt lsp`: the language server for editors."""

import sys
from functools import partial

from pytilt import __version__
from pytilt.cli.commands import group
from pytilt.settings import Settings


@group("lsp")
def command() -> None:
    """The language server for editors.

    \b
    Example:
      tilt lsp start
    """


@command.subcommand("start")
def start() -> int:
    """Speak the Language Server Protocol on standard input and output, until the editor ends it.

    Shows mistakes while a Tiltfile is written, completes names and arguments, shows what functions do and take, and
    finds definitions, also in loaded files and in extensions that are on this machine. It runs nothing of the Tiltfile.

    \b
    Example, for Neovim:
      vim.lsp.start({ cmd = { "tilt", "lsp", "start" }, root_dir = vim.fn.getcwd() })
    """
    from pytilt.lsp.protocol import read_message, write_message
    from pytilt.lsp.server import LanguageServer
    from pytilt.session.evaluators import extension_on_this_machine

    server = LanguageServer(__version__, partial(extension_on_this_machine, Settings.from_environment()))
    while server.exit_status is None:
        body = read_message(sys.stdin.buffer)
        if body is None:
            return 1
        for message in server.handle(body):
            write_message(sys.stdout.buffer, message)
    return server.exit_status
