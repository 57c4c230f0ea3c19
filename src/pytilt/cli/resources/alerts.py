"""`tilt alerts`."""

import sys
from collections.abc import Sequence

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import JSON_OPTIONS, SESSION_OPTIONS
from pytilt.cli.command_line.parsing import Argument, Option
from pytilt.errors import SessionUnreachableError
from pytilt.model.json_text import Json, indented, loads
from pytilt.settings import Settings

CANNOT_SAY = 3
"""The exit code when no session answers."""


@subcommand(
    "alerts",
    Argument("resources", several=True),
    *JSON_OPTIONS,
    Option("--errors", "only_errors", is_flag=True, help="Leave warnings out."),
    *SESSION_OPTIONS,
)
def command(
    resources: tuple[str, ...], output: str | None, as_json: bool, only_errors: bool, host: str | None, port: int | None
) -> int:
    """List what asks for attention in the running session: failed updates, what crashed, restarts, warnings.

    The exit code is 0 when nothing is broken (there may be warnings), 1 when something is, 3 when no session answers.

    \b
    Examples:
      tilt alerts
      tilt alerts web -o json
      tilt alerts --errors > /dev/null || echo broken
    """
    client = SessionClient(Settings.from_environment(), host, port)
    try:
        for name in resources:
            client.get("uiresources", name)
        found = loads(b"".join(client.download("/api/alerts")))
    except SessionUnreachableError as problem:
        print(f"Error: {problem}", file=sys.stderr)
        return CANNOT_SAY
    chosen = [
        alert
        for alert in found
        if (not resources or alert["resource"] in resources) and (alert["error"] or not only_errors)
    ]
    print(indented(chosen, 2) if as_json or output == "json" else "\n".join(lines(chosen)))
    return int(any(alert["error"] for alert in chosen))


def lines(found: Sequence[Json]) -> list[str]:
    """The alerts for people: a line each, and below it the rest of what it says."""
    if not found:
        return ["no alerts"]
    names = max(len(alert["resource"]) for alert in found)
    made = []
    for alert in found:
        first, *rest = alert["message"].splitlines() or [""]
        made.append(f"{'✖' if alert['error'] else '▲'} {alert['resource']:{names}}  {alert['kind']}: {first}")
        made += (f"    {line}" for line in rest)
    return made
