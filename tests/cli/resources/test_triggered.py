import pytest

from pytilt.cli.resources.triggered import Triggered, document, lines

OLD = {"spanID": "build:1", "error": ""}
NEW = {"spanID": "build:2", "strategy": "command", "reason": "CLI Trigger", "error": "", "steps": []}
FRESH = [{"type": "UpToDate", "status": "True"}]


class FakeClient:
    """A watch that shows one status after the other until the time is up; None: the resource is gone."""

    def __init__(self, *statuses):
        self._statuses = statuses

    def get(self, plural, name):
        assert (plural, name) == ("uiresources", "web")
        return {"status": {"buildHistory": [OLD], "updateStatus": "ok", "runtimeStatus": "ok"}}

    def watch_for(self, resource, seconds):
        assert (resource, seconds) == ("uiresources", 60)
        yield {"type": "ADDED", "object": {"metadata": {"name": "other"}, "status": {}}}
        for found in self._statuses:
            kind, shown = ("DELETED", {}) if found is None else ("MODIFIED", {"status": found})
            yield {"type": kind, "object": {"metadata": {"name": "web"}, **shown}}

    def log_lines(self, query):
        assert query["resource"] == "web"
        yield [b'{"span": "build:1", "text": "old"}', b'{"span": "build:2", "text": "new"}']


def status(*history, update="ok", runtime="ok", **fields):
    return {
        "buildHistory": list(history),
        "updateStatus": update,
        "runtimeStatus": runtime,
        "conditions": FRESH,
        **fields,
    }


@pytest.mark.parametrize(
    ("statuses", "code", "fresh"),
    [
        ([status(OLD, queued=True), status(OLD, update="in_progress"), status(NEW, OLD)], 0, True),
        ([status(NEW, OLD, runtime="not_applicable")], 0, True),
        ([status({**NEW, "error": "no"}, OLD, update="error", conditions=[])], 1, False),
        ([status(NEW, OLD, runtime="pending"), status(NEW, OLD, runtime="error", conditions=[])], 1, False),
        ([status(OLD)], 124, False),
        ([status(NEW, OLD, runtime="pending")], 124, True),
        ([status(NEW, OLD, update="pending", hasPendingChanges=True)], 124, False),
        ([status(NEW, OLD, update="pending", hasPendingChanges=True, triggerMode=1)], 0, False),
        ([None], 3, False),
    ],
)
def test_what_came_of_an_update(statuses, code, fresh):
    client = FakeClient(*statuses)
    found = Triggered(client, "web")
    Triggered.wait(client, [found], 60)
    answer = document(client, found)
    assert (answer["exitCode"], answer["fresh"]) == (code, fresh)


def test_the_answer_has_the_number_of_the_update_and_its_own_log():
    broken = {**NEW, "note": "no sync covers it", "error": "it broke\nfor a reason"}
    client = FakeClient(status(broken, OLD, update="error", conditions=[]))
    found = Triggered(client, "web")
    Triggered.wait(client, [found], 60)
    answer = document(client, found)
    assert (answer["updateID"], answer["note"], answer["log"]) == (2, "no sync covers it", ["new"])
    assert lines(answer) == [
        "web: failed (update 2: command, CLI Trigger, not fresh)",
        "  it broke",
        "  │ new",
    ]
