"""Options of kubectl's that the commands for objects share."""

import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypedDict

import click

from pytilt.cli.options import split_by_commas
from pytilt.errors import UserError

Decorated = Callable[..., Any]

OBJECT_FORMS_SHOWN = "json|yaml|name|jsonpath=…|go-template=…"
TABLE_FORMS_SHOWN = "json|yaml|name|wide|jsonpath=…|go-template=…|custom-columns=…"


class PrintFlags(TypedDict):
    """What `print_options` hand on."""

    output: str | None
    template: str | None
    allow_missing_template_keys: bool


class FileFlags(TypedDict):
    """What `file_options` hand on."""

    files: tuple[str, ...]
    kustomize: str | None
    recursive: bool


class TableFlags(PrintFlags):
    """What `table_options` hand on."""

    no_headers: bool
    show_kind: bool
    show_labels: bool
    label_columns: tuple[str, ...]


class DryRun(StrEnum):
    """How far a change is only tried."""

    NONE = "none"
    CLIENT = "client"
    SERVER = "server"

    @property
    def mark(self) -> str:
        """What follows the message of what was done."""
        return {"none": "", "client": " (dry run)", "server": " (server dry run)"}[self]


def print_options(function: Decorated) -> Decorated:
    """`-o` and what belongs to it, where an object is printed."""
    return _form_options(function, OBJECT_FORMS_SHOWN)


def _form_options(function: Decorated, forms: str) -> Decorated:
    for option in (
        inert_switch("--show-managed-fields", "objects of a session have no managed fields"),
        click.option(
            "--allow-missing-template-keys",
            is_flag=True,
            default=True,
            help="`=false`: what a template names and an object does not have is an error.",
        ),
        click.option("--template", help="The template for `-o go-template`; `-o go-template-file` takes its path."),
        click.option(
            "-o",
            "--output",
            metavar=forms,
            help=f"Form of the output: `{forms.replace('|', '`, `')}`, and the others of kubectl.",
        ),
    ):
        function = option(function)
    return function


def table_options(function: Decorated) -> Decorated:
    """What a table shows, and `-o` where objects are listed."""
    for option in (
        click.option("--show-labels", is_flag=True, help="A column with all labels."),
        click.option("--show-kind", is_flag=True, help="Print names with their kinds."),
        click.option(
            "-L",
            "--label-columns",
            multiple=True,
            callback=split_by_commas,
            help="A column for each of these labels: `team,tier`; may be repeated.",
        ),
        click.option("--no-headers", is_flag=True, help="Print no header line."),
    ):
        function = option(function)
    return _form_options(function, TABLE_FORMS_SHOWN)


def file_options(function: Decorated) -> Decorated:
    """`-f`, `-k` and `-R`."""
    for option in (
        click.option("-R", "--recursive", is_flag=True, help="Read the folders inside of a folder of `-f`, too."),
        click.option("-k", "--kustomize", hidden=True, help="Not there: `kustomize build DIR | tilt … -f -` does it."),
        click.option(
            "-f",
            "--filename",
            "files",
            multiple=True,
            callback=split_by_commas,
            help="A file with objects, a folder, a URL or a pattern, or `-` for stdin; may be repeated.",
        ),
    ):
        function = option(function)
    return function


def dry_run_option(function: Decorated) -> Decorated:
    """`--dry-run`."""
    return click.option(
        "--dry-run",
        is_flag=False,
        flag_value="client",
        default="none",
        callback=_dry_run,
        metavar="|".join(DryRun),
        help="Only say what would be done: `client` sends nothing, `server` has the session check it.",
    )(function)


def inert_switch(name: str, why: str, *short: str) -> Callable[[Decorated], Decorated]:
    """A switch of kubectl's for which there is nothing to switch; it is accepted and not listed.

    Args:
        name: of the switch.
        why: it changes nothing, for its help.
        short: other names.
    """
    return click.option(
        *short, name, is_flag=True, expose_value=False, hidden=True, help=f"Changes nothing here: {why}."
    )


def inert_option(
    name: str, why: str, *short: str, bare: str | None = None, multiple: bool = False
) -> Callable[[Decorated], Decorated]:
    """The same for an option with a value.

    Args:
        name: of the option.
        why: it changes nothing, for its help.
        short: other names.
        bare: its value where none is written.
        multiple: may it be repeated?
    """
    text = f"Changes nothing here: {why}."
    if bare is not None:
        return click.option(name, is_flag=False, flag_value=bare, expose_value=False, hidden=True, help=text)
    return click.option(*short, name, multiple=multiple, expose_value=False, hidden=True, help=text)


def write_options(function: Decorated) -> Decorated:
    """Options of kubectl's for what an API server does with a write, and the objects of a session have no use for."""
    for option in (
        inert_option("--validate", "objects are always checked", bare="strict"),
        inert_option("--field-manager", "nobody manages single fields"),
        inert_switch("--save-config", "nothing is kept beside an object"),
        inert_switch("--windows-line-endings", "line ends are those of this machine"),
    ):
        function = option(function)
    return function


def removal_options(function: Decorated) -> Decorated:
    """Options of kubectl's on how an object goes; here it is gone at once."""
    gone = "an object is gone at once"
    for option in (
        inert_option("--cascade", "what belongs to an object goes with it", bare="background"),
        inert_option("--grace-period", gone),
        inert_option("--timeout", gone),
        inert_switch("--force", gone),
        inert_switch("--wait", gone),
    ):
        function = option(function)
    return function


def refuse_kustomize(folder: str | None, command: str) -> None:
    """Say what to do in the place of `-k`.

    Raises:
        UserError: always, where it was given.
    """
    if folder is not None:
        raise UserError(
            "`-k` is not there: kustomize has no use for the objects of a session",
            hint=f"`kustomize build {folder} | tilt {command} -f -`",
        )


def _dry_run(_: click.Context, __: click.Parameter, value: str) -> DryRun:
    if value in ("true", "unchanged"):
        print("--dry-run is deprecated and can be replaced with --dry-run=client", file=sys.stderr)
        return DryRun.CLIENT
    if value == "false":
        return DryRun.NONE
    if value not in tuple(DryRun):
        raise UserError(f'Invalid dry-run value ({value}). Must be "none", "server", or "client".')
    return DryRun(value)
