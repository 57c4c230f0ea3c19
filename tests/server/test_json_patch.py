from typing import Any

import pytest

from pytilt.errors import UserError
from pytilt.server.json_patch import apply_patch

BEFORE = {"a": {"b": [1, 2]}, "x/y": 1, "~": 2}


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "add", "path": "/c", "value": None}, {**BEFORE, "c": None}),
        ({"op": "add", "path": "/a/b/-", "value": 3}, {**BEFORE, "a": {"b": [1, 2, 3]}}),
        ({"op": "add", "path": "/a/b/0", "value": 0}, {**BEFORE, "a": {"b": [0, 1, 2]}}),
        ({"op": "remove", "path": "/x~1y"}, {"a": {"b": [1, 2]}, "~": 2}),
        ({"op": "replace", "path": "/~0", "value": [3]}, {**BEFORE, "~": [3]}),
        ({"op": "replace", "path": "", "value": 1}, 1),
        ({"op": "move", "from": "/a/b", "path": "/b"}, {**BEFORE, "a": {}, "b": [1, 2]}),
        ({"op": "copy", "from": "/a/b/1", "path": "/b"}, {**BEFORE, "b": 2}),
        ({"op": "test", "path": "/a/b/1", "value": 2}, BEFORE),
    ],
)
def test_an_operation_is_carried_out(operation: dict[str, Any], expected: Any):
    assert apply_patch(BEFORE, [operation]) == expected
    assert BEFORE == {"a": {"b": [1, 2]}, "x/y": 1, "~": 2}


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        ("add", "operation 0 of the patch: it is not a mapping"),
        ({"op": "grow", "path": "/a"}, "unknown operation `grow`"),
        ({"op": "add", "path": "/c"}, "`add` needs a `value`"),
        ({"op": "remove", "path": "a"}, "begins with `/`"),
        ({"op": "remove"}, "`None` is no path"),
        ({"op": "remove", "path": "/nope"}, "there is no `nope`"),
        ({"op": "remove", "path": "/a/b/2"}, "there is no `2`"),
        ({"op": "add", "path": "/a/b/9", "value": 1}, "no place 9 in a list of 2"),
        ({"op": "add", "path": "/a/b/01", "value": 1}, "`01` is no place in a list"),
        ({"op": "add", "path": "/x~1y/z", "value": 1}, "nothing that `z` could be in"),
        ({"op": "test", "path": "/x~1y", "value": 9}, "test failed"),
    ],
)
def test_an_operation_that_cannot_be_carried_out_is_an_error(operation: Any, text: str):
    with pytest.raises(UserError, match=text):
        apply_patch(BEFORE, [operation])
