import json

import pytest

from tests.cli.conftest import Tilt


@pytest.mark.parametrize("words", [("--json",), ("-o", "json"), ("--output=json",)])
def test_as_json(tilt: Tilt, words: tuple[str, ...]):
    ended = tilt("sessions", *words)
    assert (ended.status, json.loads(ended.out)) == (0, [])
