"""Credentials as requests carry them: tokens that are renewed."""

import asyncio
import base64
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from pytilt.errors import ClusterUnreachableError
from pytilt.host.processes import Runner
from pytilt.host.reading import read_file
from pytilt.kubernetes.connection import Connection
from pytilt.kubernetes.plugins import LOGIN_SECONDS, PluginRun, Report, to_nobody
from pytilt.model.base import Value
from pytilt.model.times import moment

TOKEN_FILE_SECONDS = 60.0
"""How long a token from a file is used before the file is read again, as in client-go."""

PATIENCE_SECONDS = 3.5
"""Less than what the session gives a cluster to answer, so that it can say what is waited for."""


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

    It is entered once. A plugin runs beside those who wait for it, so that it goes on when they give up: a person may
    be logging in, in a browser.

    Args:
        connection: who the user is.
        runner: runs a plugin.
        report: takes what a plugin says that takes its time.
        patience: so many seconds whoever needs another identity waits for a plugin; the first one as long as it takes.
        limit: how long a plugin may take.
    """

    def __init__(
        self,
        connection: Connection,
        runner: Runner,
        report: Report = to_nobody,
        *,
        patience: float = PATIENCE_SECONDS,
        limit: float = LOGIN_SECONDS,
    ) -> None:
        self._connection = connection
        self._runner = runner
        self._report = report
        self._patience = patience
        self._limit = limit
        self._identity: Identity | None = None
        self._tasks = asyncio.TaskGroup()
        self._obtaining: asyncio.Task[Identity | ClusterUnreachableError] | None = None
        self._plugin: PluginRun | None = None
        """The one that runs."""

    async def __aenter__(self) -> Self:
        """Nothing is asked for before the first request."""
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End a plugin that runs."""
        if self._obtaining is not None:
            self._obtaining.cancel()
        await self._tasks.__aexit__(None, None, None)

    async def identity(self) -> Identity:
        """The identity to use now.

        Raises:
            ClusterUnreachableError: there is none, since a plugin or a file fails, or a plugin takes its time.
        """
        if self._identity is None or 0 < self._identity.expires <= time.time():
            return await self._obtained()
        return self._identity

    async def renew(self, refused: Identity) -> bool:
        """Ask for another identity after the cluster refused one.

        Returns:
            Whether there is another one now, so that the request is worth another try.
        """
        if self._connection.credentials.plugin is None and not self._connection.credentials.token_file:
            return False
        if self._identity == refused:
            await self._obtained()
        return self._identity != refused

    async def _obtained(self) -> Identity:
        """A new identity, whoever asked for it first."""
        if self._obtaining is None:
            self._obtaining = self._tasks.create_task(self._obtain_beside(), name="obtain credentials of a cluster")
        try:
            async with asyncio.timeout(None if self._identity is None else self._patience):
                outcome = await asyncio.shield(self._obtaining)
        except TimeoutError as error:
            what = self._plugin.name if self._plugin else "a token"
            said = f": {self._plugin.said}" if self._plugin and self._plugin.said else ""
            raise ClusterUnreachableError(
                f"{what} is still at work{said}", hint="log in where it asks you to; all that waits goes on then"
            ) from error
        if isinstance(outcome, ClusterUnreachableError):
            raise ClusterUnreachableError(outcome.message, hint=outcome.hint)
        return outcome

    async def _obtain_beside(self) -> Identity | ClusterUnreachableError:
        """Obtain an identity, or what failed."""
        notice = asyncio.get_running_loop().call_later(self._patience, self._notice)
        try:
            self._identity = await self._obtain()
            return self._identity
        except ClusterUnreachableError as error:
            return error
        finally:
            notice.cancel()
            self._obtaining = self._plugin = None

    def _notice(self) -> None:
        if self._plugin is not None:
            self._report(f"Waiting for {self._plugin.name}; perhaps it wants you to log in")
            self._plugin.pass_on(self._report)

    async def _obtain(self) -> Identity:
        user = self._connection.credentials
        if user.plugin and not user.token and not user.token_file:
            self._plugin = PluginRun(user.plugin, self._connection, self._runner, self._limit)
            credential = await self._plugin.credential()
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
