"""`tilt create`."""

from __future__ import annotations

import sys
from pathlib import Path

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import group
from pytilt.cli.command_line.options import SESSION_OPTIONS, split_by_commas
from pytilt.cli.command_line.parsing import Argument, Option
from pytilt.cli.objects.results import ResultPrinter
from pytilt.cli.objects.writing_options import DRY_RUN_OPTION, WRITE_OPTIONS, DryRun
from pytilt.cli.selection.addressing import Address, known_kind, manifests, names_files, parsed
from pytilt.cli.selection.object_options import FILE_OPTIONS, PRINT_OPTIONS
from pytilt.cli.terminal.editing import edited_text
from pytilt.errors import UserError
from pytilt.model.api.words import GROUP_VERSION, find_words
from pytilt.model.json_text import Json
from pytilt.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Unpack

    from pytilt.cli.selection.object_options import FileFlags, PrintFlags

    class CreateFlags(FileFlags, PrintFlags):
        """Files, and how what was done is printed."""


_BY_KIND = {"Cmd": "cmd", "FileWatch": "filewatch", "Extension": "ext", "ExtensionRepo": "repo"}


def _command_of(word: str) -> str:
    """The command that a word means: every word for a kind does, `fw` or `filewatches`."""
    kind = find_words(word)
    name = _BY_KIND.get(kind.name) if kind is not None else None
    if kind is not None and name is None:
        raise UserError(
            f"a {kind.name} cannot be made of words",
            hint=f"write it to a file: `tilt create -f {kind.name.lower()}.yaml`",
        )
    return name or word


@group(
    "create",
    *FILE_OPTIONS,
    Option("-l", "--selector", help="Only objects with these labels: `key=value,…`."),
    Option("--edit", is_flag=True, help="Open an editor on each object before."),
    DRY_RUN_OPTION,
    *PRINT_OPTIONS,
    *WRITE_OPTIONS,
    *SESSION_OPTIONS,
    find=_command_of,
    alone=True,
)
def command(
    selector: str | None,
    edit: bool,
    dry_run: DryRun,
    host: str | None,
    port: int | None,
    **flags: Unpack[CreateFlags],
) -> int:
    """Make objects of a running session: those of files, or one by words.

    \b
    Examples:
      tilt create -f button.yaml
      tilt create -f objects/ -R --dry-run=server
      tilt create cmd hello echo "hello world"
      tilt create filewatch sources src
    """
    if not names_files(flags):
        raise UserError("say what to make", hint="`tilt create -f FILE`, or `tilt create cmd NAME COMMAND…`")
    printer = ResultPrinter(flags, dry_run.mark)
    settings = Settings.from_environment()
    client = SessionClient(settings, host, port)
    status = 0
    for each in manifests(flags, selector=selector):
        address, wanted = _edited(each, settings.editor) if edit else each
        try:
            _make(client, printer, address, wanted, dry_run)
        except UserError as problem:  # the others are made all the same
            print(problem, file=sys.stderr, flush=True)
            status = 1
    return status


@command.subcommand(
    "cmd",
    Argument("name"),
    Argument("args", several=True, required=True),
    Option("-e", "--env", multiple=True, help="A variable of its environment, `NAME=VALUE`; may be repeated."),
    Option("-w", "--workdir", help="Where it runs; without, in the folder of this command."),
    Option(
        "--filewatch",
        "watches",
        multiple=True,
        convert=split_by_commas,
        help="Run it again when files of these FileWatches change: `sources,tests`; may be repeated.",
    ),
    *PRINT_OPTIONS,
    *SESSION_OPTIONS,
    options_first=True,
)
def cmd(
    name: str,
    args: tuple[str, ...],
    env: tuple[str, ...],
    workdir: str | None,
    watches: tuple[str, ...],
    host: str | None,
    port: int | None,
    **flags: Unpack[PrintFlags],
) -> None:
    """Make a Cmd: a command that the session runs, at once or when files change.

    Options stand before NAME; what follows it is the command.

    \b
    Examples:
      tilt create cmd hello echo "hello world"
      tilt create cmd --filewatch sources --env CI=1 tests sh -c 'make test && echo well'
    """
    spec: Json = {"args": list(args), "dir": str(Path.cwd() / (workdir or ""))}
    if env:
        spec["env"] = list(env)
    if watches:
        spec["restartOn"] = {"fileWatches": list(watches)}
    _make_one("Cmd", name, spec, host, port, flags)


