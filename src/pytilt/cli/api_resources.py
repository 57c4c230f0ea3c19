"""`tilt api-resources`."""

from pytilt.cli.commands import subcommand
from pytilt.cli.options import SESSION_OPTIONS
from pytilt.cli.parsing import OneOf, Option
from pytilt.cli.printing import cells, filled
from pytilt.model.api.words import GROUP, KINDS


@subcommand(
    "api-resources",
    Option("-o", "--output", type=OneOf("wide", "name"), help="With the verbs of each, or names alone."),
    Option("--no-headers", is_flag=True, help="Print no header line."),
    *SESSION_OPTIONS,
)
def command(output: str | None, no_headers: bool, host: str | None, port: int | None) -> None:
    """List the kinds of objects that sessions have.

    \b
    Examples:
      tilt api-resources
      tilt api-resources -o name
    """
    del host, port
    listed = sorted(KINDS, key=lambda kind: (kind.group != GROUP, kind.plural))
    if output == "name":
        print("\n".join(kind.resource for kind in listed))
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
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("   ".join(filled(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip())
