"""Programs that hand out credentials, as a kubeconfig's `exec` names them. Some ask a person to log in."""

import asyncio
import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pytilt.cluster import objects
from pytilt.errors import ClusterUnreachableError, CommandError
from pytilt.host.processes import ProcessRequest, Runner
from pytilt.http.decoding import MalformedJsonError, decode
from pytilt.kubernetes.connection import Connection, ExecPlugin

LOGIN_SECONDS = 300.0
"""How long a plugin may take. Those that log in by a browser give up after one to five minutes by themselves."""

Report = Callable[[str], None]
"""Takes a line for the person who waits."""


def to_nobody(line: str) -> None:
    """The `Report` where nobody waits."""
    del line


_API_GROUP = "client.authentication.k8s.io"
_API_VERSIONS = (f"{_API_GROUP}/v1", f"{_API_GROUP}/v1beta1")
_OUTPUT_LINES = 10


class PluginRun:
    """One run of a credential plugin.

    Args:
        plugin: what to run.
        connection: for which cluster.
        runner: runs it.
        seconds: how long it may take.
    """

    def __init__(self, plugin: ExecPlugin, connection: Connection, runner: Runner, seconds: float) -> None:
        self._plugin = plugin
        self._connection = connection
        self._runner = runner
        self._seconds = seconds
        self._complaints = bytearray()
        self._report: Report | None = None
        self._reported = 0
        self.name = f"the credential plugin `{plugin.command}` of the user `{connection.credentials.user}`"

    @property
    def said(self) -> str:
        """The last lines that it wrote to standard error."""
        return "\n".join(self._complaints.decode(errors="replace").strip().splitlines()[-_OUTPUT_LINES:])

    def pass_on(self, report: Report) -> None:
        """Pass on what it wrote to standard error, and what it will write: perhaps it asks to log in."""
        self._report = report
        self._pass_on()

    async def credential(self) -> Mapping[str, Any]:
        """The `status` of the credential that it prints.

        Raises:
            ClusterUnreachableError: it prints none, or does not end in time.
        """
        plugin = self._plugin
        if plugin.api_version not in _API_VERSIONS:
            raise ClusterUnreachableError(
                f"{self.name} speaks `{plugin.api_version}`, which Kubernetes has given up",
                hint=plugin.install_hint
                or f"fetch the kubeconfig anew, with a plugin that speaks `{_API_VERSIONS[0]}`",
            )
        if plugin.interactive_mode == "Always":
            raise ClusterUnreachableError(
                f"{self.name} needs a terminal", hint="use one that works without, or a token"
            )
        environ = dict(self._connection.environ) | dict(plugin.env)
        environ["KUBERNETES_EXEC_INFO"] = _info(plugin, self._connection)
        request = ProcessRequest(
            argv=(plugin.command, *plugin.args), dir=str(Path.cwd()), env=tuple(sorted(environ.items()))
        )
        printed = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                outcome = await self._runner.run(request, printed.extend, error_output=self._take)
        except CommandError as error:
            raise ClusterUnreachableError(
                f"{self.name} cannot be started: {error.message}",
                hint=plugin.install_hint or "install it, or correct `PATH`",
            ) from error
        except TimeoutError as error:
            raise ClusterUnreachableError(
                f"{self.name} did not end within {self._seconds:g} s{self._after_colon()}",
                hint=f"run `{' '.join((plugin.command, *plugin.args))}` in a terminal, or log in anew",
            ) from error
        if outcome.exit_status != 0:
            raise ClusterUnreachableError(
                f"{self.name} failed with status {outcome.exit_status}{self._after_colon()}", hint="log in anew"
            )
        return _status(bytes(printed), plugin, self.name)

    def _after_colon(self) -> str:
        return f": {self.said}" if self.said else ""

    def _take(self, data: bytes) -> None:
        self._complaints += data
        self._pass_on()

    def _pass_on(self) -> None:
        while self._report and (end := self._complaints.find(b"\n", self._reported)) >= 0:
            line = self._complaints[self._reported : end].decode(errors="replace").rstrip()
            self._reported = end + 1
            self._report(line)


def _status(printed: bytes, plugin: ExecPlugin, where: str) -> Mapping[str, Any]:
    hint = f"it must print an ExecCredential of `{plugin.api_version}`; update it"
    try:
        credential = decode(printed, dict[str, Any])
    except MalformedJsonError as error:
        raise ClusterUnreachableError(f"{where} printed no credential: {error}", hint=hint) from error
    if credential.get("apiVersion") != plugin.api_version:
        raise ClusterUnreachableError(f"{where} answered in `{credential.get('apiVersion')}`", hint=hint)
    found = {key: value for key, value in objects.mapping(credential, "status").items() if isinstance(value, str)}
    if not (found.get("token") or found.get("clientCertificateData")):
        raise ClusterUnreachableError(f"{where} printed neither token nor certificate", hint=hint)
    return found


def _info(plugin: ExecPlugin, connection: Connection) -> str:
    """KUBERNETES_EXEC_INFO, from which a plugin reads in which version it has to answer."""
    spec: dict[str, Any] = {"interactive": False}
    if plugin.provide_cluster_info:
        cluster: dict[str, Any] = {"server": connection.server}
        if connection.authority:
            cluster["certificate-authority-data"] = base64.b64encode(connection.authority.encode()).decode()
        if connection.insecure:
            cluster["insecure-skip-tls-verify"] = True
        if connection.tls_server_name:
            cluster["tls-server-name"] = connection.tls_server_name
        spec["cluster"] = cluster
    info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    return msgspec.json.encode(info).decode()
