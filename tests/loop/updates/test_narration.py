from collections.abc import Iterator

import pytest

from pytilt.loop.updates.narration import UpdateSteps, heading
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.updates import Reason
from pytilt.store.logs import LogStore
from tests.loop.waiting import logged

FILES = tuple(f"/p/{name}" for name in "abcdefg")


@pytest.mark.parametrize(
    ("reason", "files", "shown"),
    [
        (Reason.INITIAL_BUILD, (), "Initial Build"),
        (Reason.INITIAL_BUILD | Reason.CHANGED_FILES, FILES[:1], "Initial Build"),
        (Reason.CHANGED_FILES, FILES[:1], "1 File Changed: [a]"),
        (Reason.CHANGED_FILES, (*FILES[:2], "/q/x"), "3 Files Changed: [a b /q/x]"),
        (Reason.CHANGED_FILES, FILES, "7 Files Changed: [a b c d e ...]"),
        (Reason.CHANGED_FILES | Reason.WEB_TRIGGER, FILES, "Web Trigger"),
        (Reason.CONFIG_CHANGED | Reason.DEPENDENCY_UPDATED, (), "Config Changed | Dependency Updated"),
    ],
)
def test_an_update_begins_with_why_it_runs(reason: Reason, files: tuple[str, ...], shown: str):
    assert heading(reason, files, "/p") == shown


def ticking() -> Iterator[float]:
    """A clock on which every look takes a second."""
    now = 0.0
    while True:
        yield now
        now += 1


def steps(logs: LogStore, total: int) -> UpdateSteps:
    clock = ticking()
    return UpdateSteps(logs.span(ResourceName("web"), SpanId("build:1")), total, clock=lambda: next(clock))


def test_steps_are_numbered_indented_and_summed_up(logs: LogStore):
    steps_ = steps(logs, 2)
    with steps_.step("Building Dockerfile: [web]") as log:
        log("one\ntwo\n")
    with steps_.step("Deploying") as log:
        log("three\n")
    steps_.recap()
    assert logged(logs) == (
        "STEP 1/2 — Building Dockerfile: [web]\n"
        "     one\n"
        "     two\n"
        "\n"
        "STEP 2/2 — Deploying\n"
        "     three\n"
        "\n"
        "     Step 1 - 1.00s (Building Dockerfile: [web])\n"
        "     Step 2 - 1.00s (Deploying)\n"
        "     DONE IN: 5.00s \n"
        "\n"
    )


def test_a_step_that_fails_is_not_summed_up(logs: LogStore):
    steps_ = steps(logs, 1)
    with pytest.raises(ValueError, match="x"), steps_.step("Deploying"):
        raise ValueError("x")
    assert logged(logs) == "STEP 1/1 — Deploying\n"


def test_level_and_progress_of_a_line_in_a_step_are_kept(logs: LogStore):
    with steps(logs, 1).step("Pushing") as log:
        log("half\n", level=Level.WARN, progress="layer")
    line = logs.read(0)[0][1]
    assert (line.text, line.level, line.progress) == ("     half", Level.WARN, "layer")


def test_a_line_that_comes_in_pieces_is_indented_once(logs: LogStore):
    with steps(logs, 1).step("Pushing") as log:
        log("ha")
        log("lf\nwhole\n")
    assert logged(logs) == "STEP 1/1 — Pushing\n     half\n     whole\n\n"


def test_steps_that_are_not_needed_are_not_counted(logs: LogStore):
    steps_ = steps(logs, 4)
    steps_.spare(1, "Loading cached image: [base]")
    with steps_.step("Building Dockerfile: [web]"):
        pass
    lines = logged(logs).splitlines()
    assert lines[:2] == ["Loading cached image: [base]", "STEP 1/3 — Building Dockerfile: [web]"]
