"""The cluster and the container engine that tests run against: the user's own, or those of `tests/cluster`.

PYTILT_TEST_CONTEXT names a context of the user's own kubeconfig, PYTILT_TEST_DOCKER_HOST an engine of the user's own.
Without them the test cluster is started, where the machine can run it.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from pytilt.model.base import Value

CLUSTER = Path(__file__).parent / "cluster" / "cluster"
"""The program that runs the test cluster."""

REMEDY = "set PYTILT_TEST_CONTEXT and PYTILT_TEST_DOCKER_HOST to a cluster and an engine of your own"

_OURS = re.compile(r"TILT_|DOCKER_|KUBE|NO_COLOR$|EDITOR$|TERM$")
"""Variables of the machine's user that change what pytilt does."""


class Backends(Value):
    """What was found; what is missing is empty, and `reason` says why and what to do."""

    environ: Mapping[str, str] = {}
    """The environment of a command that works with the cluster; empty: there is none."""
    engine_host: str = ""
    kubectl: tuple[str, ...] = ("kubectl",)
    """The command line of a kubectl for the cluster, up to its verb."""
    registries: str = ""
    """Folder in which the cluster's node looks for what to trust; empty for a cluster that is not the test cluster."""
    reason: str = ""
    broken: bool = False
    """It should have been there: the tests that need it fail instead of being skipped."""
    started: bool = False
    """The test cluster was not running before."""


def cleaned(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what changes pytilt's behaviour."""
    return {name: value for name, value in environ.items() if not _OURS.match(name)}


def find(environ: Mapping[str, str], *, cluster: bool) -> Backends:
    """Find or start what tests run against.

    Args:
        environ: the environment of the test run.
        cluster: a cluster is needed, not only an engine.
    """
    context, host = environ.get("PYTILT_TEST_CONTEXT", ""), environ.get("PYTILT_TEST_DOCKER_HOST", "")
    if context:
        return _own(environ, context, host)
    if host and not cluster:
        return Backends(engine_host=host)
    found = _test_cluster(cleaned(environ))
    return msgspec.structs.replace(found, engine_host=host or found.engine_host)


def stop() -> None:
    """Stop the test cluster."""
    subprocess.run([CLUSTER, "down"], check=True, capture_output=True)


def _own(environ: Mapping[str, str], context: str, host: str) -> Backends:
    host = host or environ.get("DOCKER_HOST", "")
    kept = {name: environ[name] for name in ("KUBECONFIG", "DOCKER_CONFIG") if name in environ}
    default = Path("/var/run/docker.sock")
    return Backends(
        environ=cleaned(environ) | kept | {"TILT_CONTEXT": context, "DOCKER_HOST": host},
        engine_host=host or (f"unix://{default}" if default.exists() else ""),
        kubectl=("kubectl", "--context", context),
        reason="no engine answers at its usual place; set PYTILT_TEST_DOCKER_HOST to yours",
    )


def _test_cluster(clean: Mapping[str, str]) -> Backends:
    if obstacle := _obstacle():
        return Backends(reason=f"the test cluster cannot run here: {obstacle}; {REMEDY}")
    running = subprocess.run([CLUSTER, "status"], check=False, capture_output=True).returncode == 0
    # Its messages stay visible: the very first start builds Kubernetes, which takes minutes.
    done = subprocess.run([CLUSTER, "up"], check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        return Backends(reason=f"`{CLUSTER} up` failed, see its message above; or {REMEDY}", broken=True)
    exports = dict(line.removeprefix("export ").split("=", 1) for line in done.stdout.splitlines())
    # Tests have another HOME, and the programs of the cluster must be found from there too.
    cache = {"PYTILT_CLUSTER_CACHE": str(Path.home() / ".cache" / "pytilt-cluster")} | dict(clean)
    return Backends(
        environ={name: value for name, value in cache.items() if name != "HOME"} | exports,
        engine_host=exports["DOCKER_HOST"],
        kubectl=(str(CLUSTER), "kubectl"),
        registries=str(Path(exports["KUBECONFIG"]).parent / "config" / "registries"),
        started=not running,
    )


def _obstacle() -> str:
    """Why the test cluster cannot run on this machine; empty when it can."""
    if sys.platform != "linux":
        return "it needs Linux"
    if not Path("/etc/debian_version").exists():
        return "it needs Debian or a system made from it"
    if os.geteuid():
        return "it needs root"
    return ""
