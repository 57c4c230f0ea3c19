"""One picture for every state that the display can show."""

from typing import Any

import pytest

from pytilt.hud.options import DARK, LIGHT, SIXTEEN
from pytilt.model.stored import Object
from tests import samples
from tests.hud.pilot import compare, showing

DOWN_TO_WEB = ("down",) * 7

OFF = [samples.service(name, 1, labels=("backend",), enabled=False) for name in ("db", "cart")]

STATES: dict[str, tuple[tuple[Object, ...], tuple[str, ...], dict[str, Any]]] = {
    "well": (samples.shop(), (), {}),
    "crashing": (samples.crashing(), (), {}),
    "crashing-small": (samples.crashing(), (), {"size": (80, 24)}),
    "crashing-wide": (samples.crashing(), (), {"size": (250, 80)}),
    "crashing-light": (samples.crashing(), (), {"theme": LIGHT}),
    "crashing-sixteen-colours": (samples.crashing(), (), {"theme": SIXTEEN}),
    "building": (samples.building(), (), {}),
    "broken-tiltfile": (samples.frame(error="Tiltfile:3:1: undefined: dokcer_build"), (), {}),
    "disabled": (samples.changed(samples.shop(), samples.service("web", 4, enabled=False)), (), {}),
    "nothing-yet": ((), (), {}),
    "expanded": (samples.shop(), (*DOWN_TO_WEB, "right"), {}),
    "folded-group": (samples.crashing(), ("up", "left"), {}),
    "only-unhealthy": (samples.crashing(), ("f", "down", "enter"), {}),
    "only-pending-none": (samples.shop(), ("f", "down", "down", "enter"), {}),
    "choosing-a-filter": (samples.shop(), ("f",), {}),
    "typing-a-filter": (samples.shop(), ("f", "up", "enter", "w", "e"), {}),
    "choosing-an-endpoint": (samples.shop(), (*DOWN_TO_WEB, "b"), {}),
    "no-endpoint": (samples.shop(), ("b",), {}),
    "arguments": (samples.shop(), ("r",), {}),
    "graph": (samples.crashing(), ("g",), {}),
    "help": (samples.shop(), ("question_mark",), {"size": (100, 60)}),
    "help-small": (samples.shop(), ("question_mark",), {"size": (80, 24)}),
    "log-of-one": (samples.crashing(), ("down", "enter"), {}),
    "log-half": (samples.crashing(), ("x",), {}),
    "log-with-times-not-wrapped": (samples.crashing(), ("x", "x", "T", "w"), {"size": (80, 24)}),
    "log-errors-only": (samples.crashing(), ("v", "v", "x"), {}),
    "log-warnings-and-errors": (samples.crashing(), ("v", "tab"), {}),
    "asking-to-disable-a-group": (samples.shop(), ("up", "d"), {}),
    "a-group-that-is-off": (
        samples.changed(
            samples.shop(), *(samples.service(n, 1, labels=("backend",), enabled=False) for n in ("db", "cart"))
        ),
        ("home", "up"),
        {"size": (80, 24)},
    ),
    "names-of-many-cells": (
        (*samples.frame(), samples.local("日本語サービス", 1), samples.local("émoji-🚀-service", 2)),
        (),
        {"size": (80, 24)},
    ),
    "many-broken-small": (samples.many(60, every=9), (), {"size": (80, 24)}),
    "log-of-builds": (samples.crashing(), ("2", "x"), {}),
    "searching": (samples.crashing(), ("slash", *"frut"), {}),
    "found": (samples.crashing(), ("slash", *"frut", "enter"), {}),
    "many": (samples.many(60), (), {}),
}


@pytest.mark.parametrize("state", STATES)
async def test_the_display_looks_as_it_did_when_a_person_last_looked(state):
    objects, keys, how = STATES[state]
    async with showing(objects, samples.log(), **{"theme": DARK, **how}) as screen:
        await screen.press(*keys)
        compare(state, screen.picture())
