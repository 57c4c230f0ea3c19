"""The command `tilt`: finds the subcommand, and turns what went wrong into a message and an exit code."""

import atexit
import codecs
import errno
import gc
import io
import os
import sys

from pytilt.cli.command_line.commands import INTERRUPTED
from pytilt.cli.command_line.table import COMMANDS, command_named
from pytilt.errors import OutputClosedError, PytiltError

UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})
"""What the system says of an output that cannot be written any more."""

EXHAUSTED = {
    errno.EMFILE: "allow more open files: `ulimit -n` says how many a process may have, `ulimit -n 1024` gives it more",
    errno.ENFILE: "all programs of this machine together have too many files open; end some",
    errno.ENOMEM: "end other programs, or give this machine or its container more memory",
}
"""What a machine may run out of anywhere in a session, and what to do about it."""


def main() -> None:
    """Run the command line and exit.

    No garbage is looked for meanwhile: what a command imports stays, the rest goes by itself. What runs for long
    (`composition.run`, `hud`) enables it once it has started.
    """
    gc.disable()
    _open_what_is_closed()
    _print_every_text()
    status = run(sys.argv[1:])
    _flush()
    if not _registered_for_the_end():
        os._exit(status)  # to take down the interpreter takes a fifth of what a verb takes, and the system does it too
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
        result = _result(words)
        sys.stdout.flush()
    except BrokenPipeError:
        return 0
    except OSError as problem:
        if problem.errno in EXHAUSTED:
            return _exhausted(problem)
        if problem.errno not in UNWRITABLE:
            raise
        from pytilt.cli.terminal.printing import unwritable  # imported here: few commands need it

        print(f"Error: {unwritable(problem)}", file=sys.stderr)
        return 1
    except (PytiltError, ExceptionGroup) as failure:
        status = _failed(failure)
        if status is None:
            raise
        return status
    return result if isinstance(result, int) else 0


def _failed(failure: Exception) -> int | None:
    """Say what went wrong; the exit code, or None where it is a bug."""
    from pytilt.loop.failures import first_failure  # imported here: most commands succeed

    first = first_failure(failure) if isinstance(failure, ExceptionGroup) else failure
    if isinstance(first, BrokenPipeError):
        return OutputClosedError.exit_code
    if isinstance(first, OSError) and first.errno in EXHAUSTED:
        return _exhausted(first)
    if not isinstance(first, PytiltError):
        return None
    if not isinstance(first, OutputClosedError):
        from pytilt.cli.terminal.printing import readable  # imported here: most commands succeed

        text = readable(str(first))
        print(text if text.startswith(("Error:", "Error from")) else f"Error: {text}", file=sys.stderr)
    return first.exit_code


def _exhausted(problem: OSError) -> int:
    print(f"Error: {os.strerror(problem.errno or 0).lower()}\nhint: {EXHAUSTED[problem.errno or 0]}", file=sys.stderr)
    return 1


def _result(words: list[str]) -> object:
    """What a command line returns, read without click where it can be."""
    # A shell that asks for completions calls `tilt` without words.
    called = command_named(words[0]).bound(words[1:]) if words and words[0] in COMMANDS else None
    if called is None:
        from pytilt.cli.command_line.program import run_program  # imported here, for it imports click

        return run_program(words)
    try:
        return called()
    except (KeyboardInterrupt, EOFError):
        print(file=sys.stderr)
        return INTERRUPTED


def _as_written(problem: UnicodeError) -> tuple[bytes, int]:
    """What is printed of a text that the output cannot take: the bytes that it was made of, as other tools print them.

    A byte that is no UTF-8, of the name of a file for example, travels as a lone surrogate (`surrogateescape`).
    """
    assert isinstance(problem, UnicodeEncodeError)
    part = map(ord, problem.object[problem.start : problem.end])
    return bytes(each - 0xDC00 if 0xDC80 <= each <= 0xDCFF else ord("?") for each in part), problem.end


def _print_every_text() -> None:
    """Have no printed text end a command: what the terminal's encoding lacks is a `?`, as not all exists in Latin-1."""
    codecs.register_error("as-written", _as_written)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="as-written")


def _open_what_is_closed() -> None:
    """Have all three standard streams: in the place of one that the caller has closed, a socket might come."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, os.fdopen(number, mode))


def _registered_for_the_end() -> bool:
    """Does something have to run when the interpreter ends, or do threads have to be waited for?"""
    return "threading" in sys.modules or bool(atexit._ncallbacks())  # noqa: SLF001 - there is no public way to ask


def _flush() -> None:
    """Write what is left; a failure was reported already, and Python need not report it again."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
