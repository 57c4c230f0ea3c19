"""A session at a glance: what `tilt status` and `GET /api/status` say."""

from collections.abc import Sequence
from typing import Any

from pytilt.views.headlines import headline

Json = dict[str, Any]


def glance(items: Sequence[Json], clusters: Sequence[Json]) -> Json:
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
            for name in ("reason", "strategy", "note", "startTime", "finishTime", "changedFiles", "error")
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
