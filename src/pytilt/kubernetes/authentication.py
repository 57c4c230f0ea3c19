"""Credentials as requests carry them: tokens that are renewed, and programs that hand them out."""

import asyncio
import base64
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from pytilt.cluster import objects
from pytilt.errors import ClusterUnreachableError, CommandError
from pytilt.host.processes import ProcessRequest, Runner
from pytilt.host.reading import read_file
from pytilt.http.decoding import MalformedJsonError, decode
from pytilt.kubernetes.connection import Connection, ExecPlugin
from pytilt.model.base import Value
from pytilt.model.times import moment

TOKEN_FILE_SECONDS = 60.0
"""How long a token from a file is used before the file is read again, as in client-go."""

_API_GROUP = "client.authentication.k8s.io"
_API_VERSIONS = (f"{_API_GROUP}/v1", f"{_API_GROUP}/v1beta1")
_OUTPUT_LINES = 10


class Identity(Value):
    """What a request shows."""

    headers: tuple[tuple[str, str], ...] = ()
    certificate: str = ""
    """Client certificate, PEM."""
    key: str = ""
    expires: float = 0.0
    """Seconds since the epoch; 0: not known to end."""

    def __repr__(self) -> str:
        """Without secrets."""
        return "Identity()"


class Authenticator:
    """Hands out the identity of a connection's user, and a new one when that was refused.

    Args:
        connection: who the user is.
        runner: runs a plugin.
    """

    def __init__(self, connection: Connection, runner: Runner) -> None:
        self._connection = connection
        self._runner = runner
        self._identity: Identity | None = None
        self._renewing = asyncio.Lock()

    async def identity(self) -> Identity:
        """The identity to use now.

        Raises:
            ClusterUnreachableError: there is none, since a plugin or a file fails.
        """
        async with self._renewing:
            if self._identity is None or 0 < self._identity.expires <= time.time():
                self._identity = await self._obtain()
            return self._identity

    async def renew(self, refused: Identity) -> bool:
        """Ask for another identity after the cluster refused one.

        Returns:
            Whether there is another one now, so that the request is worth another try.
        """
        if self._connection.credentials.plugin is None and not self._connection.credentials.token_file:
            return False
        async with self._renewing:
            if self._identity == refused:
                self._identity = await self._obtain()
            return self._identity != refused

    async def _obtain(self) -> Identity:
        user = self._connection.credentials
        if user.plugin and not user.token and not user.token_file:
            credential = await _run(user.plugin, self._connection, self._runner)
            return _with(credential, Identity(headers=user.headers, certificate=user.certificate, key=user.key))
        headers, expires = list(user.headers), 0.0
        if user.token_file:
            headers.append(("Authorization", f"Bearer {await self._token()}"))
            expires = time.time() + TOKEN_FILE_SECONDS
        elif user.token:
            headers.append(("Authorization", f"Bearer {user.token}"))
        elif user.username:
            pair = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
            headers.append(("Authorization", f"Basic {pair}"))
        return Identity(headers=tuple(headers), certificate=user.certificate, key=user.key, expires=expires)

    async def _token(self) -> str:
        try:
            content = await asyncio.to_thread(read_file, self._connection.credentials.token_file)
            return content.decode("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ClusterUnreachableError(
                f"the token of the user `{self._connection.credentials.user}` cannot be read: {error}",
                hint="log in anew",
            ) from error


async def _run(plugin: ExecPlugin, connection: Connection, runner: Runner) -> Mapping[str, Any]:
    """Run the plugin; returns the `status` of the credential that it printed."""
    where = f"the credential plugin `{plugin.command}` of the user `{connection.credentials.user}`"
    if plugin.api_version not in _API_VERSIONS:
        raise ClusterUnreachableError(
            f"{where} speaks `{plugin.api_version}`, which Kubernetes has given up",
            hint=plugin.install_hint or f"fetch the kubeconfig anew, with a plugin that speaks `{_API_VERSIONS[0]}`",
        )
    if plugin.interactive_mode == "Always":
        raise ClusterUnreachableError(f"{where} needs a terminal", hint="use one that works without, or a token")
    environ = {**dict(connection.environ), **dict(plugin.env), "KUBERNETES_EXEC_INFO": _info(plugin, connection)}
    request = ProcessRequest(
        argv=(plugin.command, *plugin.args), dir=str(Path.cwd()), env=tuple(sorted(environ.items()))
    )
    printed, complaints = bytearray(), bytearray()
    try:
        outcome = await runner.run(request, printed.extend, error_output=complaints.extend)
    except CommandError as error:
        raise ClusterUnreachableError(
            f"{where} cannot be started: {error.message}", hint=plugin.install_hint or "install it, or correct `PATH`"
        ) from error
    if outcome.exit_status != 0:
        said = "\n".join(complaints.decode(errors="replace").strip().splitlines()[-_OUTPUT_LINES:])
        raise ClusterUnreachableError(
            f"{where} failed with status {outcome.exit_status}{f': {said}' if said else ''}", hint="log in anew"
        )
    return _status(bytes(printed), plugin, where)


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


def _with(status: Mapping[str, Any], given: Identity) -> Identity:
    headers = given.headers
    if token := status.get("token"):
        headers = (*headers, ("Authorization", f"Bearer {token}"))
    return Identity(
        headers=headers,
        certificate=status.get("clientCertificateData") or given.certificate,
        key=status.get("clientKeyData") or given.key,
        expires=moment(str(status.get("expirationTimestamp") or "")).timestamp(),
    )


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
