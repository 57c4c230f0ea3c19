import pytest
from msgspec.structs import replace

from pytilt.loop.planning.digests import image_digest, resource_digest
from pytilt.model.commands import Probe, TcpSocketAction
from pytilt.model.files import FileRule
from pytilt.model.images import DockerBuild
from pytilt.model.names import ImageName, ResourceName
from pytilt.model.resources import (
    KubernetesDeploy,
    Link,
    LocalDeploy,
    PodReadiness,
    PortForwardSpec,
    ResourceSpec,
    TriggerMode,
)
from tests.loop.declaring import command, custom, deployment, image, kubernetes, local

IMAGE = image("img")
WEB = kubernetes("web", images=[IMAGE])
TOOL = local("tool")


def docker(**fields: object) -> DockerBuild:
    assert isinstance(IMAGE.build, DockerBuild)
    return replace(IMAGE.build, **fields)


@pytest.mark.parametrize(
    "changed",
    [
        replace(IMAGE, build=docker(cache_from=("img:cache",))),
        replace(IMAGE, files=FileRule(paths=("/q",))),
        replace(IMAGE, deployed=False),
    ],
)
def test_what_an_image_does_not_depend_on_asks_for_no_build(changed):
    assert image_digest(changed) == image_digest(IMAGE)


@pytest.mark.parametrize(
    "changed",
    [
        replace(IMAGE, build=docker(contents="FROM alpine")),
        replace(IMAGE, build=docker(build_args=(("A", "1"),))),
        replace(IMAGE, build=docker(target="dev")),
        replace(IMAGE, base_images=(ImageName("base"),)),
        custom("img"),
    ],
)
def test_what_an_image_is_made_of_asks_for_a_build(changed):
    assert image_digest(changed) != image_digest(IMAGE)


def deployed(**fields: object) -> ResourceSpec:
    assert isinstance(WEB.deploy, KubernetesDeploy)
    return replace(WEB, deploy=replace(WEB.deploy, **fields))


def run(**fields: object) -> ResourceSpec:
    assert isinstance(TOOL.deploy, LocalDeploy)
    return replace(TOOL, deploy=replace(TOOL.deploy, **fields))


@pytest.mark.parametrize(
    ("before", "changed"),
    [
        (WEB, replace(WEB, labels=("backend",))),
        (WEB, replace(WEB, links=(Link(url="https://x"),))),
        (WEB, replace(WEB, trigger_mode=TriggerMode.MANUAL)),
        (WEB, replace(WEB, resource_deps=(ResourceName("db"),))),
        (WEB, deployed(port_forwards=(PortForwardSpec(local_port=8000),))),
        (WEB, deployed(pod_readiness=PodReadiness.IGNORE)),
        (TOOL, run(files=FileRule(paths=("/q",)))),
        (TOOL, run(allow_parallel=False)),
        (TOOL, run(readiness_probe=Probe(tcp_socket=TcpSocketAction(port=80)))),
    ],
)
def test_what_only_its_row_or_its_order_depends_on_asks_for_no_update(before: ResourceSpec, changed: ResourceSpec):
    assert resource_digest(changed) == resource_digest(before)


@pytest.mark.parametrize(
    ("before", "changed"),
    [
        (WEB, deployed(objects=(deployment("web", "other"),))),
        (WEB, replace(WEB, images=(custom("img"),))),
        (TOOL, run(update=command("false"))),
        (TOOL, run(serve=command("server"))),
    ],
)
def test_what_runs_asks_for_an_update(before: ResourceSpec, changed: ResourceSpec):
    assert resource_digest(changed) != resource_digest(before)
