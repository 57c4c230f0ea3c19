import io
import os
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from pytilt.docker.api import path
from pytilt.docker.engine import Engine, EngineProduct
from pytilt.errors import BuildError
from pytilt.host.ignoring import parse_ignore_file
from pytilt.host.processes import HostRunner
from pytilt.images.context import context_chunks, plan_context
from pytilt.images.contract import BuildRequest
from pytilt.images.credentials import RegistryCredentials
from pytilt.images.docker.building import DockerBuilder
from pytilt.images.docker.client_build import ClientBuilder
from pytilt.images.hiding import HidingWay, as_written, hidden, taken_from
from pytilt.model.files import Ignore
from pytilt.model.images import DockerBuild, Image
from pytilt.model.names import ImageName
from pytilt.settings import Settings
from tests.images.logs import KeptLog


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("COPY . /app", "COPY S/. /app"),
        ("copy ./ .", "copy S/. ."),
        ("ADD --chown=1:1 / /app", "ADD --chown=1:1 S/. /app"),
        ("COPY a/.. b /app/", "COPY S/. b /app/"),
        ('COPY [".", "/a b/"]', 'COPY ["S/.", "/a b/"]'),
        ('ADD ["a b", "./", "/app/"]', 'ADD ["a b", "S/.", "/app/"]'),
        ("COPY * /app/", "COPY S/* /app/"),
        ("COPY .[a-z]* /app/", "COPY S/.[a-z]* /app/"),
        ("COPY */x /app/", "COPY S/*/x /app/"),
        ("COPY --parents . /app/", "COPY --parents S/./. /app/"),
        ("COPY \\\n  # all\n  . \\\n  /app", "COPY \\\n  # all\n  S/. \\\n  /app"),
        ("ARG from=.\nCOPY $from /app", "ARG from=.\nCOPY S/. /app"),
        ("ARG from\nCOPY ${from:-.} /app", "ARG from\nCOPY S/. /app"),
        ("ENV from=. x=1\nCOPY $from /app", "ENV from=. x=1\nCOPY S/. /app"),
        ("ENV from .\nCOPY $from /app", "ENV from .\nCOPY S/. /app"),
        ("ARG given=src\nCOPY $given /app", "ARG given=src\nCOPY S/. /app"),
        ("RUN --mount=target=/src make", "RUN --mount=target=/src,source=S/. make"),
        ("RUN --mount=type=bind,src=.,rw,target=/s make", "RUN --mount=type=bind,rw,target=/s,source=S/. make"),
        ("COPY src /app", None),
        ("COPY src/* *.py /app/", None),
        ("COPY [a-z]* /app/", None),
        ("COPY a [ /app/", None),
        ("COPY --from=other . /app", None),
        ("COPY --from=other . /app\nRUN cp . /b", None),
        ("COPY <<EOF /app/x\nCOPY . /app\nEOF", None),
        ("ADD https://example.com/ /app/", None),
        ("ADD git@example.com:x.git /app/", None),
        ("ONBUILD COPY . /app", None),
        ("RUN --mount=type=cache,target=/c make", None),
        ("RUN --mount=from=other,target=/c make", None),
        ("RUN --mount=source=src,target=/c make", None),
        ("RUN --network=none make", None),
        ("COPY", None),
        ("", None),
    ],
)
def test_instructions_that_take_the_whole_context_take_it_from_elsewhere(before: str, after: str | None) -> None:
    directory = ".tilt-build/context"
    expected = before if after is None else after.replace("S/", f"{directory}/")
    assert taken_from(directory, before, {"given": "."}) == expected


def names(root: Path, dockerfile: str, way: HidingWay) -> dict[str, str]:
    context = hidden(plan_context(str(root), None, dockerfile, ()), {}, way)
    with tarfile.open(fileobj=io.BytesIO(b"".join(context_chunks(context)))) as tar:
        return {info.name: info.linkname for info in tar.getmembers()}


