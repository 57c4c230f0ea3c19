"""The command `tilt`: finds the subcommand, and turns what went wrong into a message and an exit code."""

import errno
import gc
import os
import sys
from importlib import import_module

import click

from pytilt import BUILD, __version__
from pytilt.cli.flags import separate
from pytilt.errors import OutputClosedError, PytiltError, UserError
from pytilt.loop.failures import first_failure

COMMANDS = {
    "up": "Start a session: build, deploy and watch, until ctrl-C",
    "ci": "Build and deploy once, exit when all is healthy or something failed",
    "attach": "Show the session of this project in this terminal",
    "stop": "End the session of this project",
    "down": "Delete what `tilt up` deployed",
    "check": "Evaluate the Tiltfile, and say what is wrong with it",
    "args": "Change the arguments of the Tiltfile of a running session",
    "enable": "Enable resources",
    "disable": "Disable resources",
    "hud": "Show a running session in this terminal",
    "open": "Open the web page of a running session",
    "snapshot": "Keep the page of a session in a file, and show it",
    "get": "Show objects of a running session",
    "describe": "Show all of an object of a running session",
    "create": "Make objects of a running session",
    "apply": "Make or change objects of a running session as files say",
    "patch": "Change an object of a running session",
    "edit": "Change an object of a running session in an editor",
    "delete": "Delete objects of a running session",
    "api-resources": "List the kinds of objects of a session",
    "dump": "Print what a running session knows, or what a build context holds",
    "logs": "Print the logs of a running session",
    "trigger": "Start an update of a resource",
    "sessions": "List the sessions that run on this machine",
    "status": "Show whether all that runs is fresh and healthy",
    "alerts": "List what asks for attention in a running session",
    "timeline": "Show where the time of the last saves went",
    "wait": "Wait for a condition of resources",
    "demo": "Show what it does with an example project",
    "alpha": "Commands whose output may change: `tiltfile-result`",
    "docker": "Run the `docker` command against the engine that builds images",
    "docker-prune": "Remove old images that were built here",
    "extension": "List, lock and update the repositories of extensions",
    "lsp": "The language server for editors",
    "completion": "Print the script that completes commands in a shell",
    "doctor": "Print what a report of a problem should say",
    "version": "Print the version",
    "verify-install": "Say by the exit code that `tilt` is there",
    "analytics": "Say that nothing is sent to anybody",
    "help": "Print how a command is used",
}
"""Each is a module of this package, imported only when it is asked for, so that every command starts at once."""

UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})
"""What the system says of an output that cannot be written any more."""

MISSING = frozenset({"explain"})
"""Commands of Tilt's for which there is nothing else."""


class Commands(click.Group):
    """The subcommands, imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command of this name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"pytilt.cli.{cmd_name.replace('-', '_')}").command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the flags before the subcommand."""
        kept, _ = separate(self.params, args, quiet=ctx.resilient_parsing, group=True)
        return super().parse_args(ctx, kept)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names.

        Raises:
            UserError: there is none.
        """
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            raise UserError(f"No such command '{name}'", hint=_instead(name))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List them without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _instead(name: str) -> str:
    from difflib import get_close_matches  # imported here: only a mistake needs it

    if name in MISSING:
        return "a command of Tilt's that is not here yet"
    close = get_close_matches(name, COMMANDS, n=1)
    return f"is it `tilt {close[0]}`?" if close else "`tilt --help` lists the commands"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", message=BUILD)
def tilt() -> None:
    """Several services on Kubernetes, fresh while you write them.

    \b
    Examples:
      tilt up                 build and deploy what the Tiltfile says, then watch the files
      tilt up web -- --debug  only `web` and what it needs, with arguments for the Tiltfile
      tilt ci                 one round for a pipeline
      tilt down               remove it all
    """


def main() -> None:
    """Run the command line and exit.

    No garbage is looked for meanwhile: what a command imports stays, the rest goes by itself. What runs for long
    (`composition.run`, `hud`) enables it once it has started.
    """
    gc.disable()
    _open_what_is_closed()
    status = run(sys.argv[1:])
    _flush()
    gc.freeze()  # else Python goes through all objects once more, and the shell waits for that
    sys.exit(status)


def run(words: list[str]) -> int:
    """Run one command line.

    Args:
        words: what follows `tilt`.

    Returns:
        The exit code: 0 for success, 1 for any error, 130 when it was interrupted.
    """
    try:
        result = tilt.main(args=words, prog_name="tilt", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as problem:
        problem.show()
        return 1
    except click.Abort:
        return 130
    except BrokenPipeError:
        return 0
    except OSError as problem:
        if problem.errno not in UNWRITABLE:
            raise
        from pytilt.cli.printing import unwritable  # imported here: few commands need it

        print(f"Error: {unwritable(problem)}", file=sys.stderr)
        return 1
    except (PytiltError, ExceptionGroup) as failure:
        first = first_failure(failure) if isinstance(failure, ExceptionGroup) else failure
        if isinstance(first, BrokenPipeError):
            return OutputClosedError.exit_code
        if not isinstance(first, PytiltError):
            raise
        if not isinstance(first, OutputClosedError):
            text = str(first)
            print(text if text.startswith(("Error:", "Error from")) else f"Error: {text}", file=sys.stderr)
        return first.exit_code
    return result if isinstance(result, int) else 0


def _open_what_is_closed() -> None:
    """Have all three standard streams: in the place of one that the caller has closed, a socket might come."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, os.fdopen(number, mode))


def _flush() -> None:
    """Write what is left; a failure was reported already, and Python need not report it again."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
