"""`docker_compose` and `dc_resource`."""

import hashlib
import os
import posixpath
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from pytilt.dialect import type_name
from pytilt.errors import UserError
from pytilt.model import references
from pytilt.model.files import Ignore
from pytilt.model.names import ImageName, ResourceName
from pytilt.model.regex import regex
from pytilt.model.resources import ComposeProject
from pytilt.tiltfile.arguments import conversions
from pytilt.tiltfile.arguments.conversions import (
    Flag,
    Labels,
    Links,
    LocalPath,
    Sequenced,
    StringOrStrings,
    Text,
    TriggerMode,
)
from pytilt.tiltfile.arguments.values import Blob
from pytilt.tiltfile.compose.files import environment_file, project_name, read_project
from pytilt.tiltfile.compose.paths import Config
from pytilt.tiltfile.compose.services import normalized
from pytilt.tiltfile.running.declared import DeclaredProject, DeclaredService
from pytilt.tiltfile.running.functions import function
from pytilt.tiltfile.running.ignore_files import context_ignores
from pytilt.tiltfile.running.script import Script, UnreadableError

_PROFILES = "COMPOSE_PROFILES"
_PROJECT = regex(r"[a-z0-9][a-z0-9_-]*")
_DOT_ENV = ".env"


class ComposeBuiltins:
    """The functions for Docker Compose: what they declare is listed, and run by nothing here yet.

    Args:
        script: the running script.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self._own_files: set[str] = set()
        """Those that hold texts of the Tiltfile."""

    @function("docker_compose")
    def docker_compose(
        self,
        configPaths: object,  # noqa: N803 - the Tiltfile's signature
        env_file: LocalPath | None = None,
        project_name: Text = "",
        profiles: StringOrStrings | None = None,
        wait: Flag = False,
    ) -> None:
        """Declare the services of Compose files."""
        given = conversions.items(configPaths)
        if not given:
            raise UserError("Nothing to compose")
        if project_name and not _PROJECT.fullmatch(project_name):
            raise UserError(
                f'invalid project name "{project_name}": must consist only of lowercase alphanumeric characters, '
                "hyphens, and underscores as well as start with a letter or number"
            )
        if env_file:
            self._script.watch(env_file)
        project = self._project(given, project_name, env_file or "", self._profiles(profiles), wait=wait)
        known = self._script.composes.get(project.name)
        if known is not None:
            paths = tuple(dict.fromkeys((*known.project.config_paths, *project.config_paths)))
            merged = replace(known.project, config_paths=paths, env_file=project.env_file or known.project.env_file)
            known.project = merged
        else:
            known = self._script.composes.setdefault(project.name, DeclaredProject(project, self._script.file))
        self._load(known)

    @function("dc_resource")
    def dc_resource(
        self,
        name: Text,
        image: object = None,
        trigger_mode: TriggerMode = None,
        resource_deps: Sequenced | None = None,
        infer_links: Flag | None = None,
        links: Links = (),
        labels: Labels = (),
        auto_init: Flag | None = None,
        project_name: Text = "",
        new_name: Text = "",
    ) -> None:
        """Configure a service of Docker Compose."""
        if not name:
            raise UserError("dc_resource: `name` must not be empty")
        if image is not None and not isinstance(image, str):
            raise UserError(f"image arg must be a string; got {type_name(image)}")
        project, service = self._service(name, project_name)
        if new_name:
            self._check_name(conversions.name(new_name))
            project.rename(service, ResourceName(new_name))
        try:
            deps = conversions.texts(resource_deps)
        except UserError as error:
            raise UserError(f"dc_resource: resource_deps: {error.message}") from error
        service.trigger_mode = trigger_mode or service.trigger_mode
        service.infer_links = service.infer_links if infer_links is None else infer_links
        service.auto_init = service.auto_init if auto_init is None else auto_init
        service.links += links
        service.labels = tuple(dict.fromkeys((*service.labels, *labels)))
        service.resource_deps = tuple(dict.fromkeys((*service.resource_deps, *deps)))
        if isinstance(image, str):
            service.image = references.image_name(image)

    def _profiles(self, given: tuple[str, ...] | None) -> tuple[str, ...]:
        said = self._script.environ.get(_PROFILES, "")
        return given if given is not None else tuple(said.split(",")) if said else ()

    def _project(
        self, given: list[object], name: str, env_file: str, profiles: tuple[str, ...], *, wait: bool
    ) -> ComposeProject:
        paths: list[str] = []
        directory = ""
        for item in given:
            if isinstance(item, Blob):
                paths.append(_kept(item.text))
                self._own_files.add(paths[-1])
                continue
            try:
                path = conversions.path(item, self._script.directory)
            except UserError as error:
                raise UserError(f"expected blob | path (string). Actual type: {type_name(item)}") from error
            directory = directory or posixpath.dirname(path)
            self._script.watch(path)
            paths.append(path)
        directory = directory or self._script.directory
        return ComposeProject(
            name=name or project_name(posixpath.basename(directory)),
            path=directory,
            config_paths=tuple(paths),
            env_file=env_file,
            profiles=profiles,
            wait=wait,
        )

    def _read(self, path: str) -> str:
        return self._script.read(path, watch=path not in self._own_files)

    def _load(self, declared: DeclaredProject) -> None:
        """Read the files of a project anew, all of them."""
        project = declared.project
        environ = self._environ(project)
        services = read_project(project.config_paths, project.path, environ, self._read)["services"]
        wanted = {name: service for name, service in services.items() if _is_wanted(service, project.profiles)}
        old, declared.services = declared.services, []
        for name in _in_order(wanted):
            self._check_name(name)
            config = normalized(wanted[name], project.path, environ, self._text)
            for file in config.get("env_file", ()):
                self._script.watch(file["path"])
            known = next((each for each in old if each.service == name), None)
            deps = tuple(sorted({*(known.resource_deps if known else ()), *config.get("depends_on", ())}))
            made = known or DeclaredService(name=ResourceName(name), service=name)
            made.config, made.resource_deps, made.config_image = config, deps, _image(config, project, name)
            made.ignores = self._ignores(config)
            declared.services.append(made)

    def _ignores(self, config: Config) -> tuple[Ignore, ...]:
        """What of the context of a service is no part of its image."""
        build = config.get("build")
        if not build or not posixpath.isabs(context := str(build["context"])):
            return ()
        dockerfile = posixpath.normpath(posixpath.join(context, str(build.get("dockerfile") or "Dockerfile")))
        return context_ignores(self._script, (context,), dockerfile=dockerfile)[1:]  # all but the Tiltfile itself

    def _environ(self, project: ComposeProject) -> Mapping[str, str]:
        """What variables in the files stand for: the environment before the files of variables."""
        path = project.env_file or posixpath.join(project.path, _DOT_ENV)
        try:
            text = self._script.read(path, watch=False)
        except UnreadableError:
            if project.env_file:
                raise
            return self._script.environ
        found = environment_file(text, self._script.environ)
        own = {name: value for name, value in found.items() if value is not None}
        return {**own, **self._script.environ, "COMPOSE_PROJECT_NAME": project.name}

    def _text(self, path: str) -> str:
        return self._script.read(path, watch=False)

    def _check_name(self, name: str) -> None:
        if any(one.name == name for one in self._script.locals):
            raise UserError(f'local_resource named "{name}" already exists')
        services = [each for project in self._script.composes.values() for each in project.services]
        if any(each.name == name for each in services):
            raise UserError(f'dc_resource named "{name}" already exists')

    def _service(self, name: str, project: str) -> tuple[DeclaredProject, DeclaredService]:
        projects = [each for each in self._script.composes.values() if project in ("", each.project.name)]
        found = [(each, service) for each in projects for service in each.services if service.name == name]
        if not found:
            names = "; ".join(service.name for each in projects for service in each.services)
            raise UserError(f'no Docker Compose service found with name "{name}". Found these instead:\n\t{names}')
        return found[0]


def _image(config: Config, project: ComposeProject, name: str) -> ImageName:
    text = str(config.get("image") or f"{project.name}_{name}")
    try:
        return references.image_name(text)
    except UserError as error:
        raise UserError(f'getting service {name}: Error parsing image name "{text}": {error.message}') from error


def _is_wanted(service: Config, profiles: tuple[str, ...]) -> bool:
    own = service.get("profiles") or ()
    return not own or "*" in profiles or any(each in profiles for each in own)


def _in_order(services: Mapping[str, Config]) -> list[str]:
    """The names of services, each after those that it depends on, else by name."""
    done: dict[str, None] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise UserError(f"dependency cycle detected: {' -> '.join([*path[path.index(name) :], name])}")
        for dependency in sorted(services[name].get("depends_on") or ()):
            if dependency in services:
                visit(dependency, (*path, name))
            elif not _is_optional(services[name], dependency):
                raise UserError(
                    f'service "{name}" depends on undefined service "{dependency}": invalid compose project'
                )
        done[name] = None

    for name in sorted(services):
        visit(name, ())
    return list(done)


def _is_optional(service: Config, dependency: str) -> bool:
    depends = service["depends_on"]
    return isinstance(depends, dict) and (depends[dependency] or {}).get("required") is False


def _kept(text: str) -> str:
    """A file with a text that came from the Tiltfile; the same text gives the same file."""
    import tempfile  # imported here: hardly a Tiltfile holds a Compose file

    digest = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
    folder = Path(tempfile.gettempdir(), f"tilt-compose-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{digest}.yml"
    path.write_text(text, errors="surrogateescape")
    return str(path)
