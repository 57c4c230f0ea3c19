import pytest

from pytilt.errors import CommandError
from pytilt.loop.kinds.compose import ComposeKind
from pytilt.loop.planning.schedule import Start
from pytilt.model.names import ImageName, ResourceName, SpanId
from pytilt.model.objects import Resource, Runtime
from pytilt.model.resources import ComposeDeploy, ComposeProject, ResourceSpec, UpdateSettings
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Reason, Strategy
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from tests.loop.declaring import prepare
from tests.loop.waiting import running, until

DEPLOY = ComposeDeploy(
    project=ComposeProject(name="p", path="/p", config_paths=("/p/c.yml",)),
    service="web",
    yaml="",
    image=ImageName("w"),
)
WEB = ResourceSpec(name=ResourceName("web"), deploy=DEPLOY)


async def test_a_service_says_that_it_does_not_run(store: Store, logs: LogStore):
    start = Start(resource=WEB.name, reason=Reason.INITIAL_BUILD, strategy=Strategy.COMMAND, sequence=1)
    log = logs.span(WEB.name, SpanId("build:1"))
    with pytest.raises(CommandError, match="`web` is a service of Docker Compose, which is not run here yet"):
        await ComposeKind(store).update(Resource(name="web", spec=WEB), DEPLOY, start, log, UpdateSettings())


async def test_its_runtime_is_that_of_what_does_not_run(store: Store):
    prepare(store, WEB)

    def runtime() -> RuntimeStatus | None:
        found = store.get(Runtime, "web")
        return found.status.status if found else None

    async with running(ComposeKind(store).run()):
        await until(store, lambda: runtime() is RuntimeStatus.NOT_APPLICABLE)
