import json

import pytest
from msgspec.structs import replace

from pytilt.model.names import ResourceName
from pytilt.model.updates import Outcome, Reason, StepName, Strategy, UpdateStep
from pytilt.store.objects import Store
from pytilt.views.timelines import TimedUpdate, chart, documents, exact, step_lines, timed_updates, trace
from tests import samples


def step(name: StepName, begin_ms: float, ms: float, subject: str = "") -> UpdateStep:
    return UpdateStep(name=name, subject=subject, begin=begin_ms / 1000, seconds=ms / 1000)


SAVE = replace(
    samples.update(7, seconds=0.008, ended=3, strategy=Strategy.LIVE, files=("web/app.py",)),
    saved_at=samples.ago(3.009),
    steps=(
        step(StepName.EVENT, 0, 0.4),
        step(StepName.PLAN, 0.4, 0.6),
        step(StepName.PACK, 1, 1, "web-1/main"),
        step(StepName.SEND, 2, 1, "web-1/main"),
        step(StepName.ACKNOWLEDGE, 3, 5, "web-1/main"),
    ),
)
TIMED = TimedUpdate(resource=ResourceName("web"), word="live", update=SAVE)


def test_every_step_is_a_bar_where_it_was():
    assert chart(TIMED, samples.ROOT, 60) == [
        "web  live 8.0 ms  web/app.py",
        "  event                     0.4 ms  █▎",
        "  plan                      0.6 ms   ██",
        "  pack web-1/main           1.0 ms     ███",
        "  send web-1/main           1.0 ms        ███",
        "  acknowledge web-1/main    5.0 ms           ███████████████",
    ]


@pytest.mark.parametrize("width", [200, 80, 40, 20, 5, 1])
def test_no_line_is_wider_than_the_terminal(width: int):
    assert all(len(line) <= width for line in chart(TIMED, samples.ROOT, width))


def test_of_many_steps_the_longest_are_shown_in_their_order():
    assert [line.split()[0] for line in step_lines(SAVE, 60, most=2)] == ["pack", "acknowledge"]


def test_an_update_that_failed_says_so_in_its_title():
    failed = replace(TIMED, update=replace(SAVE, outcome=Outcome.FELL_BACK))
    assert chart(failed, samples.ROOT, 80)[0] == "web  live 8.0 ms, fell back  web/app.py"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00004, "0.0 ms"), (0.0091, "9.1 ms"), (0.12, "120 ms"), (0.9996, "1.0 s"), (2.14, "2.1 s"), (75, "75 s")],
)
def test_times_have_the_digits_that_matter(seconds: float, text: str):
    assert exact(seconds) == text


def test_the_updates_of_a_session_are_shown_in_their_order_and_without_those_that_have_no_steps():
    store = Store()
    for each in samples.shop():
        store.put(each)
    resource = next(each for each in samples.shop() if each.name == "web")
    store.put(replace(resource, status=replace(resource.status, history=(SAVE, *resource.status.history))))  # type: ignore[attr-defined]  # a resource
    assert [(each.resource, each.word, each.update.id) for each in timed_updates(store.snapshot())] == [
        ("web", "live", 7)
    ]
    assert not timed_updates(store.snapshot(), "cart")


def test_as_json_times_are_seconds_since_the_save():
    (found,) = json.loads(json.dumps(documents([TIMED], samples.ROOT)))
    assert (found["resource"], found["changedFiles"], found["seconds"]) == ("web", ["web/app.py"], 0.008)
    assert found["origin"] == SAVE.saved_at
    assert documents([replace(TIMED, update=replace(SAVE, note="no sync"))], samples.ROOT)[0]["note"] == "no sync"
    assert found["steps"][4] == {
        "name": "acknowledge", "subject": "web-1/main", "begin": 0.003, "seconds": 0.005
    }  # fmt: skip


def test_a_trace_has_a_process_for_each_resource_and_a_thread_for_what_runs_side_by_side():
    built = replace(
        SAVE,
        id=8,
        strategy=Strategy.FULL,
        reason=Reason.INITIAL_BUILD,
        steps=(step(StepName.BUILD, 0, 10, "a"), step(StepName.BUILD, 2, 3, "b"), step(StepName.APPLY, 10, 5)),
    )
    found = trace([TIMED, TimedUpdate(resource=ResourceName("db"), word="build", update=built)], samples.ROOT)
    events = found["traceEvents"]
    assert [(each["pid"], each["args"]["name"]) for each in events if each["ph"] == "M"] == [(1, "web"), (2, "db")]
    of_db = [each for each in events if each["pid"] == 2 and each["ph"] == "X"]
    assert [(each["name"], each["tid"]) for each in of_db] == [
        ("build: Initial Build", 1), ("build", 1), ("build", 2), ("apply", 1)
    ]  # fmt: skip
    assert [each["dur"] for each in of_db] == [15000, 10000, 3000, 5000]
    assert of_db[2]["ts"] - of_db[0]["ts"] == pytest.approx(2000, abs=1)
