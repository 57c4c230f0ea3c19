"""`tilt status`."""

import json
import sys

from pytilt.cli.client import SessionClient
from pytilt.cli.commands import subcommand
from pytilt.cli.options import SESSION_OPTIONS
from pytilt.cli.parsing import Option
from pytilt.errors import SessionUnreachableError
from pytilt.model.json_text import Json
from pytilt.settings import Settings
from pytilt.views.headlines import headline

CANNOT_SAY = 3
"""The exit code when no session answers."""


@subcommand(
    "status",
    Option("--json", "as_json", is_flag=True, help="Print it as JSON."),
    *SESSION_OPTIONS,
)
def command(as_json: bool, host: str | None, port: int | None) -> int:
    """Show the running session at a glance: which rows run the code on disk at this moment, and which are healthy.

    The session looks at the disk first, so that no save is missed. The exit code is 0 when everything is fresh and
    healthy, 1 when something is not or not yet, 3 when no session answers. What is disabled, and what nobody has
    started yet, does not count.

    \b
    Examples:
      tilt status
      tilt status --json
      tilt status > /dev/null && echo ready
    """
    client = SessionClient(Settings.from_environment(), host, port)
    try:
        refusal = client.post("/api/barrier", {})
        items, clusters = client.items("uiresources")["items"], client.items("clusters")["items"]
    except SessionUnreachableError as problem:
        print(f"Error: {problem}", file=sys.stderr)
        return CANNOT_SAY
    assert not refusal
    found = glance(items, clusters)
    print(json.dumps(found, indent=2) if as_json else "\n".join(lines(found)))
    return int(not (found["fresh"] and found["healthy"]))


def glance(items: list[Json], clusters: list[Json]) -> Json:
    """A session at a glance.

    Args:
        items: its UIResources.
        clusters: its Clusters.
    """
    rows = [_row(item) for item in items]
    counting = [row for row in rows if row["state"] not in ("disabled", "idle")]
    cluster = clusters[0]["status"] if clusters else {}
    info = cluster.get("connection", {}).get("kubernetes", {})
    return {
        "fresh": all(row["fresh"] for row in counting),
        "healthy": all(row["healthy"] for row in counting) and not cluster.get("error"),
        "context": info.get("context", ""),
        "namespace": info.get("namespace", ""),
        "clusterError": cluster.get("error", ""),
        "resources": rows,
    }


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


def _row(item: Json) -> Json:
    status = item["status"]
    met = {each["type"]: each["status"] == "True" for each in status.get("conditions", [])}
    reasons = {each["type"]: each.get("message") or each.get("reason", "") for each in status.get("conditions", [])}
    history = status.get("buildHistory", [])
    changed = bool(status.get("hasPendingChanges"))
    fresh, healthy = met.get("UpToDate", False) and not changed, met.get("Ready", False)
    state = _state(status, fresh=fresh, healthy=healthy)
    last = history[0] if history else {}
    said = reasons.get("UpToDate") or reasons.get("Ready", "") if state in ("error", "stale", "pending") else ""
    if state == "error":
        said = last.get("error", "") or said
    return {
        "name": item["metadata"]["name"],
        "state": state,
        "fresh": fresh,
        "healthy": healthy,
        "reason": _reason(state, status, headline(said)),
        "error": last.get("error", "") if state == "error" else "",
        "updateStatus": status.get("updateStatus", ""),
        "runtimeStatus": status.get("runtimeStatus", ""),
        "changedSince": status.get("pendingBuildSince", ""),
        "lastUpdate": {
            name: last[name]
            for name in ("reason", "strategy", "startTime", "finishTime", "changedFiles", "error")
            if name in last
        },
        "endpoints": [each["url"] for each in status.get("endpointLinks", [])],
    }


def _state(status: Json, *, fresh: bool, healthy: bool) -> str:
    words = (status.get("updateStatus", ""), status.get("runtimeStatus", ""))
    if status.get("disableStatus", {}).get("state") == "Disabled":
        return "disabled"
    if status.get("currentBuild"):
        return "updating"
    if "error" in words:
        return "error"
    if fresh and healthy:
        return "ok"
    if not status.get("buildHistory") and not status.get("hasPendingChanges") and words[0] == "none":
        return "idle"
    return "stale" if not fresh else "pending"


def _reason(state: str, status: Json, said: str) -> str:
    waiting = status.get("waiting") or {}
    if waiting:
        on = ", ".join(each["name"] for each in waiting.get("on", []))
        return f"{waiting['reason']} {on}".rstrip()
    if state == "stale":
        manual = status.get("triggerMode") and not status.get("queued")
        return "changed, and waits for `tilt trigger`" if manual else "changed since it was updated"
    return {"idle": "not started yet"}.get(state, said)
