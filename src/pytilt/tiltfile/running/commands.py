"""Running a command while the Tiltfile is evaluated."""

from collections.abc import Callable

import msgspec

from pytilt.dialect import to_repr
from pytilt.errors import UserError
from pytilt.model.commands import Command
from pytilt.tiltfile.running.request import LocalResult
from pytilt.tiltfile.running.script import Script

_PREFIX = " → "


def run_now(
    script: Script,
    command: Command,
    *,
    announce: str = "Running:",
    show_output: bool = False,
    stdin: str | None = None,
) -> str:
    """Run a command and wait for it, when all that is pending is done: it may change what others read.

    Args:
        script: the running script, whose environment the command gets.
        command: what to run.
        announce: what precedes the command in the log; empty: it is not logged.
        show_output: log what it writes.
        stdin: what it reads.

    Returns:
        What it wrote to standard output.

    Raises:
        UserError: it could not start, or did not end with 0.
    """
    script.pending.settle()
    if announce:
        script.print(f"{announce} {command.shown}")
    output = _Prefixed(script)
    result = script.host.run_local(
        _with_environment(script, command),
        None if stdin is None else stdin.encode(errors="surrogateescape"),
        output.write if show_output else _discard,
    )
    script.forget_texts()
    output.close()
    text = _output(command, result, shown=show_output)
    if announce and show_output and not result.stdout and not result.stderr:
        script.print(f"{_PREFIX}[no output]")
    return text


def prepare(script: Script, command: Command) -> Callable[[], str]:
    """What runs a command with the environment of this moment, in any thread.

    Args:
        script: the running script.
        command: what to run; it only reads.

    Returns:
        A function that runs it, and returns and raises what `run_now` does.
    """
    prepared, run = _with_environment(script, command), script.host.run_local
    return lambda: _output(command, run(prepared, None, _discard), shown=False)


def _with_environment(script: Script, command: Command) -> Command:
    environment = tuple(sorted({**script.environ, **dict(command.env)}.items()))
    return msgspec.structs.replace(command, env=environment)


def _output(command: Command, result: LocalResult, *, shown: bool) -> str:
    if result.error or result.exit_status:
        message = f"command {to_repr(command.shown)} failed.\nerror: "
        message += result.error or f"exit status {result.exit_status}"
        if not shown:
            message += f"\nstdout:\n{result.stdout}\nstderr:\n{result.stderr}\n"
        raise UserError(message)
    return result.stdout


class _Prefixed:
    """Logs whole lines, each behind an arrow."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._begun: list[str] = []
        """Pieces of a line, joined once: one can have a hundred megabytes."""

    def write(self, text: str) -> None:
        if "\n" not in text:
            self._begun.append(text)
            return
        *lines, rest = "".join((*self._begun, text)).split("\n")
        self._begun = [rest]
        for line in lines:
            self._script.print(f"{_PREFIX}{line}")

    def close(self) -> None:
        if any(self._begun):
            self.write("\n")


def _discard(_: str) -> None:
    """Output that nobody asked for."""


def find_program(script: Script, name: str) -> str | None:
    """The path of a program that the Tiltfile's commands would find, None where there is none."""
    import shutil  # imported here: few Tiltfiles render something

    return shutil.which(name, path=script.environ.get("PATH", ""))
