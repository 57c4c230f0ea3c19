"""Building images with the engine's own API: BuildKit where it has it, its classic builder elsewhere."""

import asyncio
import contextlib
import textwrap
from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from pytilt.docker.api import DockerApi, Params
from pytilt.docker.engine import About, Engine, EngineProduct, content_tag
from pytilt.errors import BuildError, DockerApiError, PublishError
from pytilt.images import fast_build
from pytilt.images.context import Context, plan_context, stream_context
from pytilt.images.contract import BuildRequest
from pytilt.images.credentials import RegistryAuth, RegistryCredentials, config_header
from pytilt.images.docker import restart_helper
from pytilt.images.docker.build_session import DOCKERFILE, BuildSession
from pytilt.images.docker.client_build import ClientBuilder
from pytilt.images.docker.failures import build_failure, is_corruption
from pytilt.images.docker.options import LABELS, PODMAN_LABELS, build_args, build_params, platform_of
from pytilt.images.docker.reading import BuildReader, Result
from pytilt.images.docker.steps import size
from pytilt.images.dockerfile import image_uses, needs_session, with_bases
from pytilt.images.hiding import HidingWay, as_written, hidden
from pytilt.model.images import BuiltImage, DockerBuild, FastBuild
from pytilt.model.logs import Level, Log
from pytilt.model.names import ImageName
from pytilt.model.references import parse, try_parse
from pytilt.settings import Settings

_REPORT_EVERY_BYTES = 32_000_000
"""How often the progress of sending a large context is reported."""


