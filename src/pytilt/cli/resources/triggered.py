"""What came of the updates that `tilt trigger --wait` asked for."""

from __future__ import annotations

from pytilt.errors import PytiltError
from pytilt.model.json_text import loads
from pytilt.views.headlines import headline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Protocol

    from pytilt.model.json_text import Json

    class AskedSession(Protocol):
        """Asks a session."""

        def get(self, plural: str, name: str) -> Json:
            """See `SessionClient.get`."""
            ...

        def watch_for(self, resource: str, seconds: float) -> Iterator[Json]:
            """See `SessionClient.watch_for`."""
            ...

        def log_lines(self, query: Mapping[str, str | list[str]]) -> Iterator[list[bytes]]:
            """See `SessionClient.log_lines`."""
            ...


NO_ANSWER = 3
"""The exit code when the session or the resource went away."""

TIMED_OUT = 124
"""As `timeout` ends with it."""

LOG_LINES = 50
SEARCHED_LINES = 500
"""Of the end of a resource's log, which has the lines of other updates too."""


class Triggered:
    """A resource for which an update is asked.

    Args:
        client: asks the session.
        name: of the resource.

    Raises:
        NotFoundError: there is none of this name.
    """

    def __init__(self, client: AskedSession, name: str) -> None:
        self.name = name
        self._client = client
        self.status: Json = client.get("uiresources", name)["status"]
        self._before = {update["spanID"] for update in self.status.get("buildHistory", [])}
        self._before.add((self.status.get("currentBuild") or {}).get("spanID"))
        self.gone = False

    @property
    def update(self) -> Json | None:
        """The newest update that began after it was asked for and has ended."""
        last: Json = next(iter(self.status.get("buildHistory", [])), {})
        return last if last and last["spanID"] not in self._before else None

    @property
    def updated(self) -> bool:
        """Has it ended, and with it what followed from it?"""
        status = self.status
        if self.update is None or status.get("currentBuild") or status.get("queued"):
            return False
        manual = bool(status.get("triggerMode"))
        return manual or status.get("updateStatus") not in ("pending", "in_progress")

    @property
    def failed(self) -> bool:
        """Is the update or what runs broken?"""
        error = (self.update or {}).get("error")
        return self.updated and bool(error or self.status.get("runtimeStatus") == "error")

    @property
    def well(self) -> bool:
        """Is it updated and ready?"""
        ready = self.status.get("runtimeStatus") in ("ok", "not_applicable")
        return self.updated and not self.failed and ready

    @property
    def over(self) -> bool:
        """Is there nothing more to wait for?"""
        return self.failed or self.well or self.gone

    def see(self, event: Json) -> None:
        """Note what a watch says of it."""
        self.gone = event["type"] == "DELETED"
        self.status = event["object"].get("status", self.status)

    @staticmethod
    def wait(client: AskedSession, asked: Sequence[Triggered], limit: float) -> None:
        """Wait until each has failed or is well, or for so many seconds.

        Raises:
            SessionUnreachableError: the session has ended.
        """
        left = {each.name: each for each in asked}
        for event in client.watch_for("uiresources", limit):
            name = event["object"]["metadata"]["name"]
            if name in left:
                left[name].see(event)
                if left[name].over:
                    del left[name]
            if not left:
                return


def document(client: AskedSession, asked: Triggered) -> Json:
    """What came of it, as `--json` prints it."""
    status, update = asked.status, asked.update or {}
    met = {each["type"]: each["status"] == "True" for each in status.get("conditions", [])}
    span = update.get("spanID") or (status.get("currentBuild") or {}).get("spanID", "")
    number = span.rpartition(":")[2]
    code = NO_ANSWER if asked.gone else 1 if asked.failed else 0 if asked.well else TIMED_OUT
    return {
        "name": asked.name,
        "result": {0: "ok", 1: "failed", NO_ANSWER: "gone", TIMED_OUT: "timeout"}[code],
        "exitCode": code,
        "fresh": asked.updated and met.get("UpToDate", False) and not status.get("hasPendingChanges"),
        "updateID": int(number) if number.isdigit() else None,
        "reason": update.get("reason", ""),
        "strategy": update.get("strategy", ""),
        "note": update.get("note", ""),
        "changedFiles": update.get("changedFiles", []),
        "startTime": update.get("startTime", ""),
        "finishTime": update.get("finishTime", ""),
        "steps": [_step(each) for each in update.get("steps", [])],
        "updateStatus": status.get("updateStatus", ""),
        "runtimeStatus": status.get("runtimeStatus", ""),
        "waiting": status.get("waiting"),
        "error": update.get("error", ""),
        "log": _log(client, asked.name, span),
    }


def lines(found: Json) -> list[str]:
    """The same for people: one line, and what is said of a failure below it."""
    steps = ", ".join(f"{each['name']} {each['seconds']:.2f} s" for each in found["steps"] if each["seconds"] >= 0.01)
    fresh = "fresh" if found["fresh"] else "not fresh"
    what = ", ".join(filter(None, (found["strategy"], found["reason"], fresh)))
    head = f"{found['name']}: {found['result']} (update {found['updateID']}: {what})" + (f" {steps}" if steps else "")
    if found["result"] == "ok":
        return [head]
    waiting = found["waiting"] or {}
    why = (found["error"] and headline(found["error"])) or (f"runs: {found['runtimeStatus']}" if not waiting else "")
    why = why or f"{waiting.get('reason', '')} {', '.join(each['name'] for each in waiting.get('on', []))}".strip()
    return [head, f"  {why}", *(f"  │ {line}" for line in found["log"])]


def _step(step: Json) -> Json:
    return {"name": step["name"], "subject": step.get("subject", ""), "seconds": step.get("seconds", 0.0)}


def _log(client: AskedSession, name: str, span: str) -> list[str]:
    """The last log lines of an update."""
    found: list[str] = []
    try:
        for group in client.log_lines({"resource": name, "source": "build", "tail": str(SEARCHED_LINES)}):
            documents = (loads(line) for line in group)
            found += [each["text"] for each in documents if each.get("span") == span]
    except PytiltError:
        pass  # the session is gone, and what was read is what there is
    return found[-LOG_LINES:]
