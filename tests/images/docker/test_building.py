import base64
import json
import os
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytilt.docker.api import path
from pytilt.docker.engine import Engine, EngineProduct
from pytilt.errors import BuildError
from pytilt.host.processes import HostRunner
from pytilt.images.contract import BuildRequest
from pytilt.images.credentials import RegistryCredentials
from pytilt.images.docker.building import DockerBuilder, announcement
from pytilt.images.docker.client_build import ClientBuilder
from pytilt.images.publishing import DockerPublisher
from pytilt.model.files import Ignore
from pytilt.model.images import BuiltImage, Delivery, DockerBuild, Image, Registry
from pytilt.model.names import ImageName
from pytilt.settings import Settings
from tests.images.docker.scripted import scripted
from tests.images.logs import KeptLog


def builder(engine: Engine, runner: HostRunner, settings: Settings) -> DockerBuilder:
    return DockerBuilder(
        engine, RegistryCredentials(settings, runner), ClientBuilder(engine, runner, settings), settings
    )


@pytest.fixture
def real(engine: Engine, runner: HostRunner, engine_settings: Settings) -> DockerBuilder:
    return builder(engine, runner, engine_settings)


class Project:
    """A build context."""

    def __init__(self, root: Path, name: ImageName) -> None:
        self.root = root
        self.name = name
        root.mkdir()

    def request(
        self,
        dockerfile: str,
        files: Mapping[str, str] | None = None,
        *,
        ignore: tuple[str, ...] = (),
        bases: Mapping[ImageName, BuiltImage] | None = None,
        build: DockerBuild | None = None,
    ) -> BuildRequest:
        text = textwrap.dedent(dockerfile).lstrip()
        for name, content in {**(files or {}), "Dockerfile": text}.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(content)
        given = build or DockerBuild(context="")
        full = DockerBuild(
            context=str(self.root),
            dockerfile=str(self.root / "Dockerfile"),
            contents=text,
            build_args=given.build_args,
            target=given.target,
            extra_tags=given.extra_tags,
            secrets=given.secrets,
            context_ignores=(Ignore(base=str(self.root), patterns=ignore),) if ignore else (),
        )
        return BuildRequest(image=Image(name=self.name, build=full), bases=bases or {})


@pytest.fixture
def project(tmp_path: Path, image_name: ImageName) -> Project:
    return Project(tmp_path / "src", image_name)


async def test_several_stages_and_a_cache_mount_are_built(
    real: DockerBuilder, project: Project, engine: Engine
) -> None:
    log = KeptLog()
    request = project.request(
        """
        FROM busybox AS build
        ARG WHO=nobody
        RUN --mount=type=cache,target=/cache echo hello $WHO | tee /cache/x > /out
        FROM busybox AS unwanted
        RUN exit 1
        FROM busybox
        COPY --from=build /out /out
        """,
        build=DockerBuild(context="", build_args=(("WHO", "world"), ("UNUSED", "1"))),
    )
    image = await real.build(request, log)
    assert image.reference == f"{project.name}:tilt-{image.id.removeprefix('sha256:')[:16]}"
    assert await engine.image_id(image.reference) == image.id
    assert await real.exists(image)
    assert log.text.startswith("Building Dockerfile:\n  FROM busybox AS build\n  ARG WHO=nobody\n")
    assert "\nBuilding image\n" in log.text
    api = await engine.api()
    labels = json.loads((await api.request("GET", path("images", image.id, "json"))).body)["Config"]["Labels"]
    assert labels == {"dev.tilt.built": "true", "dev.tilt.gc": "true"}
    assert await real.build(request, KeptLog()) == image


async def test_a_failing_step_is_reported_with_its_output(real: DockerBuilder, project: Project) -> None:
    log = KeptLog()
    with pytest.raises(BuildError) as caught:
        await real.build(project.request("FROM busybox\nRUN echo because; echo of this >&2; exit 3\n"), log)
    assert caught.value.message.startswith("[2/2] RUN echo because")
    assert caught.value.message.endswith("exit code: 3")
    assert sorted(caught.value.output.splitlines()) == ["because", "of this"]
    assert "the step's command failed" in str(caught.value.hint)
    assert "  → because\n" in log.text
    assert "ERROR IN: [2/2] RUN echo because" in log.text


async def test_a_missing_file_is_named(real: DockerBuilder, project: Project) -> None:
    with pytest.raises(BuildError, match=r'"?/nope"?:? not found') as caught:
        await real.build(project.request("FROM busybox\nCOPY nope /\n"), KeptLog())
    assert "`.dockerignore`" in str(caught.value.hint)


async def test_a_mistake_in_the_dockerfile_is_placed(real: DockerBuilder, project: Project) -> None:
    with pytest.raises(BuildError, match="unknown instruction") as caught:
        await real.build(project.request("FROM busybox\n\nFOO bar\n"), KeptLog())
    assert caught.value.where == f"{project.root}/Dockerfile:3"


