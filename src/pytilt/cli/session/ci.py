"""`tilt ci`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import (
    FORCE_OPTION,
    LOG_OPTIONS,
    MODE_OPTIONS,
    PROJECT_OPTIONS,
    SESSION_OPTIONS,
    seconds_given,
)
from pytilt.cli.command_line.parsing import Argument, Option
from pytilt.cli.terminal.printing import note, styled, wants_color
from pytilt.errors import UserError
from pytilt.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytilt.cli.session.ci_reports import CiReports
    from pytilt.loop.planning.verdict import Verdict
    from pytilt.model.names import ResourceName
    from pytilt.session.composition import SessionOptions, Show
    from pytilt.session.hosting import Hosting
    from pytilt.store.logs import LogStore
    from pytilt.store.objects import Store


SUCCESS = "SUCCESS. All workloads are healthy."


@subcommand(
    "ci",
    Argument("args", several=True),
    *PROJECT_OPTIONS,
    *SESSION_OPTIONS,
    *LOG_OPTIONS,
    FORCE_OPTION,
    Option("--timeout", help="How long until it fails, for example `10m`; wins over `ci_settings`."),
    Option(
        "--report",
        multiple=True,
        metavar="FORM=FILE",
        help="Write a report: `junit=FILE` or `json=FILE`; may be repeated.",
    ),
    *MODE_OPTIONS,
)
def command(
    args: tuple[str, ...],
    tiltfile: str,
    context: str | None,
    namespace: str | None,
    host: str | None,
    port: int | None,
    log_resource: tuple[str, ...],
    log_source: str,
    log_level: str | None,
    timeout: str | None,
    force: bool,
    report: tuple[str, ...],
    snapshot: str | None,
) -> int:
    """Build and deploy once; end as soon as everything is healthy, or something has failed.

    The exit code is 0 when all is healthy, else 1. What is deployed stays. In pipelines of GitHub and GitLab the log is
    folded, and errors are shown as such.

    \b
    Examples:
      tilt ci --timeout 10m
      tilt ci --report junit=tilt.xml --report json=tilt.json
      tilt ci --output-snapshot-on-exit snapshot.html
    """
    from pytilt.cli.display.streaming import selection, streaming
    from pytilt.cli.running import exit_status, run_in_foreground
    from pytilt.cli.session.ci_reports import CiReports
    from pytilt.cli.session.ending import keeping_crashes
    from pytilt.loop.planning.verdict import Verdict
    from pytilt.model.lines import Selection
    from pytilt.session.composition import run
    from pytilt.session.hosting import hosting
    from pytilt.session.project import find_project

    settings = Settings.from_environment()
    reports = CiReports(report, settings.pipeline, sys.stdout.write)
    project = find_project(settings, tiltfile, args, context=context, namespace=namespace)
    color = wants_color(sys.stdout, no_color=settings.no_color)
    wanted = selection(log_resource, log_source, log_level)
    stream, paths = streaming(wanted, color=color), list[Path]()
    crashes: dict[ResourceName, list[str]] = {}

    async def show(store: "Store", logs: "LogStore") -> None:
        paths.append(logs.path)
        await keeping_crashes(stream, store, logs, crashes)

    shown = show if snapshot is None else _leaving_snapshot(show, snapshot)
    with hosting(project, host, port, ci=True) as place, reports.log():
        options = _options(place, timeout, force=force)
        verdict = run_in_foreground(lambda runner: run(project, options, runner, shown))
    if not isinstance(verdict, Verdict):
        note("interrupted before everything was healthy")
        return exit_status(verdict)
    _report(verdict, reports)
    _end(verdict, crashes, shown=wanted == Selection(), log=str(paths[0]))
    print(styled(SUCCESS, "green") if color else SUCCESS)
    return 0


def _leaving_snapshot(show: "Show", path: str) -> "Show":
    from pytilt.cli.display.exit_snapshots import leaving_snapshot

    return leaving_snapshot(show, path)


def _options(place: "Hosting", timeout: str | None, *, force: bool) -> "SessionOptions":
    from pytilt.session.composition import SessionOptions

    limit = None if timeout is None else seconds_given(timeout, "--timeout")
    if place.taken:
        note(f"Tilt started {place.address}")
    return SessionOptions(
        ci=True,
        host=place.host,
        port=place.port,
        listener=place.listener,
        registration=place.registration,
        ci_timeout_seconds=limit,
        force=force,
    )


def _report(verdict: "Verdict", reports: "CiReports") -> None:
    for problem in reports.write(verdict):
        note(problem)


def _end(verdict: "Verdict", crashes: "Mapping[ResourceName, Sequence[str]]", *, shown: bool, log: str) -> None:
    from pytilt.cli.session.ending import last_words, same_place

    if verdict.error:
        printed = shown and same_place(sys.stdout, sys.stderr)
        raise UserError(last_words(verdict, crashes, shown=printed, log=log))
