"""Readiness probes of served processes: ask again and again, report when the answer changes."""

import asyncio
import os
import re
from collections.abc import Callable, Mapping

from pytilt.errors import CommandError
from pytilt.host.processes import ProcessRequest, Runner
from pytilt.http.exchange import Exchange
from pytilt.http.messages import quoted
from pytilt.http.wires import open_tcp, unverified
from pytilt.model.commands import ExecAction, HttpGetAction, Probe, TcpSocketAction

OnChange = Callable[[bool, str], None]
"""Is called with whether the process is ready, and why not, or what the probe printed."""

SETTLING_SECONDS = 0.05
"""Between two looks at a process that was never ready: it is starting, and every moment counts."""


class ReadinessProber:
    """Runs probes.

    Args:
        runner: starts the commands of exec probes.
        environ: the environment of those.
        dir: their working directory.
    """

    def __init__(self, runner: Runner, environ: Mapping[str, str], directory: str) -> None:
        self._runner = runner
        self._env = tuple(sorted(environ.items()))
        self._dir = directory

    async def run(self, probe: Probe, on_change: OnChange) -> None:
        """Probe without end; `on_change` is called whenever the answer changes, and at the first failure.

        Thresholds count as in Kubernetes. Until the first success it asks more often than the period says.
        """
        await asyncio.sleep(probe.initial_delay_seconds)
        ready: bool | None = None
        good = bad = 0
        while True:
            output: list[str] = []
            why = await self.ask(probe, output)
            good, bad = (good + 1, 0) if why is None else (0, bad + 1)
            if good >= probe.success_threshold and ready is not True:
                ready = True
                on_change(True, "\n".join(output))
            elif bad >= probe.failure_threshold and ready is not False:
                ready = False
                on_change(False, why or "")
            await asyncio.sleep(
                probe.period_seconds if ready else min(SETTLING_SECONDS * max(bad, 1), probe.period_seconds)
            )

    async def ask(self, probe: Probe, output: list[str] | None = None) -> str | None:
        """Ask once: None when it is ready, else why not; a command's output is added to `output`."""
        try:
            async with asyncio.timeout(probe.timeout_seconds):
                return await self._ask(probe, output)
        except TimeoutError:
            return f"no answer within {probe.timeout_seconds} s"
        except (OSError, CommandError) as problem:
            return str(problem)

    async def _ask(self, probe: Probe, output: list[str] | None) -> str | None:
        if probe.exec is not None:
            return await self._exec(probe.exec, output)
        if probe.http_get is not None:
            return await _http(probe.http_get)
        return await _tcp(probe.tcp_socket or TcpSocketAction(port=0))

    async def _exec(self, action: ExecAction, output: list[str] | None) -> str | None:
        request = ProcessRequest(argv=action.command, dir=self._dir, env=self._env)
        said: list[bytes] = []
        outcome = await self._runner.run(request, said.append)
        text = b"".join(said).decode(errors="replace").strip()
        if outcome.exit_status == 0:
            if output is not None:
                output.append(text)
            return None
        return text or f"exit status {outcome.exit_status}"


async def _http(action: HttpGetAction) -> str | None:
    path = action.path if action.path.startswith("/") else f"/{action.path}"
    scheme = action.scheme.lower()
    url = f"{scheme}://{action.host}:{action.port}{path}"
    try:
        tls = unverified() if scheme == "https" else None
        exchange = Exchange(await open_tcp(action.host, action.port, tls=tls), f"{action.host}:{action.port}")
        try:
            headers = [(header.name, header.value) for header in action.http_headers]
            head = await exchange.ask("GET", quoted(path), headers)
        finally:
            exchange.wire.close()
    except OSError as problem:
        return f"Get {url}: {_reason(problem)}"
    return None if 200 <= head.status < 400 else f"HTTP probe failed with status code: {head.status}"


async def _tcp(action: TcpSocketAction) -> str | None:
    try:
        _, writer = await asyncio.open_connection(action.host, action.port)
    except OSError as problem:
        return f"dial tcp {action.host}:{action.port}: {_reason(problem)}"
    writer.close()
    await writer.wait_closed()
    return None


def _reason(problem: OSError) -> str:
    """What the system says, without what asyncio says of it; where there are several addresses, of the first."""
    first = re.search(r"\[Errno (\d+)\]", str(problem))
    return os.strerror(int(first[1])).lower() if first else (problem.strerror or str(problem)).lower()
