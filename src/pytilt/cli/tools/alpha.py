"""`tilt alpha`: commands whose output may change."""

import json
import sys
from typing import TYPE_CHECKING, Any

from pytilt.cli.command_line.commands import group
from pytilt.cli.command_line.options import SESSION_OPTIONS, seconds_given
from pytilt.cli.command_line.parsing import Argument, Option
from pytilt.cli.objects import api_resources, get
from pytilt.cli.terminal.printing import readable
from pytilt.errors import UserError
from pytilt.settings import Settings

if TYPE_CHECKING:
    from pytilt.session.project import SessionProject
    from pytilt.tiltfile.running.request import EvaluationResult

TILTFILE_ERROR = 5
"""Exit code where the Tiltfile is at fault, as opposed to the command line or the machine. Tilt's number."""


@group("alpha")
def command() -> None:
    """Commands whose output may change from version to version.

    \b
    Examples:
      tilt alpha tiltfile-result
      tilt alpha tree-view --blockers
      tilt alpha shell web
    """


command.commands["get"] = get.command
command.commands["api-resources"] = api_resources.command


@command.subcommand(
    "tiltfile-result",
    Argument("args", several=True),
    Option("-b", "--builtin-timings", "timings", is_flag=True, help="Print how long each call took instead."),
    Option("--dur-threshold", default="0", help="With `-b`: print only calls that took so long, for example `5ms`."),
    Option("-v", "--verbose", is_flag=True, help="Write the log of the Tiltfile to stderr in any case."),
    Option("--context", help="Context instead of the current one (TILT_CONTEXT)."),
    Option("-f", "--file", "tiltfile", default="Tiltfile", show_default=True, help="The Tiltfile."),
)
def tiltfile_result(
    args: tuple[str, ...], timings: bool, dur_threshold: str, verbose: bool, context: str | None, tiltfile: str
) -> int:
    """Evaluate the Tiltfile, deploy nothing, and print what it declares as JSON.

    Exit code 5 says that the Tiltfile is at fault; its log is then on stderr.

    \b
    Examples:
      tilt alpha tiltfile-result
      tilt alpha tiltfile-result -b --dur-threshold 5ms
    """
    from time import perf_counter

    from pytilt.session.project import find_project

    threshold = seconds_given(dur_threshold, "--dur-threshold")
    project = find_project(Settings.from_environment(), tiltfile, args, context=context, namespace=None)
    log: list[str] = []
    start = perf_counter()
    result = _evaluated(project, log, times_calls=timings)
    took = perf_counter() - start
    if verbose or result.error is not None:
        sys.stderr.write("".join(log))
    if result.error is not None:
        print(readable(str(result.error)), file=sys.stderr)
        return TILTFILE_ERROR
    if timings:
        _print_timings(result, threshold, took)
    else:
        _print_result(result, project.root)
    return 0


@command.subcommand(
    "tree-view",
    Option("--blockers", is_flag=True, help="Only what is not ok, and what waits for it."),
    Option("--dedupe", is_flag=True, help="Draw what is below a resource only once."),
    *SESSION_OPTIONS,
)
def tree_view(blockers: bool, dedupe: bool, host: str | None, port: int | None) -> None:
    """Print the resources of a running session as a tree: each below those that it depends on.

    \b
    Examples:
      tilt alpha tree-view
      tilt alpha tree-view --blockers
    """
    from pytilt.cli.tools.tree_view import print_tree

    print_tree(host, port, blockers=blockers, dedupe=dedupe)


@command.subcommand(
    "shell",
    Argument("resource"),
    Option("-c", "--container", help="The container; needed where the pod has several."),
    *SESSION_OPTIONS,
)
def shell(resource: str, container: str | None, host: str | None, port: int | None) -> None:
    """Open a shell in a container of RESOURCE: bash where it is there, else sh.

    `kubectl` opens it, and in the built-in context `docker`.

    \b
    Examples:
      tilt alpha shell web
      tilt alpha shell web -c sidecar
    """
    from pytilt.cli.tools.shell import open_shell

    open_shell(resource, container, host, port)


@command.subcommand(
    "updog", Option("-f", "--filename", "files", multiple=True, help="A file with objects."), *SESSION_OPTIONS
)
def updog(files: tuple[str, ...], host: str | None, port: int | None) -> None:
    """Not there: say how a session without a Tiltfile of one's own is had.

    \b
    Example:
      tilt up -d && tilt apply -f config.yaml
    """
    del host, port
    shown = " ".join(f"-f {file}" for file in files) or "-f config.yaml"
    raise UserError(
        "there are no sessions without a Tiltfile here",
        hint=f"an empty one does: `touch Tiltfile && tilt up -d && tilt apply {shown}`",
    )


def _evaluated(project: "SessionProject", log: list[str], *, times_calls: bool) -> "EvaluationResult":
    from pytilt.model.logs import Level
    from pytilt.session.standalone import evaluate_once

    def emit(text: str, *, level: Level = Level.INFO, progress: str = "") -> None:  # noqa: ARG001 - a `Log`
        if not progress:
            log.append(text)

    return evaluate_once(project, "alpha tiltfile-result", emit, times_calls=times_calls)


def _print_timings(result: "EvaluationResult", threshold: float, took: float) -> None:
    from pytilt.views.result_values import duration

    for call in result.report.calls:
        if call.seconds >= threshold:
            print(f"- {call.shown} took {duration(call.seconds)}")
    print(f"Tiltfile execution took {duration(took)}")


def _print_result(result: "EvaluationResult", directory: str) -> None:
    from datetime import UTC, datetime

    from pytilt.views.tiltfile_result import tiltfile_result

    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    sys.stdout.write(_json(tiltfile_result(result, directory, now)))


def _json(value: Any) -> str:  # noqa: ANN401 - JSON may hold anything
    """JSON as Go's encoder writes it for people, with bytes that are no text replaced."""
    import msgspec

    try:
        return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2, ensure_ascii=False)
        return text.encode(errors="surrogateescape").decode(errors="replace") + "\n"
