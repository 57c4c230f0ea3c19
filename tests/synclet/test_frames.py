import contextlib
import random
import struct

import pytest

from pytilt.host.files import blocks
from pytilt.synclet import frames
from pytilt.synclet.frames import Acknowledged, Decoder, Exit, Failed, FailureKind, FrameError, Missing, Printed


def encoded(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack(">I", len(payload)) + payload


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 100])
def test_answers_arrive_in_whatever_pieces(size):
    stream = (
        encoded(b"A", b"\0\0\0\7")
        + encoded(b"N", struct.pack(">IIII", 0, 2, 5, 6))
        + encoded(b"O", b"text")
        + encoded(b"r", b"\0\0\0\3")
        + encoded(b"!", b"\1no")
    )
    decoder = Decoder()
    found: list[object] = []
    for start in range(0, len(stream), size):
        found += decoder.feed(stream[start : start + size])
    assert found == [
        Acknowledged(number=7),
        Missing(ranges=((0, 2), (5, 6))),
        Printed(data=b"text"),
        Exit(status=3),
        Failed(kind=FailureKind.DENIED, message="no"),
    ]


def test_whatever_arrives_is_read_or_refused():
    """Frames of known kinds with made-up contents, and bytes that are none."""
    made_up = random.Random(7)
    for _ in range(2000):
        content = made_up.randbytes(made_up.randrange(30))
        frame = encoded(made_up.choice([b"A", b"N", b"O", b"r", b"g", b"W", b"!"]), content)
        with contextlib.suppress(FrameError):
            list(Decoder().feed(made_up.choice([content, frame, frame + content])))
        line = made_up.choice([b"", frames.GREETING]) + content
        assert frames.read_greeting(line) is None or line.startswith(frames.GREETING)


@pytest.mark.parametrize(
    "data", [encoded(b"A", b"x"), encoded(b"?", b""), encoded(b"!", b""), b"O\xff\xff\xff\xff", encoded(b"N", b"123")]
)
def test_what_is_no_answer_is_refused(data):
    with pytest.raises(FrameError):
        list(Decoder().feed(data))


def test_the_sums_of_the_blocks_of_any_file_fit_into_a_frame():
    for size in (1, 2**20, 2**30, 2**40):
        block = blocks.block_size(size)
        assert -(-size // block) * blocks.SUM_SIZE < frames.LARGEST_FRAME - 8192
