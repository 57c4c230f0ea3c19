"""What stories start from: a project in a folder, the command `tilt` in it, a namespace, free ports."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from pytilt.host.ports import free_port
from pytilt.settings import Settings
from pytilt.testing.project import Project
from tests.end_to_end.sessions import EXAMPLES, Tilt

InFolder = Callable[..., Tilt]
"""Makes the command in a new folder with these files, or with those of an example."""


@pytest.fixture
def new_port() -> Callable[[], int]:
    """Ports on which nothing listens."""
    return free_port


@pytest.fixture
def tilt_on_cluster(cluster_settings: Settings, namespace: str, tmp_path: Path) -> InFolder:
    """The command with a cluster: `tilt_on_cluster({"Tiltfile": …})` or `tilt_on_cluster(example="shop")`."""

    def make(
        files: Mapping[str, str] | None = None, *, example: str = "", environ: Mapping[str, str] | None = None
    ) -> Tilt:
        project = _project(tmp_path / "project", files, example)
        return Tilt(project, {**cluster_settings.environ, **_own(tmp_path), **(environ or {})}, namespace)

    return make


@pytest.fixture
def tilt_on_engine(engine_host: str, tmp_path: Path) -> Iterator[InFolder]:
    """As `tilt_on_cluster`, on the built-in context `engine`; what is left there is removed afterwards."""
    made: list[Tilt] = []

    def make(
        files: Mapping[str, str] | None = None, *, example: str = "", environ: Mapping[str, str] | None = None
    ) -> Tilt:
        project = _project(tmp_path / "project", files, example)
        engine = {"DOCKER_HOST": engine_host, "TILT_CONTEXT": "engine", "KUBECONFIG": str(tmp_path / "kubeconfig")}
        inherited = Settings.from_environment().environ
        made.append(Tilt(project, {**inherited, **engine, **_own(tmp_path), **(environ or {})}))
        return made[-1]

    yield make
    for tilt in made:
        tilt.run("down", "--delete-volumes")


@pytest.fixture
def tilt_alone(tmp_path: Path) -> InFolder:
    """As `tilt_on_cluster`, on a machine that has neither a cluster nor a container engine."""

    def make(
        files: Mapping[str, str] | None = None, *, example: str = "", environ: Mapping[str, str] | None = None
    ) -> Tilt:
        return alone(tmp_path, files, example=example, environ=environ)

    return make


def alone(
    folder: Path,
    files: Mapping[str, str] | None = None,
    *,
    example: str = "",
    environ: Mapping[str, str] | None = None,
) -> Tilt:
    """The command without a cluster and without an engine, in a project below a folder."""
    project = _project(folder / "project", files, example)
    nowhere = {"KUBECONFIG": str(folder / "kubeconfig"), "DOCKER_HOST": f"unix://{folder}/no-engine"}
    inherited = Settings.from_environment().environ
    return Tilt(project, {**inherited, **nowhere, **_own(folder), **(environ or {})})


def _project(root: Path, files: Mapping[str, str] | None, example: str) -> Project:
    if example:
        shutil.copytree(EXAMPLES / example, root, ignore=shutil.ignore_patterns("site"))
    return Project(root, files or {})


def _own(folder: Path) -> Mapping[str, str]:
    return {"TILT_PORT": str(free_port()), "TILT_DEV_DIR": str(folder / "tilt-dev")}
