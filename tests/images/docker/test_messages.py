from collections.abc import AsyncIterator

import pytest

from pytilt.errors import DockerApiError
from pytilt.images.docker.messages import LayerProgress, Layers, Message, aux_id, read_messages
from pytilt.images.docker.reading import BuildReader
from tests.images.logs import KeptLog


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_messages_are_read_however_they_are_cut() -> None:
    parts = (
        b'{"stream":"a\\n"}\r\n{"id":"x","aux":{"I',
        b'D":"sha256:1"}}\n\n',
        b'{"errorDetail":{"message":"no"},"error":"no"}',
    )
    messages = [message async for message in read_messages(chunks(*parts))]
    assert [message.stream for message in messages] == ["a\n", "", ""]
    assert [aux_id(message) for message in messages] == ["", "sha256:1", ""]
    assert [message.failure for message in messages] == ["", "", "no"]


async def test_what_is_no_message_is_an_error() -> None:
    with pytest.raises(DockerApiError, match="cannot be read"):
        [message async for message in read_messages(chunks(b"<html>\n"))]


def test_layers_report_every_change_and_every_tenth() -> None:
    layers = Layers()

    def printed(status: str, current: int = 0) -> list[str]:
        detail = LayerProgress(current=current, total=1000 if current else 0)
        return [line.text for line in layers.feed(Message(status=status, id="abc", progress_detail=detail))]

    assert printed("Preparing") == ["abc: Preparing"]
    assert printed("Preparing") == []
    assert printed("Pushing", 10) == ["abc: Pushing 10B / 1.00kB"]
    assert printed("Pushing", 20) == []
    assert printed("Pushing", 110) == ["abc: Pushing 110B / 1.00kB"]
    assert printed("Pushed") == ["abc: Pushed"]
    assert [line.text for line in layers.feed(Message(status="latest: digest: sha256:1"))] == [
        "latest: digest: sha256:1"
    ]


async def test_the_classic_builders_answer_is_understood() -> None:
    log = KeptLog()
    result = await BuildReader(log).read(
        chunks(
            b'{"stream":"Step 1/2 : FROM busybox"}\n{"stream":"\\n"}\n{"stream":" ---\\u003e 93e9e8f97d88\\n"}\n',
            b'{"stream":"Step 2/2 : RUN make"}\n{"stream":"\\n"}\n{"stream":"no rule\\n"}\n',
            b'{"errorDetail":{"code":2,"message":"The command returned a non-zero code: 2"},"error":"x"}\n',
        )
    )
    assert (result.step, result.output) == ("RUN make", "no rule")
    assert result.failure == "The command returned a non-zero code: 2"
    assert log.text == "Step 1/2 : FROM busybox\n ---> 93e9e8f97d88\nStep 2/2 : RUN make\nno rule\n"


async def test_an_image_is_known_by_its_id_or_its_short_id() -> None:
    result = await BuildReader(KeptLog()).read(chunks(b'{"aux":{"ID":"sha256:abc"}}\n'))
    assert result.image_id == "sha256:abc"
    short = await BuildReader(KeptLog()).read(chunks(b'{"stream":"Successfully built 0123456789ab\\n"}\n'))
    assert short.short_id == "0123456789ab"
