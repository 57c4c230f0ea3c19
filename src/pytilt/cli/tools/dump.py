"""`tilt dump`."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import group
from pytilt.cli.command_line.options import PROJECT_OPTIONS, SESSION_OPTIONS
from pytilt.cli.command_line.parsing import Argument, OneOf, Option
from pytilt.errors import UserError
from pytilt.model.api.words import KINDS, find_words
from pytilt.model.logs import Level
from pytilt.settings import Settings

if TYPE_CHECKING:
    from pytilt.images.listing import ListedFile
    from pytilt.model.images import Image
    from pytilt.model.resources import Declaration


FOLDER = Option("--dir", "folder", default=".", show_default=True, help="The folder.")


@group("dump")
def command() -> None:
    """Print what is known, in forms that may change with every version.

    \b
    Examples:
      tilt dump engine
      tilt dump webview
      tilt dump context shop/web
    """


@command.subcommand("engine", *SESSION_OPTIONS)
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


@command.subcommand("webview", *SESSION_OPTIONS)
def webview_command(host: str | None, port: int | None) -> None:
    """Print what the web page of a running session is made of, with its log, as JSON; the form is that of Tilt's page.

    \b
    Example:
      tilt dump webview
    """
    from pytilt.cli.display.webview import webview

    _write(webview(SessionClient(Settings.from_environment(), host, port)))


@command.subcommand("logstore", *SESSION_OPTIONS)
def logstore_command(host: str | None, port: int | None) -> None:
    """Print the whole log of a running session as JSON: segments of text, and whose they are.

    `tilt logs --json` prints it line by line.

    \b
    Example:
      tilt dump logstore
    """
    from pytilt.cli.display.webview import log_list

    _write(log_list(SessionClient(Settings.from_environment(), host, port)))


@command.subcommand("image-deploy-ref", Argument("ref"))
def image_deploy_ref(ref: str) -> None:
    """Print the name and tag by which an image is deployed that a command has built: for scripts of `custom_build`.

    \b
    Example:
      echo $(tilt dump image-deploy-ref $EXPECTED_REF)
    """
    sys.stdout.write(asyncio.run(_deploy_reference(ref)))


@command.subcommand("openapi")
def openapi_command() -> None:
    """Print the kinds of the API in the form of OpenAPI 2, for programs that make clients of it; no session is needed.

    \b
    Example:
      tilt dump openapi > swagger.json
    """
    from pytilt.views.openapi import openapi

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(openapi()), indent=2).decode() + "\n")


@command.subcommand("api-docs", FOLDER)
def api_docs(folder: str) -> None:
    """Write what a Tiltfile can call to `tiltfile.pyi` in a folder, with types and what it does, for editors.

    \b
    Example:
      tilt dump api-docs --dir stubs
    """
    from pytilt.tiltfile.stubs import stubs
    from pytilt.tiltfile.universe import known_names

    _write_files(folder, {"tiltfile.pyi": stubs(known_names())})


@command.subcommand("cli-docs", FOLDER)
def cli_docs(folder: str) -> None:
    """Write a page of Markdown on each command into a folder: `tilt_up.md`.

    \b
    Example:
      tilt dump cli-docs --dir pages
    """
    import click

    from pytilt.cli.command_line.program import tilt
    from pytilt.cli.command_line.reference import sections
    from pytilt.cli.command_line.table import COMMANDS

    context = click.Context(tilt, info_name="tilt")
    commands = ((name, tilt.get_command(context, name)) for name in COMMANDS)
    found = (page for name, each in commands if each is not None for page in sections(each, f"tilt {name}"))
    _write_files(folder, {f"{name.replace(' ', '_')}.md": text for name, text in found})


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


def _write(pieces: Iterator[bytes]) -> None:
    for piece in pieces:
        sys.stdout.write(piece.decode())
    sys.stdout.write("\n")


async def _deploy_reference(ref: str) -> str:
    from pytilt.docker.engine import Engine, content_tag
    from pytilt.model.references import parse

    name = parse(ref)
    async with Engine(Settings.from_environment()) as engine:
        found = await engine.image_id(ref)
    if found is None:
        raise UserError(f"there is no image `{ref}`", hint="build it first: `docker build -t $EXPECTED_REF .`")
    return f"{name.familiar_name}:{content_tag(found)}"


def _write_files(folder: str, files: dict[str, str]) -> None:
    if not Path(folder).is_dir():
        raise UserError(f"`{folder}` is no folder")
    for name, text in files.items():
        path = Path(folder, name)
        try:
            path.write_text(text)
        except OSError as problem:
            raise UserError(
                f"cannot be written: {(problem.strerror or str(problem)).lower()}", where=str(path)
            ) from problem
        print(f"wrote {path}")


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
