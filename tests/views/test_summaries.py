from pytilt.store.objects import Store
from pytilt.views.dots import Dot
from pytilt.views.rows import rows
from pytilt.views.summaries import Turn, settled, summary, turns
from tests import samples


def look(*objects):
    store = Store()
    for each in objects:
        store.put(each)
    state = store.snapshot()
    return state, rows(state)


def test_a_session_in_one_line():
    found = summary(*look(*samples.crashing()))
    assert (found.project, found.context, found.namespace) == ("shop", "kind-dev", "default")
    assert found.counts == ((Dot.ERROR, 1), (Dot.OK, 5))
    assert found.tiltfile is Dot.OK


def test_warnings_are_counted_over_all_rows():
    assert summary(*look(*samples.frame(warnings=("a", "b")))).warnings == 2


def test_before_anything_is_known_the_tiltfile_is_pending():
    assert summary(*look()).tiltfile is Dot.PENDING


def test_turns_are_reported_once_over_any_number_of_yellow_steps():
    well, broken, busy = (look(*objects)[1] for objects in (samples.shop(), samples.crashing(), samples.building()))
    assert turns((), broken) == ()
    before = settled((), well)
    (turn,) = turns(before, broken)
    assert turn == Turn(name=turn.name, broken=True, why="back-off 10s restarting failed container catalog")
    before = settled(settled(before, broken), busy)
    assert {turn.name: turn.broken for turn in turns(before, well)} == {"catalog": False, "cart": False}


def test_what_is_gone_is_forgotten():
    well = look(*samples.shop())[1]
    assert [row.name for row in settled(well, well[:1])] == ["db"]
