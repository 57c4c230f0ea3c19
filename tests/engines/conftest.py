"""Runs every test that needs an engine on Docker and on Podman."""

import pytest

DOCKER, PODMAN = "docker", "podman"


@pytest.fixture(scope="session", params=[DOCKER, PODMAN])
def engine(request: pytest.FixtureRequest) -> str:
    """Which engine the test is for; where the engines differ, it says how."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def engine_host(request: pytest.FixtureRequest, engine: str, engine_host: str) -> str:
    """DOCKER_HOST of the engine that the test is for."""
    if engine == DOCKER:
        return engine_host
    host: str = request.getfixturevalue("podman_host")
    return host