async def test_a_context_that_is_not_there_is_named(real: DockerBuilder, image_name: ImageName) -> None:
    gone = Image(name=image_name, build=DockerBuild(context="/nowhere/src", contents="FROM busybox\n"))
    with pytest.raises(BuildError, match="cannot read the build context: No such file or directory") as caught:
        await real.build(BuildRequest(image=gone), KeptLog())
    assert caught.value.where == "/nowhere/src"


async def test_ignored_files_are_not_in_the_image(real: DockerBuilder, project: Project) -> None:
    request = project.request(
        'FROM busybox\nCOPY . /app\nRUN test "$(echo $(ls -A /app))" = "Dockerfile kept"\n',
        {"kept": "1", "dropped/a": "2"},
        ignore=("dropped",),
    )
    await real.build(request, KeptLog())


async def test_a_fresh_base_image_takes_the_place_of_its_name(
    real: DockerBuilder, project: Project, tmp_path: Path
) -> None:
    base_name = ImageName(f"{project.name}-base")
    base_project = Project(tmp_path / "base", base_name)
    base = await real.build(base_project.request("FROM busybox\nRUN echo base > /base\n"), KeptLog())
    log = KeptLog()
    request = project.request(f"FROM {base_name}\nRUN grep base /base\n", bases={base_name: base})
    await real.build(request, log)
    assert f"  FROM {base.reference}\n" in log.text


async def test_an_image_gets_its_further_tags(real: DockerBuilder, project: Project, engine: Engine) -> None:
    tag = f"{project.name}:more"
    image = await real.build(
        project.request("FROM busybox\n", build=DockerBuild(context="", extra_tags=(tag,))), KeptLog()
    )
    assert await engine.image_id(tag) == image.id
    assert not await real.exists(BuiltImage(name=project.name, id="sha256:0", reference=image.reference))
    assert not await real.exists(BuiltImage(name=project.name, id=image.id, reference=f"{project.name}:gone"))


async def test_the_classic_builder_builds_too(
    engine: Engine, runner: HostRunner, engine_settings: Settings, project: Project
) -> None:
    environ = {**engine_settings.environ, "DOCKER_BUILDKIT": "0"}
    classic = builder(engine, runner, Settings.from_environment(environ))
    log = KeptLog()
    image = await classic.build(project.request("FROM busybox\nRUN echo hello\n"), log)
    assert await engine.image_id(image.reference) == image.id
    assert " : RUN echo hello\n" in log.text
    with pytest.raises(BuildError, match="RUN echo no") as caught:
        await classic.build(project.request("FROM busybox\nRUN echo no; exit 4\n"), KeptLog())
    assert (caught.value.message, caught.value.output) == ("RUN echo no; exit 4: exit code: 4", "no")


async def test_secrets_without_the_cli_say_what_to_install(
    engine: Engine, runner: HostRunner, engine_settings: Settings, project: Project, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "sh").symlink_to("/bin/sh")
    bare = Settings.from_environment({**engine_settings.environ, "PATH": str(tmp_path / "empty")})
    request = project.request(
        "FROM busybox\nRUN --mount=type=secret,id=x true\n", build=DockerBuild(context="", secrets=("id=x,src=y",))
    )
    with pytest.raises(BuildError, match="need the docker CLI") as caught:
        await builder(engine, runner, bare).build(request, KeptLog())
    assert "docker-buildx" in str(caught.value.hint)


@pytest.mark.engine
async def test_podman_builds_tags_and_reports_failures(
    podman_host: str, runner: HostRunner, tmp_path: Path, local_registry: str
) -> None:
    settings = Settings.from_environment({"PATH": os.defpath, "HOME": str(tmp_path), "DOCKER_HOST": podman_host})
    source = tmp_path / "src"
    source.mkdir()
    (source / "main.py").write_text("print(1)")

    def request(text: str) -> BuildRequest:
        build = DockerBuild(context=str(source), contents=text)
        return BuildRequest(image=Image(name=ImageName("shop/web"), build=build))

    async with Engine(settings) as engine:
        credentials = RegistryCredentials(settings, runner)
        builder = DockerBuilder(engine, credentials, ClientBuilder(engine, runner, settings), settings)
        assert (await engine.about()).product is EngineProduct.PODMAN
        log = KeptLog()
        image = await builder.build(request("FROM scratch\nCOPY main.py /\n"), log)
        assert "COPY main.py /\n" in log.text
        assert await builder.exists(image)
        assert await builder.build(request("FROM scratch\nCOPY main.py /\n"), KeptLog()) == image
        with pytest.raises(BuildError, match=r'^COPY nope /: "/nope": no such file or directory'):
            await builder.build(request("FROM scratch\nCOPY nope /\n"), KeptLog())
        publish = DockerPublisher(engine, credentials, runner, settings).publish
        registry = Registry(host=local_registry, single_name="pytilt-test-podman")
        assert await publish(image, registry, Delivery.PUSH, KeptLog()) == (
            f"{local_registry}/pytilt-test-podman:web-{image.reference.partition(':')[2]}"
        )


BUILT = b'{"id":"moby.image.id","aux":{"ID":"sha256:0123456789abcdef0123"}}\n'
WEB = BuildRequest(
    image=Image(name=ImageName("web"), build=DockerBuild(context="-", contents="FROM ghcr.io/shop/private:1\n"))
)