class DockerBuilder:
    """The `Builder` of `docker_build`.

    Args:
        engine: what builds.
        credentials: for base images that are private.
        client: builds what only the docker CLI can (`ssh=`, `secret=`).
        settings: for build args that take their value from the environment.
    """

    def __init__(
        self, engine: Engine, credentials: RegistryCredentials, client: ClientBuilder, settings: Settings
    ) -> None:
        self._engine = engine
        self._credentials = credentials
        self._client = client
        self._settings = settings

    async def build(self, request: BuildRequest, log: Log) -> BuiltImage:
        """Build and tag an image; see `Builder.build`."""
        previous = await self._previous(request, log)
        plan = await self._plan(request, previous, log)
        log(announcement(as_written(plan.contents, plan.context), plan.platform))
        try:
            image_id = await self._build(plan, log)
            return await self._tagged(request, plan.build, image_id, previous)
        except DockerApiError as error:
            raise build_failure(error.message, dockerfile=plan.build.dockerfile or "") from error

    async def _previous(self, request: BuildRequest, log: Log) -> BuiltImage | None:
        """The image to build upon, if it is still there."""
        if request.previous is None or await self.exists(request.previous):
            return request.previous
        log(f"{request.previous.reference} is gone; building from scratch\n")
        return None

    async def _plan(self, request: BuildRequest, previous: BuiltImage | None, log: Log) -> "_BuildPlan":
        """What is to be built, with what Tilt's extensions would pull replaced by what is made here."""
        plan = _plan(request, self._settings, {})
        if restart_helper.is_wanted(plan.contents, plan.args):
            helper = await restart_helper.ensure(self._engine, plan.platform)
            plan = _plan(request, self._settings, {restart_helper.TILTS_NAME: helper})
        if plan.build.fast is None:
            return plan
        cache = await self._cache_name(request.image.name, plan.build.fast)
        if plan.build.fast.caches and not cache:
            log("The classic builder of Docker keeps no caches: `cache=` needs BuildKit\n", level=Level.WARN)
        return await asyncio.to_thread(_fast_plan, plan, previous, request.changed, cache)

    async def _cache_name(self, name: ImageName, build: FastBuild) -> str:
        """How the caches of an image are called; empty where the engine keeps none."""
        about = await self._engine.about()
        keeps = self._by_buildkit(about) or about.product is EngineProduct.PODMAN
        return fast_build.cache_name(name, build.caches) if keeps else ""

    def _by_buildkit(self, about: About) -> bool:
        return about.buildkit and self._settings.buildkit

    async def exists(self, image: BuiltImage) -> bool:
        """Is the image still in the engine's store, under its name?"""
        return await self._engine.image_id(image.reference) == image.id

    async def _build(self, plan: "_BuildPlan", log: Log) -> str:
        if (plan.build.ssh or plan.build.secrets) and needs_session(plan.contents):
            return await self._client.build(plan.build, plan.context, plan.platform, _as_written(log, plan.context))
        buildkit = self._by_buildkit(await self._engine.about())
        try:
            return await self._build_with(plan, log, buildkit=buildkit)
        except BuildError as error:
            if not buildkit or not is_corruption(error.message):
                raise
        log("Detected Buildkit corruption. Rebuilding without Buildkit\n")
        return await self._build_with(plan, log, buildkit=False)

    async def _build_with(self, plan: "_BuildPlan", log: Log, *, buildkit: bool) -> str:
        """Build once; where a base image turns out to be private, fetch it with the user's credentials and go on."""
        api = await self._engine.api()
        try:
            return await self._attempt(api, plan, log, buildkit=buildkit)
        except BuildError as error:
            if not buildkit or not _refused(error.message) or not await self._pull_bases(api, plan, log):
                raise
        return await self._attempt(api, plan, log, buildkit=buildkit)

    async def _attempt(self, api: DockerApi, plan: "_BuildPlan", log: Log, *, buildkit: bool) -> str:
        if buildkit and plan.context.spare and not plan.context.mounts:
            session = BuildSession(plan.context, _Progress(log))
            async with contextlib.AsyncExitStack() as stack:
                try:
                    await stack.enter_async_context(session.serving(api))
                except DockerApiError:  # what stands before an engine may allow no sessions
                    return await self._attempt_with_all(api, plan, log, buildkit=buildkit)
                return await self._attempt_in(session, api, plan, log)
        return await self._attempt_with_all(api, plan, log, buildkit=buildkit)

    async def _attempt_with_all(self, api: DockerApi, plan: "_BuildPlan", log: Log, *, buildkit: bool) -> str:
        """Build from a tar that the Dockerfile is in."""
        podman = (await self._engine.about()).product is EngineProduct.PODMAN
        without = HidingWay.NOTHING if buildkit else HidingWay.IGNORE_FILE
        context = hidden(plan.context, plan.args, HidingWay.OWN_IGNORE_FILE if podman else without)
        params = self._params(plan, context.dockerfile, buildkit=buildkit, labels=PODMAN_LABELS if podman else LABELS)
        headers = {"Content-Type": "application/x-tar"}
        if not buildkit:
            headers["X-Registry-Config"] = config_header(await self._base_credentials(plan, log))
        reader = BuildReader(_as_written(log, context))
        content = _watched(stream_context(context), _Progress(log))
        async with api.stream("POST", "/build", params=params, content=content, headers=headers) as chunks:
            result = await reader.read(chunks)
        return await self._image_id(result, plan, context)

    async def _attempt_in(self, session: BuildSession, api: DockerApi, plan: "_BuildPlan", log: Log) -> str:
        """Build with BuildKit from a context without the Dockerfile, which comes beside it."""
        params = {
            **self._params(plan, DOCKERFILE, buildkit=True, labels=LABELS),
            "remote": "client-session",
            "session": session.id,
        }
        async with api.stream("POST", "/build", params=params) as chunks:
            result = await BuildReader(log).read(chunks)
        if session.failure:
            raise session.failure
        return await self._image_id(result, plan, plan.context)

    def _params(self, plan: "_BuildPlan", dockerfile: str, *, buildkit: bool, labels: Mapping[str, str]) -> Params:
        environ = self._settings.environ
        return build_params(
            plan.build,
            dockerfile=dockerfile,
            platform=plan.platform,
            environ=environ,
            buildkit=buildkit,
            labels=labels,
        )

    async def _image_id(self, result: Result, plan: "_BuildPlan", context: Context) -> str:
        if result.failure:
            raise build_failure(
                as_written(result.failure, context),
                dockerfile=plan.build.dockerfile or "",
                step=as_written(result.step, context),
                output=result.output,
            )
        image_id = result.image_id or (result.short_id and await self._engine.image_id(result.short_id))
        if not image_id:
            raise BuildError(
                "the container engine did not say which image it built",
                hint="its disk may be full: look at `docker system df`, and make room with `docker system prune`",
            )
        return image_id

    async def _tagged(
        self, request: BuildRequest, build: DockerBuild, image_id: str, previous: BuiltImage | None
    ) -> BuiltImage:
        name = request.image.name
        reference = f"{parse(name).familiar_name}:{content_tag(image_id)}"
        for tag in (reference, *build.extra_tags):
            await self._engine.tag(image_id, tag)
        config = None
        with contextlib.suppress(DockerApiError):  # the image is good without it
            config = await self._engine.image_config(image_id)
        increments = previous.increments + 1 if previous else 0
        return BuiltImage(name=name, id=image_id, reference=reference, config=config, increments=increments)

    async def _base_credentials(self, plan: "_BuildPlan", log: Log) -> dict[str, RegistryAuth]:
        hosts = {found.domain for base in plan.bases if (found := try_parse(base))}
        try:
            auths = {host: await self._credentials.find(host, log) for host in sorted(hosts)}
        except PublishError as error:
            raise BuildError(error.message, where=error.where, hint=error.hint) from error
        return {host: auth for host, auth in auths.items() if auth != RegistryAuth()}

    async def _pull_bases(self, api: DockerApi, plan: "_BuildPlan", log: Log) -> bool:
        """Pull base images for which credentials are stored: BuildKit asks for none of a client without a session."""
        pulled = False
        for host, auth in (await self._base_credentials(plan, log)).items():
            for base in plan.bases:
                reference = try_parse(base)
                if reference is None or reference.domain != host:
                    continue
                log(f"Pulling {base} with the credentials for {host}\n")
                tag = reference.digest or reference.tag or "latest"
                params = {"fromImage": reference.familiar_name, "tag": tag, "platform": plan.platform}
                headers = {"X-Registry-Auth": auth.header}
                async with api.stream("POST", "/images/create", params=params, headers=headers) as chunks:
                    failure = (await BuildReader(log).read(chunks)).failure
                if failure:
                    raise build_failure(failure, dockerfile=plan.build.dockerfile or "")
                pulled = True
        return pulled


