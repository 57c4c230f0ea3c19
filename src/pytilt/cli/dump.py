"""`tilt dump`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pytilt.cli.client import SessionClient
from pytilt.cli.commands import group
from pytilt.cli.options import PROJECT_OPTIONS, SESSION_OPTIONS
from pytilt.cli.parsing import Argument, OneOf, Option
from pytilt.errors import UserError
from pytilt.model.api.words import KINDS, find_words
from pytilt.model.logs import Level
from pytilt.settings import Settings

if TYPE_CHECKING:
    from pytilt.images.listing import ListedFile
    from pytilt.model.images import Image
    from pytilt.model.resources import Declaration


@group("dump")
def command() -> None:
    """Print what is known, in forms that may change with every version.

    \b
    Examples:
      tilt dump engine
      tilt dump context shop/web
    """


@command.subcommand(
    "engine",
    *SESSION_OPTIONS,
)
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


@command.subcommand(
    "context",
    Argument("image"),
    Argument("args", several=True),
    Option("-o", "--output", type=OneOf("text", "json"), default="text", help="Form of the output."),
    *PROJECT_OPTIONS,
)
def context_command(
    image: str, args: tuple[str, ...], output: str, tiltfile: str, context: str | None, namespace: str | None
) -> None:
    """List the files of an image: its build context, or what a `custom_build` watches.

    Each file that is left out has `-` and the rule: file and line of an ignore file, or the argument. `~` is sent, and
    its changes are not watched. `->` says where a live update brings a file. Of a `fast_build` these are the places of
    what is added.

    The Tiltfile is evaluated; nothing is built.

    \b
    Examples:
      tilt dump context shop/web
      tilt dump context shop/web -o json
    """
    from pytilt.images.listing import list_image

    declaration, found = _image(image, args, tiltfile, context, namespace)
    directory = str(Path(tiltfile).absolute().parent)
    files = list(list_image(found, declaration.ignores, directory))
    if output == "json":
        listed = [{"path": file.path, "included": True, "watched": True, **msgspec.to_builtins(file)} for file in files]
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(listed), indent=2).decode() + "\n")
    elif not files:
        print("(an empty context)")
    else:
        for file in files:
            _print(file, directory)


def _print(file: "ListedFile", directory: str) -> None:
    mark = "-" if not file.included else " " if file.watched else "~"
    brought = f"  -> {', '.join(file.synced_to)}" if file.synced_to else ""
    rule = f"  ({file.rule.shown(directory)})" if file.rule is not None else ""
    print(f"{mark} {file.path}{brought}{rule}")


def _image(
    name: str, args: tuple[str, ...], tiltfile: str, context: str | None, namespace: str | None
) -> tuple["Declaration", "Image"]:
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
    return result.declaration, images[name]


def _quiet(text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
    """A `Log`: what the Tiltfile prints is not what is asked for."""
