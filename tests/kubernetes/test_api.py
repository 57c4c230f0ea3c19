import gzip
from contextlib import aclosing

import pytest
from msgspec.structs import replace

from pytilt.errors import ClusterUnreachableError
from pytilt.host.processes import HostRunner
from pytilt.kubernetes.api import KubernetesApi, Stream
from pytilt.kubernetes.connection import Credentials
from pytilt.kubernetes.failures import Failure
from tests.http.tunnels import proxy
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


async def test_a_token_that_is_refused_in_the_middle_of_a_session_is_renewed_for_streams_too(
    server: ApiServer, tmp_path
):
    file = tmp_path / "token"
    file.write_text("old")
    server.on("GET", "/x", Reply(body={}), UNAUTHORIZED, Reply(pieces=(b"line\n",)))
    server.on("POST", "/y", UNAUTHORIZED, Reply(body={}))
    async with api_of(server, Credentials(user="me", token_file=str(file))) as api:
        assert (await api.request("GET", "/x")).ok
        file.write_text("new")
        async with api.stream("/x") as stream:
            assert isinstance(stream, Stream)
            assert [line async for line in stream.lines()] == [b"line\n"]
        file.write_text("newer")
        async with api.upgrade("/y", "SPDY/3.1", {}) as taken_over:
            assert taken_over is None
    used = [asked.headers["authorization"].removeprefix("Bearer ") for asked in server.asked]
    assert used == ["old", "old", "new", "new", "newer"]


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


async def test_what_creates_something_is_not_sent_again(server: ApiServer, api: KubernetesApi):
    server.on("POST", "/x", Reply(pieces=(), then="cut"), Reply(body={"a": 1}))
    with pytest.raises(ClusterUnreachableError, match="the connection broke"):
        await api.request("POST", "/x", body=b"{}")
    assert len(server.asked) == 1


async def test_an_answer_that_takes_too_long_is_an_error(server: ApiServer, api: KubernetesApi):
    server.on("GET", "/x", Reply(pieces=(), then="hold"))
    with pytest.raises(ClusterUnreachableError, match=r"no answer within 0\.01 s"):
        await api.request("GET", "/x", seconds=0.01)


async def test_a_compressed_answer_is_unpacked(server: ApiServer, api: KubernetesApi):
    server.on("GET", "/x", Reply(body=gzip.compress(b'{"a": 1}'), headers=("Content-Encoding: gzip",)))
    server.on("GET", "/y", Reply(body=b"nonsense", headers=("Content-Encoding: gzip",)))
    assert (await api.request("GET", "/x")).json() == {"a": 1}
    with pytest.raises(ClusterUnreachableError):
        await api.request("GET", "/y")


async def test_the_servers_address_may_have_a_path(server: ApiServer):
    server.on("GET", "/k8s/clusters/c-1/version", Reply(body={"gitVersion": "v1"}))
    below = replace(connection(server.port), server=f"http://127.0.0.1:{server.port}/k8s/clusters/c-1")
    async with HostRunner() as runner, KubernetesApi(below, runner) as api:
        assert (await api.request("GET", "/version")).ok
    assert server.asked[0].headers["host"] == f"127.0.0.1:{server.port}"


async def test_the_way_may_lead_through_a_proxy(server: ApiServer):
    server.on("GET", "/x", Reply(body={}))
    async with proxy() as tunnels, HostRunner() as runner:
        behind = replace(connection(server.port), proxy=f"http://127.0.0.1:{tunnels.port}")
        async with KubernetesApi(behind, runner) as api:
            assert (await api.request("GET", "/x")).ok
    assert len(tunnels.asked) == 1


async def test_a_proxy_that_cannot_be_used_is_reported_with_what_to_do():
    behind = replace(connection(1), proxy="ftp://proxy")
    async with HostRunner() as runner, KubernetesApi(behind, runner) as api:
        with pytest.raises(ClusterUnreachableError, match="the proxy `ftp://proxy` cannot be used") as caught:
            await api.request("GET", "/x")
    assert "`http://`" in str(caught.value.hint)


async def test_lines_are_reported_as_they_come_and_a_cut_is_an_error(server: ApiServer, api: KubernetesApi):
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


HTML = b"<html>Please log in</html>"


@pytest.mark.parametrize("body", [b"", HTML, b"[1]", b"null", b'{"a": "\xff"}', b'{"a":' + b"[" * 100_000])
async def test_an_answer_that_is_no_object_is_an_error_and_not_an_empty_one(
    server: ApiServer, api: KubernetesApi, body: bytes
):
    server.on("GET", "/x", Reply(body=body))
    answer = await api.request("GET", "/x")
    for read in (answer.json, answer.object, lambda: answer.items("items")):
        with pytest.raises(
            ClusterUnreachableError, match=r"is no Kubernetes API(.|\n)*hint: see whether the address is"
        ):
            read()


@pytest.mark.parametrize("body", [{}, {"items": "x"}, {"items": {"a": 1}}, {"other": []}])
async def test_an_answer_without_a_list_is_no_empty_list(server: ApiServer, api: KubernetesApi, body: object):
    server.on("GET", "/x", Reply(body=body))
    with pytest.raises(ClusterUnreachableError, match="no list of `items`"):
        (await api.request("GET", "/x")).items("items")


@pytest.mark.parametrize("body", [{"items": None}, {"metadata": {}}, {"items": [1, "x", None]}])
async def test_what_is_no_object_in_a_list_is_left_out(server: ApiServer, api: KubernetesApi, body: object):
    server.on("GET", "/x", Reply(body=body))
    assert (await api.request("GET", "/x")).items("items") == []


async def test_an_answer_that_leads_elsewhere_is_a_refusal(server: ApiServer, api: KubernetesApi):
    server.on("GET", "/x", Reply(status=302, body=HTML, headers=("Location: https://login.example",)))
    answer = await api.request("GET", "/x")
    assert not answer.ok
    assert answer.failure.message == HTML.decode()
    async with api.stream("/x") as stream:
        assert isinstance(stream, Failure)


async def test_an_answer_that_unpacks_to_more_than_any_answer_is_an_error(server: ApiServer, api: KubernetesApi):
    server.on("GET", "/x", Reply(body=gzip.compress(bytes(300 * 1024**2), 1), headers=("Content-Encoding: gzip",)))
    with pytest.raises(ClusterUnreachableError, match="longer than 256 MiB"):
        await api.request("GET", "/x")
