#!/usr/bin/env python3
"""Run sessions whose container engine or API server answers what none should answer, for as many numbers as one likes.

    fuzz_answers.py [--context engine] [--from 1] [--number 20] [--hostility 0.1]

Between the session and what it asks is a proxy that spoils some of the answers, the same ones for the same number as
far as the requests are the same. A session must not end by itself, nor print an error of Python's; once the answers are
honest again, all its resources must become green. What does not is printed, with the folder that has the output; the
exit code is then 1.
"""

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from pytilt.host.processes import HostRunner  # noqa: E402 - found in the folder above
from pytilt.kubernetes.connecting import read_connection  # noqa: E402 - as above
from pytilt.kubernetes.transport import tls_context  # noqa: E402 - as above
from pytilt.settings import Settings  # noqa: E402 - as above
from tests.end_to_end.texts import READY_AT_8080, deployment, service  # noqa: E402 - as above
from tests.http.hostile import hostile  # noqa: E402 - as above

FILES = {
    "Tiltfile": """
        docker_build("fuzz-answers/web", ".", live_update=[sync("www", "/www")])
        k8s_yaml("app.yaml")
        k8s_resource("web", port_forwards="%PORT%:8080")
        local_resource("alive", serve_cmd="while :; do sleep 1; done")
        """,
    "Dockerfile": 'FROM busybox\nCOPY www /www\nCMD ["httpd", "-f", "-p", "8080", "-h", "/www"]\n',
    "www/index.html": "0",
    "app.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n---\n"
    + service()
    + deployment(
        "{name: web, image: fuzz-answers/web, volumeMounts: [{name: settings, mountPath: /settings}], "
        f"{READY_AT_8080}}}",
        more="volumes: [{name: settings, configMap: {name: settings}}]",
    ),
}
PYTHON = re.compile(r'Traceback \(most recent call last\)|File "[^"]+\.py", line \d+')
HOSTILE_SECONDS = 10.0
HEALING_SECONDS = 60.0
LINES = (b"<html>\n", b"[]\n", b"{}\n", b"\xff\xfe\n", b'{"type":"ADDED","object":{}}\n', b'{"Action": 5}\n', b"\n" * 5)

