"""What an engine answers that is no engine, or a broken one."""

from pathlib import Path

import pytest

from pytilt.docker.runtime import DockerRuntime
from pytilt.errors import DockerApiError
from tests.docker.test_api import answer, engine_answering


@pytest.mark.parametrize("body", [b"{", b'{"Id": "\xff"}', b'{"a":' + b"[" * 100_000, b"{}", b"<html>", b""])
async def test_an_answer_that_does_not_name_what_was_made_is_an_error(tmp_path: Path, body: bytes) -> None:
    async with engine_answering(tmp_path, answer("200 OK", body)) as (api, _):
        with pytest.raises(DockerApiError, match=r"cannot be read|has no `Id`"):
            await DockerRuntime(api).create("web", {})


async def test_a_field_that_is_missing_further_down_is_an_error(tmp_path: Path) -> None:
    async with engine_answering(tmp_path, answer("200 OK", b'{"State": {}, "Mounts": [{}]}')) as (api, _):
        found = await DockerRuntime(api).inspect("web")
    assert found is not None
    with pytest.raises(DockerApiError, match="has no `Pid`"):
        found["State"]["Pid"]
    with pytest.raises(DockerApiError, match="has no `Name`"):
        found["Mounts"][0]["Name"]


@pytest.mark.parametrize("line", [b"<html>", b"[]", b'{"Action": 5}', b'{"Actor": "x"}', b"\xff", b"[" * 100_000])
async def test_an_event_that_is_none_is_an_error(tmp_path: Path, line: bytes) -> None:
    async with engine_answering(tmp_path, answer("200 OK", line + b"\n")) as (api, _):
        events = DockerRuntime(api).events({})
        assert (await anext(events)).action == ""
        with pytest.raises(DockerApiError, match="message cannot be read"):
            await anext(events)
        await events.aclose()


@pytest.mark.parametrize("line", [b"<html>", b"[]", b"\xff", b"[" * 100_000])
async def test_a_pull_that_answers_nonsense_is_an_error(tmp_path: Path, line: bytes) -> None:
    async with engine_answering(tmp_path, answer("200 OK", line + b"\n")) as (api, _):
        with pytest.raises(DockerApiError, match="message cannot be read"):
            await DockerRuntime(api).pull("busybox")


EXHAUSTED = answer("400 Bad Request", b'{"message": "all predefined address pools have been fully subnetted"}')
OVERLAPS = answer("403 Forbidden", b'{"message": "Pool overlaps with other one on this address space"}')


async def test_a_network_is_made_with_addresses_of_its_own_where_the_engine_has_none_left(tmp_path: Path) -> None:
    made = answer("201 Created", b'{"Id": "n"}')
    async with engine_answering(tmp_path, EXHAUSTED, OVERLAPS, OVERLAPS, made) as (api, heads):
        await DockerRuntime(api).create_network("shop", {})
    assert len(heads) == 4


@pytest.mark.parametrize(("answers", "requests"), [([EXHAUSTED, OVERLAPS], 21), ([OVERLAPS], 1)])
async def test_a_network_that_cannot_be_made_is_an_error(tmp_path: Path, answers: list[bytes], requests: int) -> None:
    async with engine_answering(tmp_path, *answers) as (api, heads):
        with pytest.raises(DockerApiError, match="address pools" if requests > 1 else "overlaps"):
            await DockerRuntime(api).create_network("shop", {})
    assert len(heads) == requests
