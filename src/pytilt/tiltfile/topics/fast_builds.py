"""`fast_build` and what its like return: files are added, commands run upon them, and both again in the container."""

import posixpath
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from pytilt.dialect import Builtin, builtin, to_repr, type_name
from pytilt.errors import UserError
from pytilt.images.fast_build import check_base
from pytilt.model.files import FileRule, Ignore
from pytilt.model.images import DockerBuild, FastBuild, Image, LiveUpdate, Run, Sync
from pytilt.model.inference import InferenceMode
from pytilt.model.names import ImageName
from pytilt.tiltfile.arguments import conversions
from pytilt.tiltfile.arguments.conversions import Text
from pytilt.tiltfile.arguments.values import Unhashable
from pytilt.tiltfile.running.dead_patterns import warn_of_path
from pytilt.tiltfile.running.functions import converting
from pytilt.tiltfile.running.ignore_files import context_ignores
from pytilt.tiltfile.running.script import Script, UnreadableError

_EMPTY_CONTEXT = "-"


class FastBuildValue(Unhashable):
    """What `fast_build()` and `docker_build()` return, and `add_fast_build()` of a custom build.

    Args:
        script: the running script, whose image it completes.
        name: of the image.
        function: what made it, for messages.
    """

    type_name = "fast_build"

    def __init__(self, script: Script, name: ImageName, function: str = "fast_build") -> None:
        self._script = script
        self.name = name
        self._function = function
        self._adds: tuple[Sync, ...] = ()
        self._runs: tuple[Run, ...] = ()
        self._hot_reload = False
        self._files: FileRule | None = None

    def starlark_attrs(self) -> Mapping[str, object]:
        """Its functions."""
        return {
            name: self._function_of(name, method)
            for name, method in (("add", self._add), ("run", self._run), ("hot_reload", self._reload))
        }

    def __str__(self) -> str:
        return f'fast_build("{self.name}")'

    def _function_of(self, name: str, method: Callable[..., object]) -> Builtin:
        return builtin(name)(converting(name, method, lambda: self._script.directory))

    def _add(self, src: object, dest: Text) -> "FastBuildValue":
        """Watch a path, and copy it to a place in the image and in running containers."""
        if self._runs:
            raise UserError(f"{self}.add() called after .run(); must add all code before runs")
        try:
            local = conversions.path(src, self._script.directory)
        except UserError as error:
            raise UserError(f"{self}.add(): invalid type for src (arg 1): {error.message}") from error
        if not dest.startswith("/"):
            raise UserError(
                f'{self}.add(): dest "{dest}" is not absolute', hint="name a path in the container that begins with `/`"
            )
        warn_of_path(self._script, f"{self}.add()", local, f"add('{{}}', '{dest}')")
        self._adds = (*self._adds, Sync(local=local, remote=dest))
        return self._completed()

    def _run(self, cmd: Text, trigger: object = None) -> "FastBuildValue":
        """Run a command upon the files, when the image is built and in running containers."""
        if not cmd.strip():
            raise UserError(f"{self}.run(): cmd is empty")
        for item in conversions.items(trigger):
            if not isinstance(item, str):
                raise UserError(f"{self}.run(): trigger {to_repr(item)} is of type {type_name(item)}, want string")
        patterns = conversions.patterns(trigger, "run: trigger")
        triggers = (Ignore(base=self._script.directory, patterns=patterns),) if patterns else ()
        self._runs = (*self._runs, Run(argv=("sh", "-c", cmd), triggers=triggers))
        return self._completed()

    def _reload(self) -> "FastBuildValue":
        """Do not start the program again when files have changed: it notices by itself."""
        self._hot_reload = True
        return self._completed()

    def _completed(self) -> "FastBuildValue":
        """Write what is known by now into the image."""
        index = next(number for number, image in enumerate(self._script.images) if image.name == self.name)
        image = self._script.images[index]
        if self._files is None:
            self._files = image.files
            if image.live_update is not None:
                raise UserError(
                    f'image "{self.name}" has a live_update already, so {self._function}() takes no `.add()`',
                    hint="write `sync` and `run` steps in its `live_update`",
                )
        self._script.images[index] = self._with_steps(image, self._files)
        return self

    def _with_steps(self, image: Image, files: FileRule) -> Image:
        build = image.build
        rules = None
        if self._adds:
            rules = LiveUpdate(
                syncs=self._adds, runs=self._runs, restart=not self._hot_reload, base=self._script.directory
            )
        added = tuple(add.local for add in self._adds)
        if isinstance(build, DockerBuild) and build.fast is not None:
            ignores = context_ignores(self._script, added)
            build = replace(build, fast=replace(build.fast, adds=self._adds, runs=self._runs), context_ignores=ignores)
            files = FileRule(paths=added, ignores=(*ignores, *files.ignores))
        else:
            outside = tuple(path for path in added if not any(_is_below(path, parent) for parent in files.paths))
            files = replace(files, paths=(*files.paths, *outside))
        return replace(image, build=build, files=files, live_update=rules)


def fast_image(script: Script, name: ImageName, dockerfile: object, entrypoint: str, cache: object) -> Image:
    """The image of a call of `fast_build`, before anything is added.

    Args:
        script: the running script.
        name: of the image.
        dockerfile: path of the base Dockerfile.
        entrypoint: a shell command; empty: that of the Dockerfile.
        cache: directories of the image that are kept from build to build.

    Raises:
        UserError: the Dockerfile cannot be read, or copies files itself.
    """
    try:
        path = conversions.path(dockerfile, script.directory)
    except UserError as error:
        raise UserError(f"Argument 2 (base_dockerfile): {error.message}") from error
    try:
        text = script.read(path)
    except UnreadableError as error:
        raise UserError(f"error reading dockerfile: {error.message}") from error
    try:
        check_base(text)
    except UserError as error:
        raise UserError(error.message, hint=f"{path}, {error.hint}") from error
    fast = FastBuild(entrypoint=entrypoint, caches=_caches(cache))
    build = DockerBuild(
        context=_EMPTY_CONTEXT,
        dockerfile=path,
        contents=text,
        fast=fast,
        platform=script.environ.get("DOCKER_DEFAULT_PLATFORM", ""),
    )
    # The Dockerfile is watched as a configuration file: its text is part of the declaration.
    files = FileRule(ignores=(Ignore(base=path),))
    return Image(name=name, build=build, files=files, inference=InferenceMode.OFF)


def _caches(value: object) -> tuple[str, ...]:
    for item in conversions.items(value):
        if not isinstance(item, str):
            raise UserError(f"cache param {to_repr(item)} is a {type_name(item)}; must be a string")
        if not item.startswith("/"):
            raise UserError(f'cache "{item}" is not absolute', hint="name a directory of the image: `/go/pkg`")
    return tuple(posixpath.normpath(str(item)) for item in conversions.items(value))


def _is_below(path: str, parent: str) -> bool:
    return path == parent or path.startswith(f"{parent.rstrip('/')}/")
