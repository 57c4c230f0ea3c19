import pytest

from pytilt.dialect.literals import unquote


@pytest.mark.parametrize(
    ("content", "value"),
    [("\udcff", b"\xff"), ("a\udcff\\x41\udcfe", b"a\xffA\xfe"), ("é", "é".encode())],
    ids=["one byte", "beside an escape", "text"],
)
@pytest.mark.parametrize("raw", [False, True])
def test_bytes_of_the_file_that_are_no_utf_8_stand_for_themselves(content: str, value: bytes, raw: bool):
    expected = value.replace(b"A", b"\\x41") if raw else value
    assert unquote(content, raw=raw, is_bytes=True) == expected
