from contextlib import aclosing

import pytest

from pytilt.errors import ClusterUnreachableError
from pytilt.host.processes import HostRunner
from pytilt.kubernetes.api import KubernetesApi, Stream
from pytilt.kubernetes.connection import Credentials
from tests.kubernetes.api_server import ApiServer, Reply, api_of, connection, status

UNAUTHORIZED = status(401, "Unauthorized", "Unauthorized")


async def test_a_request_carries_who_asks_and_returns_the_answer(server: ApiServer, api: KubernetesApi):
    server.on("GET", "/version", Reply(body={"gitVersion": "v1"}))
    assert (await api.request("GET", "/version", params=[("a", "b c")])).json() == {"gitVersion": "v1"}
    [asked] = server.asked
    assert (asked.headers["authorization"], asked.params) == ("Bearer t", {"a": "b c"})


async def test_a_refusal_is_an_answer_too(server: ApiServer, api: KubernetesApi):
    server.on("GET", "/x", status(422, "Invalid", "wrong"))
    answer = await api.request("GET", "/x")
    assert not answer.ok
    assert (answer.failure.code, answer.failure.reason, answer.failure.message) == (422, "Invalid", "wrong")


async def test_a_refused_token_is_renewed_once(server: ApiServer, tmp_path):
    file = tmp_path / "token"
    file.write_text("old")
    server.on("GET", "/x", UNAUTHORIZED, Reply(body={}))
    async with api_of(server, Credentials(user="me", token_file=str(file))) as api:
        file_was_read = await api.identity()
        file.write_text("new")
        assert (await api.request("GET", "/x")).ok
        assert await api.identity() != file_was_read
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer old", "Bearer new"]


async def test_credentials_that_are_not_accepted_are_named(server: ApiServer, api: KubernetesApi):
    server.on("GET", "/x", UNAUTHORIZED)
    with pytest.raises(
        ClusterUnreachableError, match="context `test` does not accept the credentials of the user `me`"
    ):
        await api.request("GET", "/x")
    assert len(server.asked) == 1


async def test_a_server_that_is_not_there_is_named_with_its_context():
    async with HostRunner() as runner, KubernetesApi(connection(1), runner) as api:
        with pytest.raises(ClusterUnreachableError, match=r"context `test` does not answer at http://127.0.0.1:1:"):
            await api.request("GET", "/x")


async def test_a_connection_that_the_server_has_closed_is_opened_again(server: ApiServer, api: KubernetesApi):
    server.on("PATCH", "/x", Reply(pieces=(), then="cut"), Reply(body={"a": 1}))
    assert (await api.request("PATCH", "/x")).json() == {"a": 1}


async def test_lines_are_told_as_they_come_and_a_cut_is_an_error(server: ApiServer, api: KubernetesApi):
    server.on("GET", "/x", Reply(pieces=(b"on", b"e\ntwo\nthr"), then="cut"))
    async with api.stream("/x") as stream:
        assert isinstance(stream, Stream)
        async with aclosing(stream.lines()) as lines:
            assert [await anext(lines), await anext(lines)] == [b"one\n", b"two\n"]
            with pytest.raises(ClusterUnreachableError):
                await anext(lines)


async def test_the_last_line_may_have_no_end(server: ApiServer, api: KubernetesApi):
    server.on("GET", "/x", Reply(pieces=(b"one\n\ntwo",)))
    async with api.stream("/x") as stream:
        assert isinstance(stream, Stream)
        assert [line async for line in stream.lines()] == [b"one\n", b"\n", b"two"]
