import pytest

from pytilt.engines.foundation import SERVICE_RANGE, Foundation
from pytilt.engines.labels import Project
from pytilt.engines.runtime import Runtime
from pytilt.images.docker.address import EngineAddress
from pytilt.images.docker.api import DockerApi, path
from tests.engines.trial import swept

pytestmark = pytest.mark.engine


async def test_a_forwarder_that_has_just_ended_is_configured_all_the_same(engine_host):
    async with swept(engine_host) as name, DockerApi(EngineAddress(url=engine_host)) as api:
        project = Project(id=name)
        runtime = Runtime(api)
        arch = str((await runtime.ask("GET", "/version"))["Arch"])
        foundation = Foundation(runtime, project, arch, SERVICE_RANGE, deaf=True)
        await foundation.stand()
        await runtime.ask("POST", path("containers", project.forwarder, "stop"), params={"t": 0})
        await foundation.configure("zone cluster.local\n")
        found = await runtime.inspect(project.forwarder)
        assert found is not None
        assert found["State"]["Running"]
        assert b"zone cluster.local" in (await runtime.take(project.forwarder, "/configuration") or b"")