@command.subcommand(
    "filewatch",
    Argument("name"),
    Argument("paths", several=True, required=True),
    Option(
        "--ignore",
        "ignores",
        multiple=True,
        convert=split_by_commas,
        help="Leave files out, in the language of `.dockerignore`: `*.log,build`; may be repeated.",
    ),
    *PRINT_OPTIONS,
    *SESSION_OPTIONS,
)
def filewatch(
    name: str,
    paths: tuple[str, ...],
    ignores: tuple[str, ...],
    host: str | None,
    port: int | None,
    **flags: Unpack[PrintFlags],
) -> None:
    """Make a FileWatch: its status says which of these files have changed.

    \b
    Example:
      tilt create filewatch sources src web --ignore=web/node_modules
    """
    here = Path.cwd()
    spec: Json = {"watchedPaths": [str(here / path) for path in paths]}
    if ignores:
        spec["ignores"] = [{"basePath": str(here), "patterns": list(ignores)}]
    _make_one("FileWatch", name, spec, host, port, flags)


@command.subcommand(
    "ext",
    Argument("name"),
    Argument("args", several=True),
    Option("--repo", default="default", show_default=True, help="The ExtensionRepo that has it."),
    Option("--path", help="Its folder in the repository; without, its name."),
    *PRINT_OPTIONS,
    *SESSION_OPTIONS,
)
def ext(
    name: str,
    args: tuple[str, ...],
    repo: str,
    path: str | None,
    host: str | None,
    port: int | None,
    **flags: Unpack[PrintFlags],
) -> None:
    """Add an extension to a running session, until it ends: it runs as a Tiltfile of its own beside the project's.

    To have it in every session, write `v1alpha1.extension(…)` into the Tiltfile.

    \b
    Examples:
      tilt create ext cancel
      tilt create ext my-kubefwd --path=./kubefwd -- --namespaces=default
    """
    spec: Json = {"repoName": repo, "repoPath": path or name}
    if args:
        spec["args"] = list(args)
    _make_one("Extension", name, spec, host, port, flags)


@command.subcommand(
    "repo",
    Argument("name"),
    Argument("url"),
    Option("--ref", default="", help="The branch, tag or commit."),
    *PRINT_OPTIONS,
    *SESSION_OPTIONS,
)
def repo(name: str, url: str, ref: str, host: str | None, port: int | None, **flags: Unpack[PrintFlags]) -> None:
    """Add a repository of extensions to a running session, until it ends.

    To have it in every session, write `v1alpha1.extension_repo(…)` into the Tiltfile.

    \b
    Examples:
      tilt create repo own https://github.com/example/tilt-extensions --ref v2
      tilt create repo here file:///home/me/extensions
    """
    spec = {"url": url, "ref": ref} if ref else {"url": url}
    _make_one("ExtensionRepo", name, spec, host, port, flags)


def _make_one(kind: str, name: str, spec: Json, host: str | None, port: int | None, flags: PrintFlags) -> None:
    printer = ResultPrinter(flags)
    body = {"apiVersion": GROUP_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
    client = SessionClient(Settings.from_environment(), host, port)
    _make(client, printer, Address(kind=known_kind(kind), name=name), body, DryRun.NONE)


def _make(client: SessionClient, printer: ResultPrinter, address: Address, body: Json, dry_run: DryRun) -> None:
    made = body
    if dry_run is not DryRun.CLIENT:
        made = client.create(address.kind.resource, body, dry_run=dry_run is DryRun.SERVER)
    printer.done(address, made, "created")


def _edited(each: tuple[Address, Json], editor: str) -> tuple[Address, Json]:
    """An object as it is after somebody has edited it."""
    import yaml

    text = yaml.safe_dump(each[1], sort_keys=False, allow_unicode=True)
    edited = edited_text(text, editor, extension=".yaml")
    found = parsed(edited, "the edited object")
    if len(found) != 1:
        raise UserError("the edited file must hold exactly one object")
    return found[0]