def test_the_context_is_there_as_links_only_if_it_is_taken_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a").write_text("a")
    (tmp_path / "link").symlink_to("/src")
    plain = {".tilt-build/Dockerfile": "", "link": "/src", "src": "", "src/a": ""}
    assert names(tmp_path, "FROM a\nCOPY src /app\n", HidingWay.NOTHING) == plain
    assert names(tmp_path, "FROM a\nCOPY . /app\n", HidingWay.NOTHING) == plain | {
        ".tilt-build/context": "",
        ".tilt-build/context/link": "/src",
        ".tilt-build/context/src": "",
        ".tilt-build/context/src/a": "src/a",
    }
    assert names(tmp_path, "FROM a\nCOPY . /app\n", HidingWay.OWN_IGNORE_FILE) == plain | {
        ".tilt-build/Dockerfile.dockerignore": ""
    }


def test_a_directory_of_the_context_is_never_taken_for_that_of_the_dockerfile(tmp_path: Path) -> None:
    (tmp_path / ".tilt-build").mkdir()
    (tmp_path / ".tilt-build_").write_text("")
    context = hidden(plan_context(str(tmp_path), None, "FROM a\nCOPY . /app\n", ()), {}, HidingWay.NOTHING)
    assert context.dockerfile == ".tilt-build__/Dockerfile"
    assert context.contents == "FROM a\nCOPY .tilt-build__/context/. /app\n"
    assert as_written("[1/2] COPY .tilt-build__/context/. /app", context) == "[1/2] COPY . /app"


def test_a_dockerfile_at_its_own_place_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\nCOPY . /app\n")
    context = plan_context(str(tmp_path), str(tmp_path / "Dockerfile"), "FROM a\nCOPY . /app\n", ())
    assert hidden(context, {}, HidingWay.OWN_IGNORE_FILE) == hidden(context, {}, HidingWay.NOTHING) == context


# With real builders

TAKES = """
FROM scratch AS one
ARG all=.
COPY . /ctx/copy/
ADD ./ /ctx/add/
COPY ["/", "/ctx/json/"]
COPY $all /ctx/arg/
COPY * .[a-z]* /ctx/glob/
COPY sub/b /ctx/one/b
FROM scratch
COPY --from=one /ctx /ctx
"""
MOUNTS = "FROM busybox\nRUN --mount=type=bind,target=/all mkdir -p /ctx/mount && cp -a /all/. /ctx/mount/\n"
FILES = {".hidden", "a", "sub/b", "sub/link"}


class Building(NamedTuple):
    """One of the builders."""

    kind: str
    engine: Engine
    builder: DockerBuilder

    async def build(self, name: ImageName, spec: DockerBuild, log: KeptLog | None = None) -> set[str]:
        """Build, and list what is below `/ctx` in the image, without directories."""
        image = await self.builder.build(BuildRequest(image=Image(name=name, build=spec)), log or KeptLog())
        api = await self.engine.api()
        made = await api.request("POST", "/containers/create", json={"Image": image.id, "Cmd": ["x"]})
        container = msgspec.json.decode(made.body)["Id"]
        try:
            sent = await api.request("GET", path("containers", container, "archive"), params={"path": "/ctx"})
        finally:
            await api.request("DELETE", path("containers", container))
        with tarfile.open(fileobj=io.BytesIO(sent.body)) as tar:
            return {info.name.removeprefix("ctx/") for info in tar.getmembers() if not info.isdir()}


@pytest.fixture(scope="session", params=["BuildKit", "the classic builder", "Podman"])
def builder_host(request: pytest.FixtureRequest, engine_host: str) -> tuple[str, str]:
    """The name of a builder, and its DOCKER_HOST."""
    return request.param, request.getfixturevalue("podman_host") if request.param == "Podman" else engine_host


