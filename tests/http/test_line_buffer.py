import pytest

from pytilt.http.line_buffer import LineBuffer


@pytest.mark.parametrize(
    ("pieces", "lines", "rest"),
    [
        ((b"a\nb\n",), [b"a", b"b"], b""),
        ((b"a", b"b", b"c\nd"), [b"abc"], b"d"),
        ((b"a\r", b"\n", b"\n"), [b"a\r", b""], b""),
        ((b"", b"a"), [], b"a"),
    ],
)
def test_lines_are_those_of_the_whole_text(pieces: tuple[bytes, ...], lines: list[bytes], rest: bytes):
    buffer = LineBuffer()
    assert [line for piece in pieces for line in buffer.feed(piece)] == lines
    assert buffer.rest == rest
