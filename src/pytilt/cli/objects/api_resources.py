"""`tilt api-resources`."""

import sys

from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import SESSION_OPTIONS, split_by_commas
from pytilt.cli.command_line.parsing import OneOf, Option
from pytilt.cli.selection.object_options import inert_switch
from pytilt.cli.terminal.cells import cells, filled
from pytilt.model.api.words import GROUP, KINDS


@subcommand(
    "api-resources",
    Option("-o", "--output", type=OneOf("wide", "name"), help="With the verbs of each, or names alone."),
    Option("--no-headers", is_flag=True, help="Print no header line."),
    Option("--api-group", help="Only kinds of this group: `tilt.dev` or `pytilt.dev`."),
    Option("--namespaced", is_flag=True, help="Only kinds whose objects are in namespaces, which none is."),
    Option("--sort-by", type=OneOf("name", "kind"), help="In this order, in the place of by group and name."),
    Option(
        "--verbs",
        multiple=True,
        convert=split_by_commas,
        help="Only kinds that can do this: `create,watch`; may be repeated.",
    ),
    inert_switch("--cached", "nobody is asked"),
    *SESSION_OPTIONS,
)
def command(
    output: str | None,
    no_headers: bool,
    api_group: str | None,
    namespaced: bool,
    sort_by: str | None,
    verbs: tuple[str, ...],
    host: str | None,
    port: int | None,
) -> None:
    """List the kinds of objects that sessions have.

    \b
    Examples:
      tilt api-resources
      tilt api-resources -o name
      tilt api-resources --api-group=tilt.dev --verbs=create
    """
    del host, port
    chosen = [
        each for each in KINDS if api_group in (None, each.group) and not namespaced and {*verbs} <= {*each.verbs}
    ]
    if sort_by:
        listed = sorted(chosen, key=lambda kind: (kind.name if sort_by == "kind" else kind.plural, kind.group != GROUP))
    else:
        listed = sorted(chosen, key=lambda kind: (kind.group != GROUP, kind.plural))
    if output == "name":
        sys.stdout.writelines(f"{kind.resource}\n" for kind in listed)
        return
    wide = output == "wide"
    rows = [
        [
            kind.plural,
            ",".join(kind.short),
            kind.group_version,
            "false",
            kind.name,
            *([",".join(kind.verbs)] if wide else []),
        ]
        for kind in listed
    ]
    if not no_headers:
        rows.insert(0, ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", *(["VERBS"] if wide else [])])
    if not rows:
        return
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("   ".join(filled(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip())
