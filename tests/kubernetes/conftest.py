"""What the tests of Kubernetes start from."""

from collections.abc import AsyncIterator

import pytest

from pytilt.host.processes import HostRunner
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.connecting import read_connection
from pytilt.settings import Settings
from tests.kubernetes.api_server import ApiServer, api_of, api_server


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    """An API server that answers as the test says."""
    async with api_server() as answering:
        yield answering


@pytest.fixture
async def api(server: ApiServer) -> AsyncIterator[KubernetesApi]:
    """A connection to that server."""
    async with api_of(server) as connected:
        yield connected


@pytest.fixture
async def real_api(cluster_settings: Settings, namespace: str) -> AsyncIterator[KubernetesApi]:
    """A connection to the test cluster, in a namespace for this test alone."""
    connection = read_connection(cluster_settings, namespace=namespace)
    async with HostRunner() as runner, KubernetesApi(connection, runner) as connected:
        yield connected
