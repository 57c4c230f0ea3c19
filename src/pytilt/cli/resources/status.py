"""`tilt status`."""

import sys

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import JSON_OPTIONS, SESSION_OPTIONS
from pytilt.errors import SessionUnreachableError
from pytilt.model.json_text import Json, indented
from pytilt.settings import Settings
from pytilt.views.headlines import headline

CANNOT_SAY = 3
"""The exit code when no session answers."""


@subcommand(
    "status",
    *JSON_OPTIONS,
    *SESSION_OPTIONS,
)
def command(output: str | None, as_json: bool, host: str | None, port: int | None) -> int:
    """Show the running session at a glance: which rows run the code on disk at this moment, and which are healthy.

    The session looks at the disk first, so that no save is missed. The exit code is 0 when everything is fresh and
    healthy, 1 when something is not or not yet, 3 when no session answers. What is disabled, and what nobody has
    started yet, does not count.

    \b
    Examples:
      tilt status
      tilt status -o json
      tilt status > /dev/null && echo ready
    """
    client = SessionClient(Settings.from_environment(), host, port)
    try:
        found = client.status(after_barrier=True)
    except SessionUnreachableError as problem:
        print(f"Error: {problem}", file=sys.stderr)
        return CANNOT_SAY
    if as_json or output == "json":
        print(indented(found, 2))
    else:
        print("\n".join(lines(found)))
    return int(not (found["fresh"] and found["healthy"]))


def lines(found: Json) -> list[str]:
    """The same for people: one line for each row, and below what is broken why."""
    rows = found["resources"]
    place = " ".join(filter(None, (found["context"], found["namespace"] and f"({found['namespace']})")))
    counts = {state: sum(row["state"] == state for row in rows) for state in _SIGNS}
    summed = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    names = max((len(row["name"]) for row in rows), default=0)
    states = max((len(row["state"]) for row in rows), default=0)
    made = [": ".join(filter(None, (place, summed)))]
    if found["clusterError"]:
        made.append(f"  the cluster does not answer: {headline(found['clusterError'])}")
    for row in rows:
        line = f"{_SIGNS[row['state']]} {row['name']:{names}}  {row['state']:{states}}  {row['reason']}"
        made.append(line.rstrip())
    return made


_SIGNS = {"ok": "●", "error": "✖", "updating": "◐", "stale": "◌", "pending": "◌", "idle": "○", "disabled": "□"}
"""A shape for every state, so that it is recognized without colour."""
