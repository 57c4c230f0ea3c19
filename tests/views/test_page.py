from pytilt.model.api.buttons import UIButton, UIButtonSpec
from pytilt.model.names import TILTFILE
from pytilt.model.objects import Tiltfile
from pytilt.store.objects import Store
from pytilt.views.page import Page
from pytilt.views.rows import rows


def test_a_page_that_knows_everything_is_sent_nothing():
    store = Store()
    store.put(Tiltfile(name=TILTFILE, path="/p/Tiltfile"))
    page = Page("1")
    state = store.snapshot()
    first = page.update(state, rows(state))
    assert first is not None
    assert first.order == (TILTFILE,)
    assert page.update(state, rows(state)) is None


def test_buttons_are_sent_when_they_change():
    store, page = Store(), Page("1")
    state = store.snapshot()
    page.update(state, rows(state))
    store.put(UIButton(name="greet", spec=UIButtonSpec(text="Greet")))
    state = store.snapshot()
    message = page.update(state, rows(state))
    assert message is not None
    assert message.buttons is not None
    assert [each.name for each in message.buttons] == ["greet"]


def test_a_row_that_is_gone_is_not_in_the_order():
    store, page = Store(), Page("1")
    store.put(Tiltfile(name=TILTFILE, path="/p/Tiltfile"))
    state = store.snapshot()
    page.update(state, rows(state))
    store.delete(Tiltfile, TILTFILE)
    state = store.snapshot()
    message = page.update(state, rows(state))
    assert message is not None
    assert message.order == ()