Connected = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class SpoilingProxy:
    """Passes requests on, and spoils some of the answers.

    Args:
        number: decides which, and how.
        hostility: which part of them; may be changed at any time.
        connect: opens a connection to the real server.
    """

    def __init__(self, number: int, hostility: float, connect: Callable[[], Awaitable[Connected]]) -> None:
        self.hostility = hostility
        self.spoilt = 0
        self._chance = random.Random(number)
        self._connect = connect
        self._serving: set[asyncio.Task[None] | None] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        serving = asyncio.current_task()
        self._serving.add(serving)  # the loop itself holds its tasks weakly
        broken = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, asyncio.CancelledError)
        with suppress(*broken):
            far_reader, far_writer = await self._connect()
            try:
                async with asyncio.TaskGroup() as tasks:
                    requests = tasks.create_task(self._pass_on(reader, far_writer))
                    await self._answers(far_reader, writer)
                    requests.cancel()
            except* (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
                pass
            finally:
                far_writer.close()
        writer.close()
        self._serving.discard(serving)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        with suppress(OSError, NotImplementedError):
            writer.write_eof()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            status = int(head.split(b" ", 2)[1])
            headers = {key.strip().lower(): value.strip() for key, _, value in (
                line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])}  # fmt: skip
            if status == 101:
                writer.write(head)
                await self._raw(reader, writer)
                return
            if status in (204, 304) or status < 200:
                writer.write(head)
                continue
            if headers.get("transfer-encoding") == "chunked":
                writer.write(head)
                if not await self._chunks(reader, writer):
                    return
                continue
            body = await (
                reader.readexactly(int(headers["content-length"])) if "content-length" in headers else reader.read()
            )
            if self._chance.random() < self.hostility:
                self.spoilt += 1
                writer.write(hostile(self._chance.randrange(10**9), _value(body)))
                with suppress(OSError):
                    await writer.drain()
                return
            writer.write(head + body)
            await writer.drain()

    async def _chunks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Pass a body on that comes in chunks; False where the connection is to be closed."""
        while True:
            line = await reader.readuntil(b"\r\n")
            size = int(line, 16)
            chunk = await reader.readexactly(size + 2)
            if size and self._chance.random() < self.hostility:
                self.spoilt += 1
                way = self._chance.randrange(3)
                if way == 0:
                    return False
                odd = self._chance.choice(LINES)
                writer.write(b"zz\r\n" if way == 1 else b"%x\r\n%s\r\n" % (len(odd), odd))
            writer.write(line + chunk)
            await writer.drain()
            if not size:
                return True

    async def _raw(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self._chance.random() < self.hostility:
                self.spoilt += 1
                way = self._chance.randrange(3)
                if way == 0:
                    return
                data = self._chance.randbytes(len(data)) if way == 1 else data[: len(data) // 2]
            writer.write(data)
            await writer.drain()
        with suppress(OSError, NotImplementedError):
            writer.write_eof()


def _value(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return body


class SpoiltSession:
    """One session with spoilt answers.

    Args:
        number: decides what is wrong.
        folder: its project, and its output.
        environ: of the session.
        tilt: the command.
    """

    def __init__(self, number: int, folder: Path, environ: dict[str, str], tilt: list[str]) -> None:
        self.folder = folder
        self.environ = {**environ, "TILT_PORT": str(20000 + number % 5000), "HOME": str(folder / "home")}
        self._tilt = tilt
        self._project = folder / "project"
        (folder / "home").mkdir()
        for name, content in FILES.items():
            (self._project / name).parent.mkdir(parents=True, exist_ok=True)
            text = content.replace("%PORT%", str(25000 + number % 5000))
            lines = text.split("\n        ") if text.startswith("\n        ") else [text]
            (self._project / name).write_text("\n".join(lines))

    async def run(self, proxies: list[SpoilingProxy], up: list[str], down: list[str]) -> str:
        """Play it; what is wrong, empty if nothing is."""
        with (self.folder / "output").open("wb") as output:
            session = await asyncio.create_subprocess_exec(
                *self._tilt, "up", "--stream", *up, cwd=self._project, env=self.environ, stdout=output, stderr=output
            )
            try:
                trouble = await self._played(session, proxies)
            finally:
                if session.returncode is None:
                    session.terminate()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(session.wait(), 10)
                if session.returncode is None:
                    session.kill()
                    trouble = trouble or "it does not end"
        said = (self.folder / "output").read_text(errors="replace")
        await self._ask("down", *down)
        return "an error of Python's" if PYTHON.search(said) else trouble

    async def _played(self, session: asyncio.subprocess.Process, proxies: list[SpoilingProxy]) -> str:
        end = time.monotonic() + HOSTILE_SECONDS
        saves = 0
        while time.monotonic() < end:
            await asyncio.sleep(1)
            saves += 1
            (self._project / "www/index.html").write_text(str(saves))
            if saves % 4 == 0:
                (self._project / "Dockerfile").write_text(FILES["Dockerfile"] + f"# {saves}\n")
            if session.returncode is not None:
                return f"it ended with {session.returncode}"
        for proxy in proxies:
            proxy.hostility = 0
        end = time.monotonic() + HEALING_SECONDS
        while time.monotonic() < end:
            await asyncio.sleep(1)
            if session.returncode is not None:
                return f"it ended with {session.returncode}"
            code, said = await self._ask("status", "--json")
            if code == 0:
                return ""
            for name in ("web", "uncategorized"):
                if f'"{name}"' in said and '"updateStatus": "error"' in said:
                    await self._ask("trigger", name)
        return f"it does not heal: {said}"

    async def _ask(self, *words: str) -> tuple[int, str]:
        asked = await asyncio.create_subprocess_exec(
            *self._tilt,
            *words,
            cwd=self._project,
            env=self.environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asked.communicate()
        if PYTHON.search(said.decode(errors="replace")):
            (self.folder / f"output-{words[0]}").write_bytes(said)
            print(f"`tilt {' '.join(words)}` prints an error of Python's: {self.folder}/output-{words[0]}")
        return asked.returncode or 0, said.decode(errors="replace")


async def one(number: int, context: str, hostility: float) -> str:
    """Play one session; what is wrong, with its folder."""
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-answers-{number}-"))
    settings = Settings.from_environment()
    socket = settings.docker_host.removeprefix("unix://") or "/var/run/docker.sock"
    engine = SpoilingProxy(number, hostility, lambda: asyncio.open_unix_connection(socket, limit=2**24))
    environ = {**os.environ, "DOCKER_HOST": f"unix://{folder}/engine.sock"}
    trial = SpoiltSession(number, folder, environ, [str(Path(sys.executable).parent / "tilt")])
    async with await asyncio.start_unix_server(engine.serve, f"{folder}/engine.sock", limit=2**24):
        if context == "engine":
            trouble = await trial.run([engine], ["--context", "engine"], ["--context", "engine"])
        else:
            trouble = await _on_kubernetes(number, trial, engine, settings, hostility)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    if not trouble:
        shutil.rmtree(folder)
    return f"{number}: {trouble}, see {folder}" if trouble else ""


async def _on_kubernetes(
    number: int, trial: SpoiltSession, engine: SpoilingProxy, settings: Settings, hostility: float
) -> str:
    namespace = f"fuzz-answers-{number}"
    connection = read_connection(settings, namespace=namespace)
    user = connection.credentials
    tls = tls_context(connection, user.certificate, user.key)
    host, _, port = connection.server.removeprefix("https://").partition(":")
    name = connection.tls_server_name or host

    async def connect() -> Connected:
        return await asyncio.open_connection(host, int(port or 443), ssl=tls, server_hostname=name, limit=2**24)

    server = SpoilingProxy(number, hostility, connect)
    async with HostRunner(), await asyncio.start_server(server.serve, "127.0.0.1", 0, limit=2**24) as listening:
        address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        context = {"cluster": "kind-fuzz", "user": "u", "namespace": namespace}
        (trial.folder / "kubeconfig").write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "kind-fuzz",
            "clusters": [{"name": "kind-fuzz", "cluster": {"server": address}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "kind-fuzz", "context": context}],
        }))  # fmt: skip
        trial.environ["KUBECONFIG"] = str(trial.folder / "kubeconfig")
        engine.hostility = 0
        yaml = trial.folder / "project/app.yaml"
        yaml.write_text(f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n---\n" + yaml.read_text())
        return await trial.run([server], [], ["--delete-namespaces"])


async def main() -> int:
    """Play them one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--context", choices=("engine", "kubernetes"), default="engine")
    parser.add_argument("--from", type=int, default=1, dest="first")
    parser.add_argument("--number", type=int, default=20)
    parser.add_argument("--hostility", type=float, default=0.1)
    wanted = parser.parse_args()
    troubles = 0
    for number in range(wanted.first, wanted.first + wanted.number):
        if trouble := await one(number, wanted.context, wanted.hostility):
            troubles += 1
            print(trouble, flush=True)
    print(f"{wanted.number} sessions, {troubles} with trouble")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