def announcement(contents: str, platform: str) -> str:
    """What the log says before a build: the Dockerfile as it is built."""
    suffix = f" for platform {platform}" if platform else ""
    shown = textwrap.indent(contents, "  ", lambda _: True)
    return f"Building Dockerfile{suffix}:\n{shown.rstrip()}\n\nBuilding image\n"


class _BuildPlan(msgspec.Struct, frozen=True):
    build: DockerBuild
    contents: str
    context: Context
    platform: str
    bases: tuple[str, ...]
    args: dict[str, str]


def _plan(request: BuildRequest, settings: Settings, helpers: Mapping[ImageName, str]) -> _BuildPlan:
    build = request.image.build
    if not isinstance(build, DockerBuild):
        raise TypeError(f"{request.image.name} is not made from a Dockerfile")
    args = build_args(build, settings.environ)
    references = {**helpers, **{name: image.reference for name, image in request.bases.items()}}
    contents = with_bases(build.contents or "", references, args, exact=request.exact_bases)
    return _BuildPlan(
        build=build,
        contents=contents,
        context=plan_context(build.context, build.dockerfile, contents, build.context_ignores),
        platform=platform_of(build, settings.docker_platform, request.platform),
        bases=tuple(dict.fromkeys(use.reference for use in image_uses(contents, args))),
        args=args,
    )


def _fast_plan(plan: _BuildPlan, previous: BuiltImage | None, changed: Sequence[str], cache: str) -> _BuildPlan:
    """The plan of a fast build, made of that of its base. Reads directories.

    Raises:
        BuildError: they cannot be read, or a command has no inputs.
    """
    if previous is None:
        context = fast_build.from_scratch(plan.build, plan.contents, cache=cache)
    else:
        context = fast_build.upon(previous, plan.build, changed)
    return replace(plan, contents=context.contents, context=context)


def _as_written(log: Log, context: Context) -> Log:
    """A log that names sources as the Dockerfile does."""
    if not (context.mirrored or context.mounts):
        return log

    def plain(text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
        log(as_written(text, context), level=level, progress=as_written(progress, context))

    return plain


def _refused(message: str) -> bool:
    words = ("pull access denied", "authorization failed", "401 Unauthorized", "403 Forbidden", "insufficient_scope")
    return any(word in message for word in words)


class _Progress:
    """Reports how much of a context was sent when that is a lot."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._sent = self._reported = 0

    def __call__(self, count: int) -> None:
        """So many more bytes were sent."""
        self._sent += count
        if self._sent - self._reported >= _REPORT_EVERY_BYTES:
            self._reported = self._sent
            self._log(f"Sending build context: {size(self._sent)}\n", progress="build context")


async def _watched(chunks: AsyncIterator[bytes], progress: _Progress) -> AsyncIterator[bytes]:
    """Pass a context on, and report how much was sent."""
    async for chunk in chunks:
        progress(len(chunk))
        yield chunk
