"""`tilt alpha`: commands whose output may change."""

import json
import sys
from typing import TYPE_CHECKING, Any

from pytilt.cli.commands import group
from pytilt.cli.options import seconds_given
from pytilt.cli.parsing import Argument, Option
from pytilt.settings import Settings

if TYPE_CHECKING:
    from pytilt.session.project import SessionProject
    from pytilt.tiltfile.request import EvaluationResult

TILTFILE_ERROR = 5
"""Exit code where the Tiltfile is at fault, as opposed to the command line or the machine. Tilt's number."""


@group("alpha")
def command() -> None:
    """Commands whose output may change from version to version.

    \b
    Example:
      tilt alpha tiltfile-result
    """


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
        print(result.error, file=sys.stderr)
        return TILTFILE_ERROR
    if timings:
        _print_timings(result, threshold, took)
    else:
        _print_result(result, project.root)
    return 0


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
