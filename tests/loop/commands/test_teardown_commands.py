import pytest

from pytilt.errors import ApplyError
from pytilt.loop.commands.processes import command_process
from pytilt.loop.commands.teardown_commands import TeardownCommands
from pytilt.loop.teardown import Teardown, disabling
from pytilt.model.commands import Command
from pytilt.model.names import UNCATEGORIZED, ResourceName
from pytilt.model.resources import Declaration, LocalDeploy, ResourceSpec
from pytilt.testing.cluster import FakeCluster
from pytilt.testing.host import FakeRunner, ProcessScript
from tests.loop.declaring import command, deployment, kubernetes, local, plain


def torn(name: str, text: str, *deps: str) -> ResourceSpec:
    deploy = LocalDeploy(update=command(), teardown=Command(argv=("sh", "-c", text), dir="/p", env=(("A", "1"),)))
    return ResourceSpec(name=ResourceName(name), deploy=deploy, resource_deps=tuple(map(ResourceName, deps)))


async def tear_down(runner: FakeRunner, *specs: ResourceSpec, enabled: tuple[str, ...] | None = None) -> list[str]:
    """Everything that was said, in its order."""
    lines: list[str] = []
    names = tuple(map(ResourceName, enabled)) if enabled is not None else tuple(each.name for each in specs)
    commands = TeardownCommands(runner, lambda each: command_process(each, {"HOME": "/h"}))
    tearing = Teardown(FakeCluster(), lines.append, local=commands)
    try:
        await tearing.run(Declaration(resources=specs, enabled=names), delete_namespaces=False, delete_volumes=False)
    except ApplyError as error:
        lines.append(f"error: {error}")
    return lines


async def test_commands_run_before_the_objects_go_unless_something_in_the_cluster_needs_them() -> None:
    web = kubernetes("web", deployment("web"), resource_deps=(ResourceName("db"),))
    lines = await tear_down(FakeRunner(), torn("net", "c"), torn("db", "b", "net"), web, torn("seed", "a", "web"))
    assert [line for line in lines if not line.startswith("db │")] == [
        "Running teardown_cmd of seed: a",
        "Deleting via kubectl: Deployment/web",
        "Running teardown_cmd of db: b",
        "Running teardown_cmd of net: c",
    ]


async def test_one_that_fails_keeps_nothing_from_going_and_is_an_error_at_the_end() -> None:
    runner = FakeRunner()
    runner.answer("sh -c a", ProcessScript(output=b"half\nway", exit_status=3))
    runner.answer("sh -c b", ProcessScript(output=b"done\n"))
    lines = await tear_down(runner, torn("one", "b"), torn("two", "a"), kubernetes("web", deployment("web")))
    assert lines == [
        "Running teardown_cmd of two: a",
        "two │ half",
        "two │ way",
        "Running teardown_cmd of one: b",
        "one │ done",
        "Deleting via kubectl: Deployment/web",
        "error: two: teardown_cmd `a` failed: exit status 3",
    ]
    assert dict(runner.requests[0].env) | {"A": "1", "HOME": "/h"} == dict(runner.requests[0].env)


async def test_only_enabled_resources_are_torn_down() -> None:
    lines = await tear_down(FakeRunner(), torn("one", "a"), torn("two", "b"), enabled=("two",))
    assert lines == ["Running teardown_cmd of two: b"]


@pytest.mark.parametrize("name", ["web", UNCATEGORIZED])
def test_disabling_takes_what_runs_and_leaves_what_holds_others(name: str) -> None:
    objects = (deployment("web"), plain("Namespace", "shop"), plain("PersistentVolumeClaim", "data"))
    spec = kubernetes(name, *objects)
    left = disabling(Declaration(resources=(spec, torn("one", "a"), local("two")), enabled=(spec.name,)))
    kinds = [o["kind"] for each in left.resources for o in each.deploy.objects]
    assert kinds == (["Deployment"] if name == "web" else [])
