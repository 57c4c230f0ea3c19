import socket

import pytest

from pytilt.errors import UserError
from pytilt.kubernetes.connection import Connection, Credentials
from pytilt.kubernetes.transport import socket_options, tls_context

CONNECTION = Connection(
    context="c", namespace="n", cluster="mine", server="https://x", credentials=Credentials(user="me")
)


def test_certificates_that_cannot_be_used_are_named_with_who_has_them():
    with pytest.raises(UserError, match="client certificate of the user `me`"):
        tls_context(CONNECTION, "no certificate", "no key")
    broken = Connection(context="c", namespace="n", cluster="mine", server="https://x", authority="no certificate")
    with pytest.raises(UserError, match="certificate authority of the cluster `mine`"):
        tls_context(broken, "", "")


def test_idle_connections_are_probed():
    with socket.socket() as probed:
        for option in socket_options():
            probed.setsockopt(*option)
        assert probed.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
