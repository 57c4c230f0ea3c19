import pytest

from pytilt.docker.address import EngineAddress
from pytilt.docker.api import DockerApi
from pytilt.docker.runtime import DockerRuntime
from pytilt.engines.network.infrastructure import SERVICE_RANGE, Infrastructure
from pytilt.engines.objects.labels import EngineProject
from tests.engines.trial import swept

pytestmark = pytest.mark.engine


async def test_a_forwarder_that_has_just_ended_is_configured_all_the_same(engine_host):
    async with swept(engine_host) as name, DockerApi(EngineAddress(url=engine_host)) as api:
        project = EngineProject(id=name)
        runtime = DockerRuntime(api)
        arch = str((await runtime.version())["Arch"])
        infrastructure = Infrastructure(runtime, project, arch, SERVICE_RANGE, stdin_closes=True)
        await infrastructure.ensure()
        await runtime.stop(project.forwarder, 0)
        await infrastructure.configure("zone cluster.local\n")
        found = await runtime.inspect(project.forwarder)
        assert found is not None
        assert found["State"]["Running"]
        assert b"zone cluster.local" in (await runtime.take(project.forwarder, "/configuration") or b"")