async def test_a_damaged_store_is_got_around_without_buildkit(tmp_path: Path, runner: HostRunner) -> None:
    damaged = b'{"errorDetail":{"message":"failed commit on ref \\"x\\": failed precondition"}}\n'
    log = KeptLog()
    async with (
        scripted(tmp_path, {"/build": [damaged, BUILT], "/images": [b""]}) as (engine, settings),
        Engine(settings) as link,
    ):
        image = await builder(link, runner, settings).build(WEB, log)
    assert image.reference == "web:tilt-0123456789abcdef"
    assert ["version=2" in asked.target for asked in engine.targets("/build")] == [True, False]
    assert "Detected Buildkit corruption. Rebuilding without Buildkit\n" in log.text


async def test_a_private_base_image_is_pulled_with_the_users_credentials(tmp_path: Path, runner: HostRunner) -> None:
    (tmp_path / ".docker").mkdir()
    auths = {"ghcr.io": {"auth": base64.b64encode(b"me:secret").decode()}}
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"auths": auths}))
    denied = b'{"errorDetail":{"message":"pull access denied, 403 Forbidden"}}\n'
    log = KeptLog()
    async with (
        scripted(tmp_path, {"/build": [denied, BUILT], "/images": [b""]}) as (engine, settings),
        Engine(settings) as link,
    ):
        await builder(link, runner, settings).build(WEB, log)
    (pull,) = engine.targets("/images/create")
    assert pull.target == "/images/create?fromImage=ghcr.io%2Fshop%2Fprivate&tag=1&platform="
    assert json.loads(base64.urlsafe_b64decode(pull.headers["x-registry-auth"]))["username"] == "me"
    assert "Pulling ghcr.io/shop/private:1 with the credentials for ghcr.io\n" in log.text
    assert "secret" not in log.text


async def test_the_classic_builder_is_sent_the_credentials_of_the_base_images_only(
    tmp_path: Path, runner: HostRunner
) -> None:
    (tmp_path / ".docker").mkdir()
    auths = {name: {"auth": base64.b64encode(b"me:secret").decode()} for name in ("ghcr.io", "other.io")}
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"auths": auths}))
    old = b'{"Version":"18.03","ApiVersion":"1.37","Os":"linux","Arch":"amd64"}'
    answers = {"/build": [BUILT], "/images": [b""], "/version": [old]}
    async with scripted(tmp_path, answers) as (engine, settings), Engine(settings) as link:
        await builder(link, runner, settings).build(WEB, KeptLog())
    (build,) = engine.targets("/build")
    assert list(json.loads(base64.urlsafe_b64decode(build.headers["x-registry-config"]))) == ["ghcr.io"]


async def test_without_credentials_a_private_base_image_is_an_error(tmp_path: Path, runner: HostRunner) -> None:
    denied = b'{"errorDetail":{"message":"pull access denied for shop/private"}}\n'
    async with scripted(tmp_path, {"/build": [denied]}) as (engine, settings), Engine(settings) as link:
        with pytest.raises(BuildError, match="pull access denied") as caught:
            await builder(link, runner, settings).build(WEB, KeptLog())
    assert len(engine.targets("/build")) == 1
    assert "`docker login`" in str(caught.value.hint)


@pytest.mark.parametrize(
    "body", [b'{"stream":"Successfully built 0123456789ab\\n"}\n', b'{"stream":"0123456789ab\\n"}\n']
)
async def test_podmans_answer_is_understood(tmp_path: Path, runner: HostRunner, body: bytes) -> None:
    answers = {
        "/build": [body],
        "/images/0123456789ab/json": [b'{"Id":"sha256:0123456789abcdef0123"}'],
        "/images": [b""],
    }
    async with scripted(tmp_path, answers) as (_, settings), Engine(settings) as link:
        image = await builder(link, runner, settings).build(WEB, KeptLog())
    assert image.id == "sha256:0123456789abcdef0123"


async def test_an_engine_that_names_no_image_may_be_full(tmp_path: Path, runner: HostRunner) -> None:
    async with scripted(tmp_path, {"/build": [b'{"stream":"bye"}\n']}) as (_, settings), Engine(settings) as link:
        with pytest.raises(BuildError, match="did not say which image") as caught:
            await builder(link, runner, settings).build(WEB, KeptLog())
    assert "`docker system df`" in str(caught.value.hint)


async def test_a_missing_credential_helper_fails_a_build_that_needs_it(tmp_path: Path, runner: HostRunner) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text('{"credsStore": "nowhere"}')
    denied = b'{"errorDetail":{"message":"pull access denied"}}\n'
    async with scripted(tmp_path, {"/build": [denied]}) as (_, settings), Engine(settings) as link:
        with pytest.raises(BuildError, match="`docker-credential-nowhere` cannot be started"):
            await builder(link, runner, settings).build(WEB, KeptLog())


def test_a_build_announces_what_it_builds() -> None:
    assert announcement("FROM x\n\nRUN y\n", "linux/arm64") == (
        "Building Dockerfile for platform linux/arm64:\n  FROM x\n  \n  RUN y\n\nBuilding image\n"
    )
