"""Where a container engine listens, as a value that can be compared and shown."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from pytilt.errors import EngineUnreachableError
from pytilt.model.base import Value
from pytilt.settings import Settings

DEFAULT_PORT = 2375
DEFAULT_TLS_PORT = 2376


class TlsFiles(Value):
    """The files that prove who is who, as the docker CLI names them."""

    ca: str = ""
    cert: str = ""
    key: str = ""
    verify: bool = True
    """Check the engine's certificate."""


class EngineAddress(Value):
    """Where an engine listens."""

    url: str
    """`unix:///path`, `tcp://host:port` (also `http://`, `https://`)."""
    tls: TlsFiles | None = None
    source: str = ""
    """Who says so, for messages, for example "`DOCKER_HOST`"."""

    @property
    def socket_path(self) -> str:
        """The path of the socket, empty when it is reached over TCP."""
        return self.url.removeprefix("unix://") if self.url.startswith("unix://") else ""

    @property
    def base_url(self) -> str:
        """What HTTP requests start with; the host is a placeholder when a socket is used.

        Raises:
            EngineUnreachableError: this kind of address cannot be used.
        """
        if self.socket_path:
            return "http://engine"
        parts = urlsplit(self.url)
        if parts.scheme not in ("tcp", "http", "https") or not parts.hostname:
            raise _unusable(self)
        secure = self.tls is not None or parts.scheme == "https"
        port = parts.port or (DEFAULT_TLS_PORT if secure else DEFAULT_PORT)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{'https' if secure else 'http'}://{host}:{port}{parts.path.rstrip('/')}"


def tls_from_environment(settings: Settings) -> TlsFiles | None:
    """The TLS files that `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH` ask for, None when they ask for none."""
    verify = bool(settings.environ.get("DOCKER_TLS_VERIFY"))
    folder = settings.environ.get("DOCKER_CERT_PATH", "")
    if not verify and not folder:
        return None
    return tls_in_folder(folder or settings.docker_config, verify=verify)


def check_tls(settings: Settings, exists: Callable[[str], bool]) -> None:
    """Refuse what the environment says of TLS where the files for it are missing, as the docker CLI does.

    Raises:
        EngineUnreachableError: one of the files is missing.
    """
    files = tls_from_environment(settings)
    needed = (files.ca if files.verify else "", files.cert, files.key) if files else ()
    missing = next((file for file in needed if file and not exists(file)), "")
    if missing:
        raise EngineUnreachableError(
            f"unable to resolve docker endpoint: open {missing}: no such file or directory",
            hint="`DOCKER_CERT_PATH` names a folder with `ca.pem`, `cert.pem` and `key.pem`; unset it and "
            "`DOCKER_TLS_VERIFY` for an engine without TLS",
        )


def tls_in_folder(folder: str, *, verify: bool = True) -> TlsFiles:
    """The files of a folder that has them under their usual names."""
    return TlsFiles(
        ca=str(Path(folder, "ca.pem")),
        cert=str(Path(folder, "cert.pem")),
        key=str(Path(folder, "key.pem")),
        verify=verify,
    )


def _unusable(address: EngineAddress) -> EngineUnreachableError:
    hint = "use an address that starts with `unix://` or `tcp://`"
    parts = urlsplit(address.url)
    if parts.scheme == "ssh":
        target = f"-p {parts.port} " if parts.port else ""
        user = f"{parts.username}@" if parts.username else ""
        hint = (
            "forward its socket and use that: "
            f"`ssh -nNT -L /tmp/engine.sock:{parts.path or '/var/run/docker.sock'} {target}{user}{parts.hostname}` "
            "and `export DOCKER_HOST=unix:///tmp/engine.sock`"
        )
    said = f" (from {address.source})" if address.source else ""
    return EngineUnreachableError(f"cannot use the container engine's address `{address.url}`{said}", hint=hint)
