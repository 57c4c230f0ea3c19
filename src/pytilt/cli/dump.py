"""`tilt dump`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from msgspec.structs import replace

from pytilt.cli.client import SessionClient
from pytilt.cli.flags import TiltCommand
from pytilt.cli.options import project_options, session_options
from pytilt.errors import UserError
from pytilt.images.context import EMPTY
from pytilt.model.api.words import KINDS, find_words
from pytilt.model.files import Ignore
from pytilt.model.images import DockerBuild
from pytilt.model.logs import Level
from pytilt.settings import Settings

if TYPE_CHECKING:
    from pytilt.images.listing import ContextFile
    from pytilt.model.images import Image


@click.group("dump")
def command() -> None:
    """Print what is known, in forms that may change with every version.

    \b
    Examples:
      tilt dump engine
      tilt dump context shop/web
    """


@command.command("engine", cls=TiltCommand)
@session_options
def engine_command(host: str | None, port: int | None) -> None:
    """Print all that a running session knows but for its log, as JSON.

    \b
    Example:
      tilt dump engine
    """
    client = SessionClient(Settings.from_environment(), host, port)
    everything = {
        kind.plural if find_words(kind.plural) is kind else kind.resource: client.items(kind.resource)["items"]
        for kind in KINDS
    }
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(everything), indent=2).decode() + "\n")


@command.command("context", cls=TiltCommand)
@click.argument("image")
@click.argument("args", nargs=-1)
@project_options
def context_command(
    image: str, args: tuple[str, ...], tiltfile: str, context: str | None, namespace: str | None
) -> None:
    """List the files of an image's build context, and the rule that leaves out each of the others.

    Of a `fast_build` these are the places of what is added.

    The Tiltfile is evaluated; nothing is built.

    \b
    Example:
      tilt dump context shop/web
    """
    from pytilt.images.listing import list_context

    found = _image(image, args, tiltfile, context, namespace)
    build = found.build
    if not isinstance(build, DockerBuild):
        raise UserError(f"{image} is built by a command, which has no build context")
    adds = build.fast.adds if build.fast is not None else ()
    if build.context == EMPTY and not adds:
        print("(an empty context)")
        return
    for add in adds:
        if not Path(add.local).is_dir():
            print(f"  {add.place('', of_file=True)}")
            continue
        for file in list_context(add.local, build.context_ignores):
            _print(replace(file, name=add.place(file.name, of_file=False)))
    for file in list_context(build.context, build.context_ignores) if not adds else ():
        _print(file)


def _print(file: "ContextFile") -> None:
    rule = file.ignored_by
    print(f"  {file.name}" if rule is None else f"- {file.name}  ({_shown(rule)})")


def _image(name: str, args: tuple[str, ...], tiltfile: str, context: str | None, namespace: str | None) -> "Image":
    from pytilt.session.project import find_project
    from pytilt.session.standalone import evaluate_once

    project = find_project(Settings.from_environment(), tiltfile, args, context=context, namespace=namespace)
    result = evaluate_once(project, "dump context", _quiet)
    if result.declaration is None:
        raise UserError(result.error or "the Tiltfile cannot be evaluated")
    images = {str(image.name): image for each in result.declaration.resources for image in each.images}
    if name not in images:
        known = ", ".join(images) or "none"
        raise UserError(f"no resource uses an image `{name}` that is built here", hint=f"there are: {known}")
    return images[name]


def _shown(rule: Ignore) -> str:
    return f"{', '.join(rule.patterns)} of {rule.base}" if rule.patterns else rule.base


def _quiet(text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
    """A `Log`: what the Tiltfile prints is not what is asked for."""