@pytest.fixture
async def building(builder_host: tuple[str, str], runner: HostRunner, tmp_path: Path) -> AsyncIterator[Building]:
    kind, host = builder_host
    environ = {"PATH": os.defpath, "HOME": str(tmp_path), "DOCKER_HOST": host}
    if kind == "the classic builder":
        environ["DOCKER_BUILDKIT"] = "0"
    settings = Settings.from_environment(environ)
    async with Engine(settings) as engine:
        about = await engine.about()
        assert (about.product is EngineProduct.PODMAN) == (kind == "Podman")
        assert about.buildkit or kind != "BuildKit"
        credentials, client = RegistryCredentials(settings, runner), ClientBuilder(engine, runner, settings)
        yield Building(kind, engine, DockerBuilder(engine, credentials, client, settings))


@pytest.mark.parametrize(
    ("place", "ignored"),
    [
        ("given as text", ""),
        ("outside", "/\n.\n"),
        ("inside", "Dockerfile\n"),
        ("inside", "*\n!a\n!sub\n!.hidden\n"),
    ],
)
async def test_nothing_foreign_is_in_an_image_that_takes_the_whole_context(
    building: Building, tmp_path: Path, image_name: ImageName, place: str, ignored: str
) -> None:
    root = tmp_path / "context"
    (root / "sub").mkdir(parents=True)
    for name in (".hidden", "a", "sub/b"):
        (root / name).write_text(name)
    (root / "sub" / "link").symlink_to("b")
    dockerfile = {"inside": root / "Dockerfile", "outside": tmp_path / "Dockerfile"}.get(place)
    if dockerfile:
        dockerfile.write_text(TAKES)
    patterns = parse_ignore_file(ignored).patterns
    spec = DockerBuild(
        context=str(root),
        dockerfile=str(dockerfile) if dockerfile else None,
        contents=TAKES,
        context_ignores=(Ignore(base=str(root), patterns=patterns),) if patterns else (),
    )
    log = KeptLog()
    found = await building.build(image_name, spec, log)
    # A pattern takes directories as what is in them.
    globbed = {"glob/.hidden", "glob/a", "glob/b", "glob/link"}
    whole = {f"{each}/{name}" for each in ("copy", "add", "json", "arg") for name in FILES}
    assert found == whole | globbed | {"one/b"}
    assert ".tilt-build" not in log.text
    assert "COPY . /ctx/copy/" in log.text.partition("Building image\n")[2]


async def test_triggers_of_the_base_image_see_nothing_foreign(
    building: Building, tmp_path: Path, image_name: ImageName
) -> None:
    below = DockerBuild(context="-", contents="FROM scratch\nONBUILD COPY . /ctx/\n")
    base = await building.builder.build(BuildRequest(image=Image(name=image_name, build=below)), KeptLog())
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "a").write_text("a")
    spec = DockerBuild(context=str(tmp_path / "context"), contents=f"FROM {base.reference}\nCOPY a /ctx/b\n")
    assert await building.build(image_name, spec) == {"a", "b"}


async def test_nothing_foreign_is_in_what_a_command_sees_of_the_context(
    building: Building, tmp_path: Path, image_name: ImageName
) -> None:
    if building.kind != "BuildKit":
        pytest.skip("the classic builder has no mounts; the Podman of tests runs no commands in images of Docker's")
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "a").write_text("a")
    spec = DockerBuild(context=str(tmp_path / "context"), contents=MOUNTS)
    assert await building.build(image_name, spec) == {"mount/a"}


async def test_nothing_at_all_is_in_an_empty_context(building: Building, image_name: ImageName) -> None:
    spec = DockerBuild(context="-", contents="FROM scratch\nCOPY . /ctx/\n")
    assert await building.build(image_name, spec) == set()


async def test_what_fails_is_named_as_the_dockerfile_names_it(
    building: Building, tmp_path: Path, image_name: ImageName
) -> None:
    for text in ("FROM scratch\nCOPY . none /ctx/\n", "FROM busybox\nCOPY . /ctx/\nRUN exit 3\n"):
        spec = DockerBuild(context=str(tmp_path), contents=text)
        with pytest.raises(BuildError) as caught:
            await building.build(image_name, spec)
        assert ".tilt-build" not in str(caught.value)
