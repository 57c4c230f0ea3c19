import pytest

from pytilt.hud.commands import COMMANDS, Now, possible
from pytilt.store.objects import Store
from pytilt.views.rows import rows
from tests import samples
from tests.house_rules.sources import ROOT

PAGE = (ROOT / "docs" / "hud.md").read_text()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.shown)
def test_every_key_is_in_the_docs(command):
    keys = " ".join(f"`{key}`" for key in command.shown.split())
    assert f"| {keys} | {command.help} |" in PAGE


def actions(**now):
    return {command.action for command in possible(Now(**now))}


def test_what_is_possible_depends_on_what_is_selected():
    store = Store()
    for each in samples.changed(samples.shop(), samples.service("db", 1, enabled=False)):
        store.put(each)
    found = {str(row.name): row for row in rows(store.snapshot())}
    assert {"trigger", "browse", "enable(False)"} <= actions(row=found["web"])
    assert "enable(True)" not in actions(row=found["web"])
    assert "enable(True)" in actions(row=found["db"])
    assert not {"trigger", "browse", "enable(False)"} & actions(row=found["db"])
    assert not {"enable(True)", "enable(False)"} & actions(row=found["(Tiltfile)"])


def test_leaving_is_always_possible_and_comes_first():
    assert possible(Now())[0].action == "leave"
