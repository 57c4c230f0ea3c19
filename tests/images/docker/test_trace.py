import pytest

from pytilt.images.docker.protobuf import fields
from pytilt.images.docker.trace import Output, TransferStatus, Vertex, read_trace


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def test_a_progress_message_is_decoded() -> None:
    time = field(1, 1700000000) + field(2, 500000000)
    vertex = field(1, "sha256:a") + field(2, "sha256:b") + field(3, "[1/2] RUN größe") + field(4, 1)
    vertex += field(5, time) + field(6, time) + field(7, "no")
    status = field(1, "layer") + field(2, "sha256:a") + field(4, 300) + field(5, 70000) + field(6, time)
    output = field(1, "sha256:a") + field(2, time) + field(3, 1) + field(4, b"hello\n")
    trace = read_trace(field(1, vertex) + field(2, status) + field(3, output) + field(4, b"a warning") + field(9, 1))
    assert trace.vertexes == (
        Vertex(
            digest="sha256:a",
            name="[1/2] RUN größe",
            cached=True,
            started=1700000000.5,
            completed=1700000000.5,
            error="no",
        ),
    )
    assert trace.statuses == (
        TransferStatus(id="layer", vertex="sha256:a", current=300, total=70000, timestamp=1700000000.5),
    )
    assert trace.outputs == (Output(vertex="sha256:a", data=b"hello\n"),)


def test_numbers_below_zero_and_of_fixed_width_are_read() -> None:
    minus_one = (1 << 64) - 1
    assert read_trace(field(2, field(4, minus_one))).statuses[0].current == -1
    assert list(fields(b"\x09" + b"12345678" + b"\x15" + b"1234")) == [(1, 0, b"12345678"), (2, 0, b"1234")]


@pytest.mark.parametrize("data", [b"\x0a\x05ab", b"\x08\x80", b"\x0b"])
def test_bytes_that_are_no_message_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut off|wire type"):
        list(fields(data))
