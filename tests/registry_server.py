"""A registry behind TLS and a login, as a cloud provider's: the test cluster's engine and node trust it."""

import contextlib
import http.client
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from pytilt.host.ports import free_port
from pytilt.model.base import Value

ADDRESS = "198.51.100.1"
"""The node of the test cluster: reached from the machine and by the node itself."""
USERNAME = "mytenancy/me@example.com"
PASSWORD = "one-up"
PASSWORD_HASH = "$2b$06$pytiltpytiltpytiltpytuaCnyR2xULd.ba5BbdTvvnnpv8ImrTgu"
"""bcrypt of it, the only kind that the registry takes."""

CERTS_OF_DOCKERD = Path("/etc/docker/certs.d")
"""Where dockerd looks for `HOST:PORT/ca.crt` at every request."""

CONFIGURATION = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http:
  addr: {host}
  secret: none
  tls: {{certificate: {folder}/server.crt, key: {folder}/server.key}}
auth: {{htpasswd: {{realm: pytilt, path: {folder}/htpasswd}}}}
"""

TRUST = """\
server = "https://{host}"

[host."https://{host}"]
capabilities = ["pull", "resolve"]
ca = "{folder}/server.crt"
"""


class RegistryServer(Value):
    """A running registry."""

    host: str
    """What image names begin with, `ADDRESS:PORT`."""
    username: str = USERNAME
    password: str = PASSWORD
    certificate: Path
    """Its own certificate, which is its authority too."""


@contextlib.contextmanager
def registry_server(folder: Path, registries: Path) -> Iterator[RegistryServer]:
    """Run a registry until the end of the block. Needs root.

    Args:
        folder: an empty folder for its files.
        registries: where the node's containerd looks for `HOST:PORT/hosts.toml`.
    """
    host = f"{ADDRESS}:{free_port(ADDRESS)}"
    _make_certificate(folder)
    (folder / "htpasswd").write_text(f"{USERNAME}:{PASSWORD_HASH}\n")
    (folder / "registry.yml").write_text(CONFIGURATION.format(folder=folder, host=host))
    log = folder / "registry.log"
    with _trusted(host, folder, registries), log.open("wb") as output:
        process = subprocess.Popen(["docker-registry", "serve", folder / "registry.yml"], stdout=output, stderr=output)
        try:
            _await_answer(host, folder / "server.crt", process, log)
            yield RegistryServer(host=host, certificate=folder / "server.crt")
        finally:
            process.terminate()
            process.wait()


def _make_certificate(folder: Path) -> None:
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 30 -subj /CN=registry"
    files = ["-keyout", str(folder / "server.key"), "-out", str(folder / "server.crt")]
    subprocess.run([*words.split(), "-addext", f"subjectAltName=IP:{ADDRESS}", *files], check=True, capture_output=True)


@contextlib.contextmanager
def _trusted(host: str, folder: Path, registries: Path) -> Iterator[None]:
    for_docker, for_containerd = CERTS_OF_DOCKERD / host, registries / host
    try:
        for_docker.mkdir(parents=True)
        shutil.copy(folder / "server.crt", for_docker / "ca.crt")
        for_containerd.mkdir()
        (for_containerd / "hosts.toml").write_text(TRUST.format(host=host, folder=folder))
        yield
    finally:
        shutil.rmtree(for_docker, ignore_errors=True)
        shutil.rmtree(for_containerd, ignore_errors=True)


def _await_answer(host: str, certificate: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    trust = ssl.create_default_context(cafile=certificate)
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPSConnection(host, timeout=1, context=trust)
        with contextlib.closing(connection), contextlib.suppress(ConnectionRefusedError):
            connection.request("GET", "/v2/")
            if connection.getresponse().status == http.HTTPStatus.UNAUTHORIZED:
                return
        time.sleep(0.02)
    raise AssertionError(f"the registry does not answer: {log.read_text()}")
