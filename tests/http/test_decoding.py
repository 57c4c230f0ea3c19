import pytest

from pytilt.http.decoding import MalformedJsonError, decode


def test_json_of_the_right_shape_is_a_value():
    assert decode(b'{"a": 1}', dict[str, int]) == {"a": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>log in</html>",
        b'{"a": "\xff"}',
        b'{"a": 1',
        b"[1]",
        b"null",
        b'{"a": 1e999}',
        b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    ],
)
def test_anything_else_is_malformed(body: bytes):
    with pytest.raises(MalformedJsonError, match="it begins with"):
        decode(body, dict[str, object])
