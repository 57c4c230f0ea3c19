"""Images that a command of the user's makes (`custom_build`)."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from pytilt.docker.discovery import client_environment
from pytilt.docker.engine import Engine, content_tag
from pytilt.errors import BuildError, CommandError, DockerApiError, UserError
from pytilt.host.output import Tail, both, decoded
from pytilt.host.processes import ProcessRequest, Runner
from pytilt.host.reading import read_file
from pytilt.images.contract import BuildRequest
from pytilt.images.registry_names import push_name, push_reference, tag_for
from pytilt.model.images import BuiltImage, CustomBuild
from pytilt.model.logs import Log
from pytilt.model.references import Reference, parse
from pytilt.settings import Settings

_CONNECTION_VARIABLES = ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION")


class CustomBuilder:
    """The `Builder` of `custom_build`.

    Args:
        engine: where the command leaves the image, unless it skips the local engine.
        runner: runs the command.
        settings: its environment.
        clock: seconds since the epoch, for the temporary tag.
    """

    def __init__(
        self, engine: Engine, runner: Runner, settings: Settings, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._runner = runner
        self._settings = settings
        self._clock = clock

    async def build(self, request: BuildRequest, log: Log) -> BuiltImage:
        """Run the command and find what it made; see `Builder.build`."""
        build = _build_of(request)
        expected = expected_reference(request, f"tilt-build-{int(self._clock())}")
        added = expected_variables(request, expected)
        environ = dict(self._settings.environ)
        if not build.skips_local_docker:
            environ = client_environment(self._settings, (await self._engine.api()).address)
            added |= {name: environ[name] for name in _CONNECTION_VARIABLES if name in environ}
        log(_announcement(added))
        if build.outputs_image_ref_to:
            await asyncio.to_thread(Path(build.outputs_image_ref_to).unlink, missing_ok=True)
        await self._run(build, environ | dict(build.command.env) | added | base_variables(request), log)
        try:
            return await self._found(request, build, expected)
        except DockerApiError as error:
            raise BuildError(error.message, hint=error.hint) from error

    async def exists(self, image: BuiltImage) -> bool:
        """Is the image still in the engine's store? Of one that never was there, yes: it cannot be checked here."""
        return not image.id or await self._engine.image_id(image.reference) == image.id

    async def _run(self, build: CustomBuild, environ: dict[str, str], log: Log) -> None:
        command = build.command
        request = ProcessRequest(argv=command.argv, dir=command.dir, env=tuple(sorted(environ.items())))
        tail = Tail()
        hint = "mend the command or what it works on and save, and the image is built again"
        try:
            outcome = await self._runner.run(request, decoded(both(tail.feed, log)))
        except CommandError as error:
            raise BuildError(f'Custom build "{command.shown}" failed: {error.message}', hint=error.hint) from error
        if outcome.exit_status != 0:
            failure = f'Custom build "{command.shown}" failed: exit status {outcome.exit_status}'
            raise BuildError(failure, hint=hint, output=tail.excerpt())

    async def _found(self, request: BuildRequest, build: CustomBuild, expected: Reference | None) -> BuiltImage:
        name = request.image.name
        if expected is None:
            reference = await asyncio.to_thread(_written_reference, build.outputs_image_ref_to)
        else:
            reference = expected.familiar
        if build.skips_local_docker:
            return BuiltImage(name=name, id="", reference=reference, fixed_reference=True)
        image_id = await self._engine.image_id(reference)
        if image_id is None:
            raise BuildError(
                f"Could not find image in Docker: {reference}",
                hint="the command must tag the image as `$EXPECTED_REF`; if it builds without Docker, use "
                "`skips_local_docker=True`, see https://docs.tilt.dev/custom_build.html",
            )
        if expected is None:
            return BuiltImage(name=name, id=image_id, reference=reference, fixed_reference=True)
        tagged = BuiltImage(name=name, id=image_id, reference=f"{parse(name).familiar_name}:{content_tag(image_id)}")
        await self._engine.tag(image_id, tagged.reference)
        if build.disable_push:  # nobody else gives it the name that the cluster gets
            await self._engine.tag(image_id, push_reference(tagged, request.registry))
        return tagged


def expected_reference(request: BuildRequest, temporary_tag: str) -> Reference | None:
    """What the command has to tag; None when it chooses and writes that to a file.

    A fixed tag goes without registry, as a command that knows its tag is taken not to know of the registry.
    """
    build = _build_of(request)
    if build.outputs_image_ref_to:
        return None
    registry = None if build.tag else request.registry
    tag = tag_for(request.image.name, build.tag or temporary_tag, registry)
    return parse(f"{push_name(request.image.name, registry)}:{tag}")


def expected_variables(request: BuildRequest, expected: Reference | None) -> dict[str, str]:
    """The variables that say what a command is to make, as in Tilt."""
    found: dict[str, str] = {}
    if expected is not None:
        found |= {"EXPECTED_REF": expected.familiar, "EXPECTED_IMAGE": expected.path, "EXPECTED_TAG": expected.tag}
    if request.registry is not None and request.registry.host:
        found |= {"REGISTRY_HOST": request.registry.host, "EXPECTED_REGISTRY": request.registry.host}
    return found


def base_variables(request: BuildRequest) -> dict[str, str]:
    """The variables that hold the names of a command's `image_deps`."""
    found: dict[str, str] = {}
    for index, name in enumerate(_build_of(request).image_deps):
        found[f"TILT_IMAGE_MAP_{index}"] = name
        if name in request.bases:
            found[f"TILT_IMAGE_{index}"] = request.bases[name].reference
    return found


def _build_of(request: BuildRequest) -> CustomBuild:
    build = request.image.build
    if not isinstance(build, CustomBuild):
        raise TypeError(f"{request.image.name} is not made by a command")
    return build


def _announcement(variables: dict[str, str]) -> str:
    if not variables:
        return "Custom Build:\n"
    lines = [f"  {name}={value}" for name, value in variables.items()]
    return "\n".join(["Custom Build: Injecting Environment Variables", *lines, ""])


def _written_reference(file: str) -> str:
    try:
        reference = parse(read_file(file).decode(errors="replace").strip())
    except OSError as error:
        raise BuildError(
            f"Could not find image ref in output. Your custom_build script should have written to {file}: "
            f"{error.strerror}",
            hint="write the image's name and tag to that file at the end of the command",
        ) from error
    except UserError as error:
        raise BuildError(
            f"Output image ref in file {file} was invalid: {error.message}", hint="write NAME:TAG to that file"
        ) from error
    if not reference.tag:
        raise BuildError(
            f"Output image ref in file {file} was invalid: {reference.familiar} has no tag", hint="write NAME:TAG"
        )
    return reference.familiar
