"""TLS and sockets of a connection: certificates, and noticing that the other side is gone."""

import os
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from pytilt.errors import UserError
from pytilt.host.state import temporary_files
from pytilt.kubernetes.connection import Connection
from pytilt.model.modules import lazy

if TYPE_CHECKING:
    import tempfile
else:
    tempfile = lazy("tempfile")

SocketOption = tuple[int, int, int]

_IDLE_SECONDS = 15
_PROBE_SECONDS = 5
_PROBES = 3
"""A peer that vanished is noticed after 15 + 3 * 5 seconds, also by a watch that waits for hours."""


def socket_options() -> tuple[SocketOption, ...]:
    """Options that let the system find out whether an idle connection is still open."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    # macOS calls the idle time TCP_KEEPALIVE.
    for names, value in (
        (("TCP_KEEPIDLE", "TCP_KEEPALIVE"), _IDLE_SECONDS),
        (("TCP_KEEPINTVL",), _PROBE_SECONDS),
        (("TCP_KEEPCNT",), _PROBES),
        (("TCP_USER_TIMEOUT",), 1000 * (_IDLE_SECONDS + _PROBES * _PROBE_SECONDS)),
    ):
        option = next((getattr(socket, name) for name in names if hasattr(socket, name)), None)
        if option is not None:
            options.append((socket.IPPROTO_TCP, option, value))
    return tuple(options)


def tls_context(connection: Connection, certificate: str, key: str) -> ssl.SSLContext:
    """What is trusted and shown in TLS; reads and writes files, so it belongs in a thread.

    Args:
        connection: where to.
        certificate: client certificate, PEM; empty for none.
        key: its key, PEM.

    Raises:
        UserError: a certificate cannot be used.
    """
    try:
        context = ssl.create_default_context(cadata=connection.authority or None)
    except ssl.SSLError as error:
        raise UserError(
            f"the certificate authority of the cluster `{connection.cluster}` cannot be used: {error}",
            where=connection.config_path or None,
            hint="fetch the kubeconfig of the cluster anew",
        ) from error
    # Python 3.13 refuses authorities without key identifier, which many clusters have; Go accepts them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if connection.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate:
        _show(context, connection, certificate, key)
    return context


def _show(context: ssl.SSLContext, connection: Connection, certificate: str, key: str) -> None:
    with temporary_files():
        descriptor, path = tempfile.mkstemp(suffix=".pem")  # readable by its owner only
    try:
        with temporary_files(), os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{certificate}\n{key}")
        context.load_cert_chain(path, password=lambda: b"")  # else a locked key would ask on the terminal
    except (ssl.SSLError, ValueError) as error:
        raise UserError(
            f"the client certificate of the user `{connection.credentials.user}` cannot be used: {error}",
            where=connection.config_path or None,
            hint="fetch the credentials anew",
        ) from error
    finally:
        Path(path).unlink()
