import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pytilt.docker.address import EngineAddress, TlsFiles
from pytilt.docker.api import DockerApi, path
from pytilt.errors import DockerApiError, EngineUnreachableError
from pytilt.model.base import Value
from pytilt.settings import Settings
from tests.http.certificates import Certificate, make_certificate


@asynccontextmanager
async def engine_answering(folder: Path, *answers: bytes) -> AsyncIterator[tuple[DockerApi, list[bytes]]]:
    """A socket that answers each request with the next bytes, the last of them again and again, and then echoes."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        answer = answers[min(len(heads), len(answers)) - 1]
        writer.write(answer)
        if b"101 UPGRADED" in answer:
            while data := await reader.read(1000):
                writer.write(data.upper())
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, str(folder / "s"))
    async with server, DockerApi(EngineAddress(url=f"unix://{folder}/s")) as api:
        yield api, heads


def answer(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


async def test_an_answer_is_read_into_a_value(tmp_path: Path) -> None:
    class Version(Value):
        api_version: str

    async with engine_answering(tmp_path, answer("200 OK", b'{"apiVersion": "1.41", "more": 1}')) as (api, heads):
        response = await api.request("GET", "/version", params={"all": True, "limit": 3})
    assert response.status == 200
    assert response.headers["content-length"] == str(len(response.body))
    assert response.decode(Version) == Version(api_version="1.41")
    assert heads[0].startswith(b"GET /version?all=1&limit=3 HTTP/1.1\r\n")


async def test_an_answer_of_another_shape_is_an_error(tmp_path: Path) -> None:
    async with engine_answering(tmp_path, answer("200 OK", b"<html>")) as (api, _):
        response = await api.request("GET", "/version")
        with pytest.raises(DockerApiError, match="cannot be read"):
            response.decode(Value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message": "No such image: web"}', "No such image: web"),
        (b"page not found\n", "page not found"),
        (b"", "the container engine answered with status 404"),
    ],
)
async def test_a_refusal_carries_the_engines_words_and_the_status(tmp_path: Path, body: bytes, message: str) -> None:
    async with engine_answering(tmp_path, answer("404 Not Found", body)) as (api, _):
        with pytest.raises(DockerApiError) as caught:
            await api.request("GET", "/images/web/json")
        assert (caught.value.message, caught.value.status) == (message, 404)
        with pytest.raises(DockerApiError):
            async with api.stream("GET", "/images/web/get"):
                pass
        with pytest.raises(DockerApiError):
            async with api.hijack("/exec/1/start"):
                pass


async def test_a_hijacked_connection_carries_bytes_both_ways_until_sending_is_closed(tmp_path: Path) -> None:
    upgraded = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst"
    async with (
        engine_answering(tmp_path, upgraded) as (api, heads),
        api.hijack("/exec/1/start") as duplex,
    ):
        assert await duplex.receive() == b"first"
        await duplex.send(b"abc")
        assert await duplex.receive() == b"ABC"
        duplex.close_sending()
        assert await duplex.receive() == b""
    assert b"\r\nUpgrade: tcp\r\n" in heads[0]


async def test_an_engine_that_does_not_answer_is_unreachable(tmp_path: Path) -> None:
    async with DockerApi(EngineAddress(url=f"unix://{tmp_path}/none", source="`DOCKER_HOST`")) as api:
        with pytest.raises(EngineUnreachableError, match=r"from `DOCKER_HOST`\) does not answer") as caught:
            await api.request("GET", "/_ping")
    assert "systemctl start docker" in str(caught.value.hint)


async def test_a_connection_that_ends_in_the_middle_is_unreachable(tmp_path: Path) -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    async with engine_answering(tmp_path, cut) as (api, _):
        with pytest.raises(EngineUnreachableError, match="broke the connection"):
            await api.request("GET", "/_ping")


async def test_an_answer_that_comes_in_the_turn_in_which_its_reader_is_cancelled_disturbs_nothing(
    tmp_path: Path,
) -> None:
    loop, problems = asyncio.get_running_loop(), list[object]()
    loop.set_exception_handler(lambda _, context: problems.append(context))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        # The answer is on its way at once, and the asking task is cancelled before the loop has looked for it.
        writer.write(answer("200 OK", b"OK"))
        loop.call_soon(asking.cancel)
        writer.close()

    server = await asyncio.start_unix_server(serve, str(tmp_path / "s"))
    async with server, DockerApi(EngineAddress(url=f"unix://{tmp_path}/s")) as api, asyncio.TaskGroup() as group:
        asking = group.create_task(api.request("GET", "/_ping"))
        await asyncio.wait([asking])
    assert asking.cancelled()
    assert problems == []


async def test_a_kept_connection_that_the_engine_closed_meanwhile_is_not_used_again(tmp_path: Path) -> None:
    kept = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
    async with engine_answering(tmp_path, kept) as (api, heads):
        for _ in range(3):
            assert (await api.request("GET", "/_ping")).body == b"OK"
    assert len(heads) == 3


async def test_an_answer_that_takes_too_long_is_unreachable(tmp_path: Path) -> None:
    async with engine_answering(tmp_path, b"HTTP/1.1 101 UPGRADED\r\n") as (api, _):
        with pytest.raises(EngineUnreachableError, match=r"did not answer `GET /_ping` within 0.01 s"):
            await api.request("GET", "/_ping", timeout=0.01)


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("ssh://me@build:2222", "ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock -p 2222 me@build"),
        ("npipe:////./pipe/docker_engine", "`unix://` or `tcp://`"),
        ("nonsense", "`unix://` or `tcp://`"),
    ],
)
async def test_addresses_that_cannot_be_used_are_refused_with_a_hint(url: str, hint: str) -> None:
    with pytest.raises(EngineUnreachableError) as caught:
        async with DockerApi(EngineAddress(url=url)):
            pass
    assert hint in str(caught.value.hint)


async def test_missing_tls_files_are_named() -> None:
    from pytilt.docker.address import tls_from_environment

    settings = Settings.from_environment({"HOME": "/h", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/nowhere"})
    address = EngineAddress(url="tcp://engine", tls=tls_from_environment(settings))
    assert address.base_url == "https://engine:2376"
    with pytest.raises(EngineUnreachableError, match=r"/nowhere/ca\.pem: cannot read"):
        async with DockerApi(address):
            pass


@asynccontextmanager
async def engine_behind_tls(certificate: Certificate) -> AsyncIterator[int]:
    """The port of one that answers a request, hands the connection over after the next, and sends back what comes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for said in (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", b"HTTP/1.1 101 UP\r\nUpgrade: tcp\r\n\r\n"):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(said)
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async with await asyncio.start_server(serve, "localhost", 0, ssl=certificate.shown) as server:
        yield server.sockets[0].getsockname()[1]


async def test_an_engine_behind_tls_is_asked_and_hands_a_connection_over(tmp_path: Path) -> None:
    certificate = await make_certificate(tmp_path)
    async with engine_behind_tls(certificate) as port:
        address = EngineAddress(url=f"tcp://localhost:{port}", tls=TlsFiles(ca=str(certificate.path)))
        async with DockerApi(address) as api:
            assert (await api.request("GET", "/_ping")).body == b"OK"
            async with api.hijack("/exec/1/start") as duplex:
                duplex.close_sending()
                await duplex.send(b"abc")
                assert await duplex.receive() == b"abc"


async def test_an_engine_that_is_not_trusted_is_unreachable(tmp_path: Path) -> None:
    certificate = await make_certificate(tmp_path)
    async with engine_behind_tls(certificate) as port:
        async with DockerApi(EngineAddress(url=f"tcp://localhost:{port}", tls=TlsFiles())) as api:
            with pytest.raises(EngineUnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
                await api.request("GET", "/_ping")
        async with DockerApi(EngineAddress(url=f"tcp://localhost:{port}", tls=TlsFiles(verify=False))) as api:
            assert (await api.request("GET", "/_ping")).body == b"OK"
            await asyncio.sleep(0)


def test_names_in_paths_keep_their_slashes_and_colons() -> None:
    assert path("images", "localhost:5001/shop/web:1", "json") == "/images/localhost:5001/shop/web:1/json"
    assert path("containers", "a b?", "json") == "/containers/a%20b%3F/json"


async def test_a_real_engine_streams_its_answer(engine_host: str) -> None:
    async with DockerApi(EngineAddress(url=engine_host)) as api:
        ping = await api.request("GET", "/_ping")
        async with api.stream("GET", "/version") as chunks:
            body = b"".join([chunk async for chunk in chunks])
    assert ping.body == b"OK"
    assert b"ApiVersion" in body


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("images", "localhost:5001/shop/web:1", "json"), "/images/localhost:5001/shop/web:1/json"),
        (("images", "a b?c#d%2e", "json"), "/images/a%20b%3Fc%23d%252e/json"),
        (("containers", "a/b?force=1", "kill"), "/containers/a%2Fb%3Fforce=1/kill".replace("=", "%3D")),
        (("volumes", "é\r\n"), "/volumes/%C3%A9%0D%0A"),
    ],
)
def test_nothing_in_a_name_has_a_meaning_in_a_path(parts, expected):
    assert path(*parts) == expected


@pytest.mark.parametrize("parts", [("images", "../containers/x", "json"), ("volumes", ".."), ("containers", "")])
def test_a_name_that_leads_elsewhere_is_refused(parts):
    with pytest.raises(DockerApiError, match="invalid reference format"):
        path(*parts)
