"""What every test starts from, must not leave behind, and may ask for."""

import asyncio
import contextlib
import itertools
import json
import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import blockbuster
import pytest
from pytest_asyncio import is_async_test

from pytilt.settings import Settings
from tests import backends
from tests.backends import Backends
from tests.idle import idle
from tests.podman_service import obstacle, podman_service
from tests.registry_server import RegistryServer, registry_server

BACKENDS = pytest.StashKey[Backends]()
CLUSTER_FIXTURES = {"cluster_settings", "kubectl", "namespace", "private_registry"}
UNBLOCKED = {"loop", "server", "store"}
"""Packages that live on the event loop: nothing in them may block it."""

END_SECONDS = 2.0
"""A process that was killed takes a moment to end, on a busy machine a long one."""

Kubectl = Callable[..., str]


# What a test starts from


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Empty folders, one after the other."""
    folder = tmp_path_factory.mktemp("homes")

    def made() -> Iterator[Path]:
        for number in itertools.count():
            home = folder / str(number)
            home.mkdir()
            yield home

    return made()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, _homes: Iterator[Path]) -> None:
    """Let no setting of the person who runs the tests reach them; HOME is an empty folder."""
    kept = backends.cleaned(os.environ)
    for name in os.environ.keys() - kept.keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(next(_homes)))
    monkeypatch.setenv("TERM", "dumb")


# What a test must not leave behind


@pytest.fixture(autouse=True)
def _nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a child process or, if it is async, a task."""
    before = _children()
    if is_async_test(request.node):
        request.getfixturevalue("_no_task_left_behind")
    yield
    deadline = time.monotonic() + END_SECONDS
    while (left := _children() - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    names = [_command_line(pid) for pid in left]
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert not names, f"child processes left behind: {names}"


@pytest.fixture
async def _no_task_left_behind() -> AsyncIterator[None]:
    """Fail a test that leaves a task on the loop; fixtures of the test end before this one does."""
    yield
    await idle()  # what was cancelled may end
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks left behind: {left}"


@pytest.fixture(autouse=True)
def _loop_never_blocked(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail an async test whose code of pytilt's sleeps, waits for a lock or uses a blocking socket on the loop.

    Small files may be read there, and threads may do all of it.
    """
    if not is_async_test(request.node) or request.path.parent.name not in UNBLOCKED:
        yield
        return
    watch = blockbuster.BlockBuster("pytilt")
    for name, function in watch.functions.items():
        if not name.startswith(("os.", "io.", "builtins.", "sqlite3.")):
            function.activate()
    yield
    watch.deactivate()


def _children() -> set[int]:
    """The living child processes of this one, where the system lists them (Linux)."""
    found: set[int] = set()
    for file in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.update(int(pid) for pid in file.read_text().split())
    return {pid for pid in found if _command_line(pid)}


def _command_line(pid: int) -> str:
    """The words of a process; empty for one that has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""


# What a test may ask for


@pytest.fixture(scope="session")
def engine_host(pytestconfig: pytest.Config) -> str:
    """DOCKER_HOST of a container engine."""
    return pytestconfig.stash[BACKENDS].engine_host


@pytest.fixture(scope="session")
def podman_host(engine_host: str) -> Iterator[str]:
    """DOCKER_HOST of a Podman that is the test run's own; its tests are skipped where there is none."""
    if why := obstacle():
        pytest.skip(why)
    with podman_service(engine_host) as host:
        yield host


@pytest.fixture(scope="session")
def cluster_settings(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The environment of a command that works with a cluster and the engine beside it."""
    environ = dict(pytestconfig.stash[BACKENDS].environ)
    home = tmp_path_factory.mktemp("home")
    return Settings.from_environment({"HOME": str(home)} | environ | {"TILT_DEV_DIR": f"{home}/tilt-dev"})


@pytest.fixture(scope="session")
def kubectl(pytestconfig: pytest.Config, cluster_settings: Settings) -> Kubectl:
    """Run kubectl: `kubectl("get", "pods", stdin="")` returns what it printed, or fails the test."""
    command = pytestconfig.stash[BACKENDS].kubectl

    def run(*words: str, stdin: str = "") -> str:
        done = subprocess.run(
            [*command, *words], env=cluster_settings.environ, input=stdin, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"`kubectl {' '.join(words)}` failed: {done.stderr}"
        return done.stdout

    return run


@pytest.fixture
def remote_settings(cluster_settings: Settings, kubectl: Kubectl, namespace: str, tmp_path: Path) -> Settings:
    """As `cluster_settings`, for a developer on a cluster elsewhere: the context `remote`, rights in `namespace` alone.

    No name says that it is for development, and no ConfigMap that could name a local registry is readable.
    """
    kubectl("create", "serviceaccount", "developer", "-n", namespace)
    kubectl(
        "create",
        "rolebinding",
        "developer",
        "-n",
        namespace,
        "--clusterrole=admin",
        f"--serviceaccount={namespace}:developer",
    )
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    token = kubectl("create", "token", "developer", "-n", namespace).strip()
    config["users"] = [{"name": "developer", "user": {"token": token}}]
    config["clusters"][0]["name"] = "remote"  # tools recognize the product by this name too
    context = {"cluster": "remote", "user": "developer", "namespace": namespace}
    config |= {"contexts": [{"name": "remote", "context": context}], "current-context": "remote"}
    kubeconfig, login = tmp_path / "kubeconfig", tmp_path / "docker"
    kubeconfig.write_text(json.dumps(config))
    changed = {"KUBECONFIG": str(kubeconfig), "DOCKER_CONFIG": str(login), "TILT_CONTEXT": ""}
    return Settings.from_environment({**cluster_settings.environ, **changed})


@pytest.fixture(scope="session")
def local_registry(kubectl: Kubectl) -> str:
    """Where the cluster's own registry is reached from this machine, as the cluster says itself."""
    words = ("get", "configmap", "local-registry-hosting", "-n", "kube-public", "--ignore-not-found", "-o", "json")
    found = kubectl(*words)
    if not found:
        pytest.skip("the cluster names no local registry")
    hosting: str = json.loads(found)["data"]["localRegistryHosting.v1"]
    return next(line.partition(": ")[2].strip('"') for line in hosting.splitlines() if line.startswith("host: "))


@pytest.fixture(scope="session")
def private_registry(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A registry behind TLS and a login, which the test cluster's engine and node trust."""
    registries = pytestconfig.stash[BACKENDS].registries
    if not registries:
        pytest.skip("a cluster of your own trusts no registry that a test starts")
    with registry_server(tmp_path_factory.mktemp("registry"), Path(registries)) as server:
        yield server


@pytest.fixture
def namespace(request: pytest.FixtureRequest, kubectl: Kubectl) -> Iterator[str]:
    """A namespace for this test alone; its end is not waited for."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    name = f"{words}-{secrets.token_hex(3)}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


# Finding and starting it, before the first test so that no test's time-out runs meanwhile


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need an engine or a cluster, and put them last."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & CLUSTER_FIXTURES:
            item.add_marker("cluster")
        elif "engine_host" in fixtures:
            item.add_marker("engine")
    items.sort(key=lambda item: (_needs(item, "cluster"), _needs(item, "engine")))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Find or start the cluster and the engine if a selected test needs one."""
    config = session.config
    cluster = any(_needs(item, "cluster") for item in session.items)
    needed = cluster or any(_needs(item, "engine") for item in session.items)
    if needed and not config.option.collectonly:
        config.stash[BACKENDS] = backends.find(os.environ, cluster=cluster)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave nothing running in CI; elsewhere the cluster stays, for the next run to start at once."""
    found = session.config.stash.get(BACKENDS, Backends())
    if found.started and os.environ.get("CI") == "true":
        backends.stop()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose cluster or engine is not to be had; in CI it fails instead."""
    found = item.config.stash.get(BACKENDS, Backends())
    missing = (_needs(item, "cluster") and not found.environ) or (_needs(item, "engine") and not found.engine_host)
    if missing and (found.broken or os.environ.get("CI") == "true"):
        pytest.fail(found.reason, pytrace=False)
    if missing:
        pytest.skip(found.reason)


def _needs(item: pytest.Item, marker: str) -> bool:
    return item.get_closest_marker(marker) is not None
