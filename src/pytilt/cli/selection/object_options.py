"""Options of kubectl's that the commands for objects share."""

from __future__ import annotations

from pytilt.cli.command_line.options import split_by_commas
from pytilt.cli.command_line.parsing import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

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


OBJECT_FORMS_SHOWN = "json|yaml|name|jsonpath=…|go-template=…"
TABLE_FORMS_SHOWN = "json|yaml|name|wide|jsonpath=…|go-template=…|custom-columns=…"


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
    Option("-k", "--kustomize", metavar="DIR", help="The objects that `kustomize` makes of a folder, instead of `-f`."),
    Option("-R", "--recursive", is_flag=True, help="Read the folders inside of a folder of `-f`, too."),
)
"""Which files have the objects."""
