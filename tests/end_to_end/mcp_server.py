"""PyPI's `tilt-mcp`, which drives the command `tilt` for language models: installed, started, asked."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PROTOCOL = "2024-11-05"


def install(folder: Path, environ: Mapping[str, str]) -> Path:
    """Install it into an environment of its own and return its program.

    It was written for the first generation of `mcp`, and needs nothing else.
    """
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, env=environ)
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "tilt-mcp==0.1.3"], check=True, env=environ)
    subprocess.run([*pip, "mcp<2"], check=True, env=environ)
    return folder / "bin/tilt-mcp"


class McpServer:
    """A running server that is asked over its standard input and output."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._count = 0
        client = {"name": "pytilt", "version": "1"}
        self._ask("initialize", {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": client})
        self._send({"method": "notifications/initialized"})

    def call(self, tool: str, **arguments: str | int) -> str:
        """Call a tool and return the text of its answer."""
        answer = self._ask("tools/call", {"name": tool, "arguments": arguments})
        return str(answer["content"][0]["text"])

    def _ask(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        self._count += 1
        self._send({"id": self._count, "method": method, "params": params})
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line) if line.startswith("{") else {}  # it logs there too
            if message.get("id") == self._count:
                result: Mapping[str, Any] = message["result"]
                return result
        raise AssertionError("the server ended")

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps({'jsonrpc': '2.0', **message})}\n")
        self._process.stdin.flush()


@contextlib.contextmanager
def mcp_server(program: Path, environ: Mapping[str, str]) -> Iterator[McpServer]:
    """Run it until the end of the block."""
    with subprocess.Popen(
        [program], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield McpServer(process)
        finally:
            process.kill()
