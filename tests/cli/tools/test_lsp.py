import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pytilt.host.processes import HostRunner, ProcessRequest
from pytilt.lsp.server import CAPABILITIES
from pytilt.model.commands import Command
from pytilt.settings import Settings
from pytilt.testing.project import run_local
from tests.cli.conftest import Tilt

EXTENSION = "def namespace_yaml(name):\n    '''The YAML of a namespace.'''\n"
TILTFILE = (
    "load('ext://namespace', 'namespace_yaml')\nk8s_yaml(namespace_yaml('a'))\nlocal_resource('\u20ac', cmmd='x')\n"
)


def framed(*messages: dict[str, Any]) -> bytes:
    """Messages as an editor writes them."""
    bodies = [json.dumps({"jsonrpc": "2.0", **each}).encode() for each in messages]
    return b"".join(b"Content-Length: %d\r\n\r\n" % len(body) + body for body in bodies)


def conversation(folder: Path, said: bytes) -> tuple[int, list[dict[str, Any]], str]:
    """What the command answers on its standard output, and how it ends."""
    environ = {**Settings.from_environment().environ, "TILT_DEV_DIR": str(folder / "state")}
    command = Command(
        argv=(sys.executable, "-m", "pytilt", "lsp", "start"), dir=str(folder), env=tuple(environ.items())
    )
    ended = run_local(command, said, lambda _: None)
    answers, rest = [], ended.stdout.encode()
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        length = int(head.removeprefix(b"Content-Length: "))
        answers.append(json.loads(rest[:length]))
        rest = rest[length:]
    return ended.exit_status, answers, ended.stderr


def test_an_editor_speaks_with_the_server_over_its_standard_streams(tmp_path: Path):
    extension = tmp_path / "state/tilt_modules/github.com/tilt-dev/tilt-extensions/namespace/Tiltfile"
    extension.parent.mkdir(parents=True)
    extension.write_text(EXTENSION)
    uri = f"file://{tmp_path}/Tiltfile"
    place = {"textDocument": {"uri": uri}, "position": {"line": 1, "character": 12}}
    opened = {"textDocument": {"uri": uri, "languageId": "tiltfile", "version": 1, "text": TILTFILE}}
    status, answers, error = conversation(
        tmp_path,
        framed(
            {"id": 1, "method": "initialize", "params": {"processId": None, "rootUri": None, "capabilities": {}}},
            {"method": "initialized", "params": {}},
            {"method": "textDocument/didOpen", "params": opened},
            {"id": 2, "method": "textDocument/hover", "params": place},
            {"id": 3, "method": "textDocument/definition", "params": place},
            {"id": "four", "method": "shutdown"},
            {"method": "exit"},
        ),
    )
    assert (status, error) == (0, "")
    first, mistakes, hover, definition, last = answers
    assert first["result"]["capabilities"] == CAPABILITIES
    [mistake] = mistakes["params"]["diagnostics"]
    assert mistake["message"] == 'local_resource: unexpected keyword argument "cmmd" (did you mean cmd?)'
    assert mistake["range"]["start"] == {"line": 2, "character": 14}
    assert "The YAML of a namespace." in hover["result"]["contents"]["value"]
    assert definition["result"]["uri"] == f"file://{extension}"
    assert last == {"jsonrpc": "2.0", "id": "four", "result": None}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", ""),
        (b"hello\r\n\r\n", "a message without a `Content-Length`"),
        (b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", "a message without a `Content-Length`"),
    ],
    ids=["nothing", "no length", "an endless length"],
)
def test_a_conversation_that_breaks_off_is_no_success(tmp_path: Path, said: bytes, words: str):
    status, answers, error = conversation(tmp_path, said)
    assert (status, answers) == (1, [])
    assert words in error
    assert "Traceback" not in error


async def test_editors_speak_with_the_server_over_a_port(tmp_path: Path):
    said: asyncio.Queue[bytes] = asyncio.Queue()
    environ = tuple(sorted(Settings.from_environment().environ.items()))
    argv = (sys.executable, "-m", "pytilt", "lsp", "start", "--address=127.0.0.1:0")
    request = ProcessRequest(argv=argv, dir=str(tmp_path), env=environ)
    async with HostRunner() as runner, asyncio.TaskGroup() as group:
        task = group.create_task(runner.run(request, said.put_nowait, error_output=said.put_nowait))
        port = int((await said.get()).rpartition(b":")[2])
        for _ in range(2):  # one after the other, and the first ends without a word
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(framed({"id": 1, "method": "initialize", "params": {}}))
            length = int((await reader.readline()).partition(b":")[2])
            await reader.readline()
            assert json.loads(await reader.readexactly(length))["result"]["capabilities"] == CAPABILITIES
            writer.close()
            await writer.wait_closed()
        task.cancel()


@pytest.mark.parametrize("address", ["here", ":x", ":70000", "256.0.0.1:1"])
def test_an_address_that_is_none_is_an_error(tilt: Tilt, address: str):
    ended = tilt("lsp", "start", "--address", address)
    assert ended.status == 1
    assert ended.error.startswith("Error: ")
