"""Options of kubectl's that the commands for objects share."""

import sys
from enum import StrEnum
from typing import TypedDict

from pytilt.cli.options import split_by_commas
from pytilt.cli.parsing import Option
from pytilt.errors import UserError

OBJECT_FORMS_SHOWN = "json|yaml|name|jsonpath=…|go-template=…"
TABLE_FORMS_SHOWN = "json|yaml|name|wide|jsonpath=…|go-template=…|custom-columns=…"


class PrintFlags(TypedDict):
    """What `PRINT_OPTIONS` hand on."""

    output: str | None
    template: str | None
    allow_missing_template_keys: bool


class FileFlags(TypedDict):
    """What `FILE_OPTIONS` hand on."""

    files: tuple[str, ...]
    kustomize: str | None
    recursive: bool


class TableFlags(PrintFlags):
    """What `TABLE_OPTIONS` hand on."""

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


def inert_switch(name: str, why: str, *short: str) -> Option:
    """A switch of kubectl's for which there is nothing to switch; it is accepted and not listed.

    Args:
        name: of the switch.
        why: it changes nothing, for its help.
        short: other names.
    """
    return Option(*short, name, is_flag=True, exposed=False, hidden=True, help=f"Changes nothing here: {why}.")


def inert_option(name: str, why: str, *short: str, bare: str | None = None, multiple: bool = False) -> Option:
    """The same for an option with a value.

    Args:
        name: of the option.
        why: it changes nothing, for its help.
        short: other names.
        bare: its value where none is written.
        multiple: may it be repeated?
    """
    text = f"Changes nothing here: {why}."
    return Option(*short, name, bare=bare, multiple=multiple, exposed=False, hidden=True, help=text)


def _form_options(forms: str) -> tuple[Option, ...]:
    return (
        Option(
            "-o",
            "--output",
            metavar=forms,
            help=f"Form of the output: `{forms.replace('|', '`, `')}`, and the others of kubectl.",
        ),
        Option("--template", help="The template for `-o go-template`; `-o go-template-file` takes its path."),
        Option(
            "--allow-missing-template-keys",
            is_flag=True,
            default=True,
            help="`=false`: what a template names and an object does not have is an error.",
        ),
        inert_switch("--show-managed-fields", "objects of a session have no managed fields"),
    )


PRINT_OPTIONS = _form_options(OBJECT_FORMS_SHOWN)
"""`-o` and what belongs to it, where an object is printed."""

TABLE_OPTIONS = (
    *_form_options(TABLE_FORMS_SHOWN),
    Option("--no-headers", is_flag=True, help="Print no header line."),
    Option(
        "-L",
        "--label-columns",
        multiple=True,
        convert=split_by_commas,
        help="A column for each of these labels: `team,tier`; may be repeated.",
    ),
    Option("--show-kind", is_flag=True, help="Print names with their kinds."),
    Option("--show-labels", is_flag=True, help="A column with all labels."),
)
"""What a table shows, and `-o` where objects are listed."""

FILE_OPTIONS = (
    Option(
        "-f",
        "--filename",
        "files",
        multiple=True,
        convert=split_by_commas,
        help="A file with objects, a folder, a URL or a pattern, or `-` for stdin; may be repeated.",
    ),
    Option("-k", "--kustomize", hidden=True, help="Not there: `kustomize build DIR | tilt … -f -` does it."),
    Option("-R", "--recursive", is_flag=True, help="Read the folders inside of a folder of `-f`, too."),
)
"""Which files have the objects."""


def _dry_run(value: object) -> DryRun:
    if value in ("true", "unchanged"):
        print("--dry-run is deprecated and can be replaced with --dry-run=client", file=sys.stderr)
        return DryRun.CLIENT
    if value == "false":
        return DryRun.NONE
    if value not in tuple(DryRun):
        raise UserError(f'Invalid dry-run value ({value}). Must be "none", "server", or "client".')
    return DryRun(str(value))


DRY_RUN_OPTION = Option(
    "--dry-run",
    bare="client",
    default="none",
    convert=_dry_run,
    metavar="|".join(DryRun),
    help="Only say what would be done: `client` sends nothing, `server` has the session check it.",
)

WRITE_OPTIONS = (
    inert_switch("--windows-line-endings", "line ends are those of this machine"),
    inert_switch("--save-config", "nothing is kept beside an object"),
    inert_option("--field-manager", "nobody manages single fields"),
    inert_option("--validate", "objects are always checked", bare="strict"),
)
"""Options of kubectl's for what an API server does with a write, and the objects of a session have no use for."""

_GONE = "an object is gone at once"

REMOVAL_OPTIONS = (
    inert_switch("--wait", _GONE),
    inert_switch("--force", _GONE),
    inert_option("--timeout", _GONE),
    inert_option("--grace-period", _GONE),
    inert_option("--cascade", "what belongs to an object goes with it", bare="background"),
)
"""Options of kubectl's on how an object goes; here it is gone at once."""


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
