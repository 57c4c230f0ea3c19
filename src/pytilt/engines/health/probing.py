"""Runs probes and lifecycle hooks against a running container."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from pytilt.cluster.seam import ByteStream
from pytilt.docker.seam import ContainerRuntime
from pytilt.engines.network.reach import PodNetwork, output_of
from pytilt.engines.podspec.probes import ProbeCount, ProbeSpec, ProbeVerdict, port_number
from pytilt.errors import ClusterUnreachableError, SyncError
from pytilt.http.exchange import Exchange
from pytilt.http.messages import quoted
from pytilt.http.wires import BrokenWireError
from pytilt.model.base import Value

if TYPE_CHECKING:
    from pytilt.engines.health.grpc import HealthCheck

FIRST_LOOK = 0.05
"""Seconds after which a container is asked again that has not passed yet; twice as long each time, up to the period.
These looks between two regular ones count only if they succeed, so a container that is up early is seen early."""
FIRST_LOOK_BY_COMMAND = 0.25
"""The same where asking starts a process in the container."""
MESSAGE_LIMIT = 1024


class Target(Value):
    """Where a container is found."""

    container: Mapping[str, Any]
    """Its spec."""
    id: str
    sandbox: str
    address: str


class ProbeResult(Value):
    """What one run of a probe gave."""

    success: bool
    message: str = ""


class Prober:
    """Asks containers how they are.

    Args:
        runtime: the engine.
        network: the way to their ports.
    """

    def __init__(self, runtime: ContainerRuntime, network: PodNetwork) -> None:
        self._runtime = runtime
        self._network = network

    async def once(self, action: Mapping[str, Any], target: Target, limit: float) -> ProbeResult:
        """Run a probe or hook once.

        Args:
            action: `exec`, `httpGet`, `tcpSocket`, `grpc` or `sleep`, as in the spec.
            target: the container.
            limit: seconds it may take.
        """
        try:
            async with asyncio.timeout(limit):
                return await self._run(action, target)
        except TimeoutError:
            return ProbeResult(success=False, message=f"it did not answer within {limit:g} s")
        except (ClusterUnreachableError, SyncError) as error:
            return ProbeResult(success=False, message=error.message)

    async def follow(
        self,
        spec: ProbeSpec,
        target: Target,
        on_verdict: Callable[[ProbeVerdict, str], Awaitable[None]],
        *,
        passed: bool = False,
    ) -> None:
        """Run a probe again and again.

        Args:
            spec: the probe.
            target: the container.
            on_verdict: called with every verdict that changes something, and the message of the last result.
            passed: whether it counts as passed at the beginning.
        """
        loop = asyncio.get_running_loop()
        count, last = ProbeCount(), ProbeVerdict.PASSED if passed else ProbeVerdict.UNDECIDED
        due = loop.time() + spec.initial_delay
        pause = first_pause = FIRST_LOOK_BY_COMMAND if "exec" in spec.action else FIRST_LOOK
        await asyncio.sleep(spec.initial_delay)
        while True:
            regular = loop.time() >= due
            result = await self.once(spec.action, target, spec.timeout)
            if regular:
                due = max(due + spec.period, loop.time())
            if regular or result.success:
                count = count.after(success=result.success)
                verdict = count.verdict(spec)
                if verdict is not ProbeVerdict.UNDECIDED and (verdict is not last or verdict is ProbeVerdict.FAILED):
                    last = verdict
                    await on_verdict(verdict, result.message)
            eager = last is not ProbeVerdict.PASSED and not result.success
            pause = min(pause * 2, spec.period) if eager else first_pause
            await asyncio.sleep(max(0.0, min(due - loop.time(), pause) if eager else due - loop.time()))

    async def _run(self, action: Mapping[str, Any], target: Target) -> ProbeResult:
        if "exec" in action:
            status, output = await output_of(self._runtime, target.id, action["exec"].get("command") or ())
            message = output[:MESSAGE_LIMIT].decode(errors="replace").strip()
            return ProbeResult(success=status == 0, message=message or f"the command ended with status {status}")
        if "httpGet" in action:
            return await self._http(action["httpGet"], target)
        if "tcpSocket" in action:
            async with self._connection(action["tcpSocket"], target, tls=False):
                return ProbeResult(success=True)
        if "grpc" in action:
            return await self._grpc(action["grpc"], target)
        if "sleep" in action:
            await asyncio.sleep(float(action["sleep"].get("seconds") or 0))
            return ProbeResult(success=True)
        return ProbeResult(
            success=False, message=f"the context `engine` has no probe of this sort: {', '.join(action)}"
        )

    def _connection(self, action: Mapping[str, Any], target: Target, *, tls: bool) -> Any:  # noqa: ANN401 - as `connect`
        port = port_number(action.get("port"), target.container)
        return self._network.connect(target.sandbox, action.get("host") or target.address, port, tls=tls)

    async def _http(self, action: Mapping[str, Any], target: Target) -> ProbeResult:
        tls = str(action.get("scheme") or "HTTP").upper() == "HTTPS"
        host = f"{target.address}:{port_number(action.get('port'), target.container)}"
        try:
            async with self._connection(action, target, tls=tls) as stream:
                head = await Exchange(_PodWire(stream), host).ask(
                    "GET", quoted(str(action.get("path") or "/")), _headers(action)
                )
        except BrokenWireError as error:
            return ProbeResult(success=False, message=str(error))
        good = 200 <= head.status < 400
        return ProbeResult(success=good, message=f"HTTP probe failed with statuscode: {head.status}")

    async def _grpc(self, action: Mapping[str, Any], target: Target) -> ProbeResult:
        authority = f"{target.address}:{port_number(action.get('port'), target.container)}"
        check = await asyncio.to_thread(_health_check, authority, str(action.get("service") or ""))
        async with self._connection(action, target, tls=False) as stream:
            await stream.send(check.question)
            while not check.over and (piece := await stream.receive()):
                if reply := check.receive(piece):
                    await stream.send(reply)
        if check.status is None:
            why = f": {check.failure}" if check.failure else ""
            return ProbeResult(success=False, message=f"it does not answer gRPC's health check{why}")
        message = f'service unhealthy (responded with "{check.status.name}")'
        return ProbeResult(success=check.status is check.status.SERVING, message=message)


def _health_check(authority: str, service: str) -> "HealthCheck":
    """The call, made in a thread: few probes are of this sort, so HTTP/2 is imported here, which takes 70 ms."""
    from pytilt.engines.health.grpc import HealthCheck

    return HealthCheck(authority, service)


class _PodWire:
    """A connection to a pod as a `Wire`; whoever opened it closes it."""

    def __init__(self, stream: ByteStream) -> None:
        self.send = stream.send
        self.receive = stream.receive

    def end_sending(self) -> None:
        """See `Wire.end_sending`: a probe sends one request."""

    def silent(self) -> bool:
        """See `Wire.silent`: a probe's connection is not used again."""
        return False

    def close(self) -> None:
        """See `Wire.close`."""


def _headers(action: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Those of the probe, and those of Kubernetes where the probe has none."""
    given = {str(item["name"]): str(item.get("value", "")) for item in action.get("httpHeaders") or ()}
    known = {name.lower() for name in given}
    usual = {"User-Agent": "kube-probe/1.34", "Accept": "*/*", "Connection": "close"}
    return [*given.items(), *((name, value) for name, value in usual.items() if name.lower() not in known)]
