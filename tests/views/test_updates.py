import pytest
from msgspec.structs import replace

from pytilt.model.names import ResourceName
from pytilt.model.updates import Hold, HoldReason, Outcome, Reason, Strategy
from pytilt.views.dots import Tone
from pytilt.views.updates import bars, elapsed, history_line, hold_text, update_cell, what_for, work
from tests.samples import NOON, ROOT, local, running, service, update

KUBERNETES = service("web", 1).spec.deploy
COMMAND = local("lint", 1).spec.deploy
SERVES = local("docs", 1, serves=True).spec.deploy


@pytest.mark.parametrize(
    ("strategy", "reason", "deploy", "builds", "word"),
    [
        (Strategy.LIVE, Reason.CHANGED_FILES, KUBERNETES, True, "live"),
        (Strategy.FULL, Reason.INITIAL_BUILD, KUBERNETES, True, "build"),
        (Strategy.FULL, Reason.CHANGED_FILES, KUBERNETES, True, "rebuild"),
        (Strategy.FULL, Reason.CHANGED_FILES, KUBERNETES, False, "deploy"),
        (Strategy.COMMAND, Reason.CHANGED_FILES, COMMAND, False, "command"),
        (Strategy.COMMAND, Reason.INITIAL_BUILD, SERVES, False, "start"),
        (Strategy.EVALUATE, Reason.CHANGED_FILES, None, False, "evaluate"),
    ],
)
def test_an_update_has_a_word_for_what_it_does(strategy, reason, deploy, builds, word):
    assert work(update(1, seconds=1, ended=1, strategy=strategy, reason=reason), deploy, builds=builds) == word


def test_an_update_that_ended_says_how_long_it_took():
    cell = update_cell(update(1, seconds=0.008, ended=1), "live")
    assert (cell.text, cell.tone) == ("live 8 ms", Tone.PLAIN)


def test_an_update_that_failed_or_was_canceled_says_so():
    failed = update(1, seconds=2.1, ended=1, error="no")
    assert update_cell(failed, "rebuild").text == "rebuild failed 2.1 s"
    assert update_cell(replace(failed, outcome=Outcome.CANCELED), "rebuild").text == "rebuild canceled 2.1 s"
    assert update_cell(replace(failed, outcome=Outcome.FELL_BACK), "live").text == "live fell back 2.1 s"


def test_a_running_update_counts():
    update_now = running(1, seconds=3.2)
    assert update_cell(update_now, "build").tone is Tone.BUSY
    assert elapsed(update_now.started_at, NOON) == "3.2 s"
    assert elapsed("", NOON) == ""


@pytest.mark.parametrize("reason", HoldReason)
def test_every_hold_is_reported_in_words(reason):
    assert hold_text(Hold(reason=reason, on=(ResourceName("db"),))).startswith("waits ")


def test_a_dependency_is_named_that_is_waited_for():
    hold = Hold(reason=HoldReason.WAITING_FOR_DEP, on=(ResourceName("db"), ResourceName("queue")))
    assert hold_text(hold) == "waits for db, queue"


def test_the_bars_are_the_last_eight_oldest_first_and_higher_for_longer():
    history = tuple(update(n, seconds=seconds, ended=n) for n, seconds in enumerate([0.005, 0.3, 60, 900, *[1] * 9]))
    levels = [bar.level for bar in bars(history)]
    assert len(levels) == 8
    assert levels[-4:] == [8, 8, 4, 1]


def test_the_history_names_the_files_relative_to_the_tiltfile():
    line = history_line(update(1, seconds=1, ended=1, files=("web/a.css", "web/b.css")), "live", ROOT)
    assert (line.what, line.took) == ("web/a.css  web/b.css", "1.0 s")


def test_without_files_the_reason_is_reported():
    assert what_for(update(1, seconds=1, ended=1, reason=Reason.HUD_TRIGGER, files=("a",)), ROOT) == "HUD Trigger"
    assert what_for(update(1, seconds=1, ended=1, reason=Reason.INITIAL_BUILD), ROOT) == "Initial Build"
