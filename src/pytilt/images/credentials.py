"""Credentials for registries, from where `docker login` and `podman login` keep them. They are never logged."""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from pytilt.errors import CommandError, PublishError
from pytilt.host.processes import ProcessRequest, Runner
from pytilt.host.reading import read_file
from pytilt.http.decoding import MalformedJsonError, decode
from pytilt.model.base import Value
from pytilt.model.logs import Log
from pytilt.model.references import DOCKER_HUB
from pytilt.settings import Settings

_HUB_KEY = "https://index.docker.io/v1/"
"""The name under which Docker Hub's credentials are kept."""

_TOKEN_USER = "<token>"
"""The user name by which a helper says that the secret is an identity token."""
_HELPER_STOP_SECONDS = 2.0
HELPER_SECONDS = 60.0
"""How long a helper may take: some have a person unlock a key ring."""

NOTICE_SECONDS = 3.0
"""After so long the log says which helper is waited for."""


class RegistryAuth(Value):
    """What proves to a registry who asks. Its text never shows secrets."""

    username: str = ""
    password: str = ""
    identity_token: str = msgspec.field(default="", name="identitytoken")
    server: str = msgspec.field(default="", name="serveraddress")

    def __repr__(self) -> str:
        return f"RegistryAuth({self.server or 'anonymous'})"

    @property
    def header(self) -> str:
        """The value of the engine's `X-Registry-Auth`."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode()


FindCredentials = Callable[[str], Awaitable[RegistryAuth]]
"""Finds the credentials for a registry's host."""


def config_header(auths: Mapping[str, RegistryAuth]) -> str:
    """The value of the engine's `X-Registry-Config`: credentials by registry, for a build that pulls."""
    named = {_key(host): auth for host, auth in auths.items()}
    return base64.urlsafe_b64encode(msgspec.json.encode(named)).decode()


class _AuthEntry(msgspec.Struct):
    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""


class _DockerConfig(msgspec.Struct, rename="camel"):
    auths: dict[str, _AuthEntry] = {}
    creds_store: str = ""
    cred_helpers: dict[str, str] = {}


class _HelperAnswer(msgspec.Struct, rename="pascal"):
    username: str = ""
    secret: str = ""


class RegistryCredentials:
    """Looks credentials up, anew each time: a `docker login` meanwhile counts.

    Args:
        settings: where the files are.
        runner: starts credential helpers.
        seconds: how long a helper may take.
        notice_seconds: after how long the log says that it is waited for.
    """

    def __init__(
        self,
        settings: Settings,
        runner: Runner,
        *,
        seconds: float = HELPER_SECONDS,
        notice_seconds: float = NOTICE_SECONDS,
    ) -> None:
        self._settings = settings
        self._seconds = seconds
        self._notice_seconds = notice_seconds
        self._runner = runner

    async def find(self, host: str, log: Log | None = None) -> RegistryAuth:
        """The credentials for a registry; empty ones when none are stored.

        Args:
            host: for example `docker.io` or `ghcr.io`.
            log: says which helper is waited for, where one takes long.

        Raises:
            PublishError: the configured helper is missing or failed.
        """
        for path in self._files():
            config = await asyncio.to_thread(_read, path)
            helper = config.cred_helpers.get(_key(host)) or config.cred_helpers.get(host) or config.creds_store
            found = await self._ask(helper, host, path, log) if helper else None
            found = found or _stored(config, host)
            if found is not None:
                return found
        return RegistryAuth()

    def _files(self) -> list[str]:
        environ = self._settings.environ
        podman = environ.get("REGISTRY_AUTH_FILE") or f"{environ.get('XDG_RUNTIME_DIR', '/run')}/containers/auth.json"
        return [str(Path(self._settings.docker_config, "config.json")), podman]

    async def _ask(self, helper: str, host: str, config: str, log: Log | None) -> RegistryAuth | None:
        program = f"docker-credential-{helper}"
        output, errors = bytearray(), bytearray()
        request = ProcessRequest(
            argv=(program, "get"),
            dir=self._settings.home,
            env=tuple(sorted(self._settings.environ.items())),
            stdin=_key(host).encode(),
            stop_grace_seconds=_HELPER_STOP_SECONDS,
        )
        notice = f"Waiting for the credential helper `{program}`, asked for {host}: it may want something of you\n"
        soon = asyncio.get_running_loop().call_later(self._notice_seconds, log or _unsaid, notice)
        try:
            async with asyncio.timeout(self._seconds):
                outcome = await self._runner.run(request, output.extend, error_output=errors.extend)
        except TimeoutError as error:
            said = f": {text}" if (text := errors.decode(errors="replace").strip()) else ""
            raise PublishError(
                f"the credential helper `{program}` did not end within {self._seconds:g} s{said}",
                where=config,
                hint=f"try `echo {_key(host)} | {program} get`: perhaps it asks for something",
            ) from error
        except CommandError as error:
            raise PublishError(
                f"the credential helper `{program}` cannot be started",
                where=config,
                hint=f"install `{program}`, or remove it from `credsStore` and `credHelpers` and `docker login {host}`",
            ) from error
        finally:
            soon.cancel()
        if outcome.exit_status != 0:
            said = bytes(output or errors).decode(errors="replace").strip()
            if "credentials not found" in said:
                return None
            raise PublishError(
                f"the credential helper `{program}` failed for {host}: {said}",
                where=config,
                hint=f"try `echo {_key(host)} | {program} get`",
            )
        try:
            answer = decode(bytes(output), _HelperAnswer)
        except MalformedJsonError as error:  # what it printed may be a secret
            raise PublishError(
                f"the credential helper `{program}` printed no credentials for {host}",
                where=config,
                hint=f"try `echo {_key(host)} | {program} get`",
            ) from error
        if answer.username == _TOKEN_USER:
            return RegistryAuth(identity_token=answer.secret, server=_key(host))
        return RegistryAuth(username=answer.username, password=answer.secret, server=_key(host))


def _unsaid(text: str) -> None:
    """Takes a notice where there is no log for it."""


def stored(config: bytes, host: str) -> RegistryAuth | None:
    """The credentials for a registry in the text of a `config.json`, None if it has none or cannot be read."""
    try:
        return _stored(decode(config, _DockerConfig), host)
    except MalformedJsonError:
        return None


def _read(path: str) -> _DockerConfig:
    try:
        return decode(read_file(path) or b"{}", _DockerConfig)
    except OSError:
        return _DockerConfig()
    except MalformedJsonError as error:
        raise PublishError(f"cannot read stored credentials: {error}", where=path, hint="mend the file") from error


def _stored(config: _DockerConfig, host: str) -> RegistryAuth | None:
    wanted = _key(host)
    for name, entry in config.auths.items():
        if name != wanted and _host(name) != _host(wanted):
            continue
        username, password = entry.username, entry.password
        if entry.auth:
            username, password = _unpacked(entry.auth)
        if username or entry.identitytoken:
            return RegistryAuth(username=username, password=password, identity_token=entry.identitytoken, server=wanted)
    return None


def _unpacked(auth: str) -> tuple[str, str]:
    try:
        username, _, password = base64.b64decode(auth).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return username, password.rstrip("\0")


def _key(host: str) -> str:
    return _HUB_KEY if host == DOCKER_HUB else host


def _host(name: str) -> str:
    return name.removeprefix("https://").removeprefix("http://").partition("/")[0]
