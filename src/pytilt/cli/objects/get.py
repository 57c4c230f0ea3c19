"""`tilt get`."""

from __future__ import annotations

import sys

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import SESSION_OPTIONS
from pytilt.cli.command_line.parsing import Argument, Option
from pytilt.cli.selection.addressing import known_kinds
from pytilt.cli.selection.choosing import labelled, ordered, with_fields
from pytilt.cli.selection.object_options import TABLE_OPTIONS
from pytilt.cli.terminal.forms import TABLE_FORMS, read_form
from pytilt.cli.terminal.printers import ObjectPrinter
from pytilt.errors import NotFoundError, UserError
from pytilt.model.named_tuple import NamedTuple
from pytilt.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, Unpack

    from pytilt.cli.selection.choosing import Chooses
    from pytilt.cli.selection.object_options import TableFlags
    from pytilt.model.api.words import KindWords
    from pytilt.model.json_text import Json


class Wanted(NamedTuple):
    """Which objects are asked for."""

    names: tuple[str, ...]
    chooses: tuple[Chooses, ...]
    sort_by: str | None = None
    ignore_not_found: bool = False

    def chosen(self, item: Json) -> bool:
        """Is it one of them?"""
        return (not self.names or item["metadata"]["name"] in self.names) and all(each(item) for each in self.chooses)


@subcommand(
    "get",
    Argument("what"),
    Argument("names", several=True),
    Option("-l", "--selector", help="Only objects with these labels: `key=value,other!=value,key in (a, b)`."),
    Option("--field-selector", help="Only objects with these fields: `metadata.name=web`."),
    Option("--sort-by", help="Sort by this JSON path: `.metadata.name`."),
    Option("--ignore-not-found", is_flag=True, help="It is no error when an object that is named is not there."),
    Option("-w", "--watch", is_flag=True, help="Go on and print every change."),
    Option("--watch-only", is_flag=True, help="Print every change, but not what is there already."),
    *TABLE_OPTIONS,
    *SESSION_OPTIONS,
)
def command(
    what: str,
    names: tuple[str, ...],
    selector: str | None,
    field_selector: str | None,
    sort_by: str | None,
    ignore_not_found: bool,
    watch: bool,
    watch_only: bool,
    host: str | None,
    port: int | None,
    **shown: Unpack[TableFlags],
) -> None:
    """Show objects of a running session: all of a kind or of several kinds, or those named.

    \b
    Examples:
      tilt get uiresources
      tilt get uiresource web -o json
      tilt get uiresource/web -w
      tilt get uiresources,uibuttons
      tilt get cmds -o go-template='{{range .items}}{{.metadata.name}}{{"\\n"}}{{end}}'
      tilt get uiresource web -o jsonpath='{.status.runtimeStatus}'
      tilt get uiresources -o custom-columns=NAME:.metadata.name,STATUS:.status.runtimeStatus --no-headers
      tilt get uiresources -l team=web --sort-by=.metadata.creationTimestamp
      tilt get uiresources --show-labels
    """
    word, _, name = what.partition("/")
    kinds = known_kinds(word)
    printers = [_printer(kind, shown, several=len(kinds) > 1) for kind in kinds]
    chooses = ((labelled(selector),) if selector else ()) + ((with_fields(field_selector),) if field_selector else ())
    wanted = Wanted(
        names=(*((name,) if name else ()), *names),
        chooses=chooses,
        sort_by=sort_by,
        ignore_not_found=ignore_not_found,
    )
    client = SessionClient(Settings.from_environment(), host, port)
    if watch or watch_only:
        if len(kinds) > 1:
            raise UserError(
                "you may only specify a single resource type to watch", hint=f"`tilt get {kinds[0].plural} -w`"
            )
        _watch(client, kinds[0], wanted, printers[0], changes_only=watch_only)
        return
    found = [_listed(client, kind, wanted) for kind in kinds]
    _print_found(found, printers, wanted)


def _printer(kind: KindWords, shown: TableFlags, *, several: bool) -> ObjectPrinter:
    return ObjectPrinter(
        kind,
        read_form(shown["output"], shown["template"], TABLE_FORMS),
        headers=not shown["no_headers"],
        with_kind=several or shown["show_kind"],
        labels=shown["label_columns"],
        all_labels=shown["show_labels"],
        allow_missing=shown["allow_missing_template_keys"],
    )


def _print_found(found: Sequence[list[Json]], printers: Sequence[ObjectPrinter], wanted: Wanted) -> None:
    items = [item for each in found for item in each]
    printer = printers[0]
    if len(wanted.names) == 1 and len(found) == 1 and printer.whole:
        _print(map(printer.document, items))
    elif printer.whole:
        _print([printer.document({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items})])
    elif not items and printer.reports_none and not wanted.ignore_not_found:
        print("No resources found", file=sys.stderr)
    else:
        shown = [(each, listed) for each, listed in zip(printers, found, strict=True) if listed]
        for number, (each, listed) in enumerate(shown):
            _print(["\n"] if number and each.reports_none else [])
            _print(each.lines(listed))


def _watch(
    client: SessionClient, kind: KindWords, wanted: Wanted, printer: ObjectPrinter, *, changes_only: bool
) -> None:
    """Print what is there, then every change, in columns as wide as those before, as kubectl does."""
    listed = _listed(client, kind, wanted)
    _print(() if changes_only else printer.lines(listed), flush=True)
    known: dict[str, Any] = {item["metadata"]["name"]: item for item in listed}
    for event in client.watch(kind.resource):
        item = event["object"]
        seen = item == known.pop(item["metadata"]["name"], None)
        if not seen and wanted.chosen(item):
            _print(printer.lines([item]), flush=True)


def _listed(client: SessionClient, kind: KindWords, wanted: Wanted) -> list[Json]:
    found: list[Json] = []
    if not wanted.names:
        found = client.items(kind.resource)["items"]
    for name in wanted.names:
        try:
            found.append(client.get(kind.resource, name))
        except NotFoundError:
            if not wanted.ignore_not_found:
                raise
    chosen: Sequence[Json] = [item for item in found if wanted.chosen(item)]
    return ordered(chosen, wanted.sort_by) if wanted.sort_by else list(chosen)


def _print(texts: Iterable[str], *, flush: bool = False) -> None:
    sys.stdout.writelines(texts)
    if flush:
        sys.stdout.flush()
