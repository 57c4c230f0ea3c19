"""A certificate for `localhost`, made for one test."""

import shutil
import ssl
from pathlib import Path

import pytest

from pytilt.host.processes import HostRunner, ProcessRequest
from pytilt.model.base import Value

OPENSSL = (
    *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2"),
    *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
)


class Certificate(Value):
    """The files, and what is made of them."""

    path: Path
    key: Path

    @property
    def shown(self) -> ssl.SSLContext:
        """For the server."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.path, self.key)
        return context

    @property
    def trusted(self) -> ssl.SSLContext:
        """For the client."""
        return ssl.create_default_context(cafile=str(self.path))


async def make_certificate(folder: Path) -> Certificate:
    """Make one, or skip the test where there is no openssl."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    made = Certificate(path=folder / "certificate.pem", key=folder / "key.pem")
    words = (*OPENSSL, "-keyout", str(made.key), "-out", str(made.path))
    request = ProcessRequest(argv=words, dir=str(folder), env=(("PATH", "/usr/local/bin:/usr/bin:/bin"),))
    async with HostRunner() as runner:
        assert (await runner.run(request, lambda _: None)).exit_status == 0
    return made
