"""Runs the tests of the context on Docker, and those that are marked for it on Podman too."""

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked `podman` twice. The other tests prove fields, or take what only Docker can be made to do."""
    if metafunc.definition.get_closest_marker("podman"):
        metafunc.parametrize("engine_host", ["docker", "podman"], indirect=True)


@pytest.fixture
def engine_host(request: pytest.FixtureRequest, engine_host: str) -> str:
    """DOCKER_HOST of the engine that the test is for."""
    if getattr(request, "param", "docker") == "docker":
        return engine_host
    host: str = request.getfixturevalue("podman_host")
    return host
