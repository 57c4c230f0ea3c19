"""`tilt get`."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click
import msgspec

from pytilt.cli.client import Client, Json
from pytilt.cli.flags import Command
from pytilt.cli.options import session_options
from pytilt.cli.printing import cells, filled
from pytilt.errors import UserError
from pytilt.settings import Settings
from pytilt.views.api import Kind, find_kind, kinds


@click.command("get", cls=Command)
@click.argument("what")
@click.argument("names", nargs=-1)
@click.option("-o", "--output", type=click.Choice(["json", "yaml", "name", "wide"]), help="Form of the output.")
@click.option("-l", "--selector", help="Only objects with these labels: `key=value,…`.")
@click.option("-w", "--watch", is_flag=True, help="Go on and print every change.")
@session_options
def command(
    what: str,
    names: tuple[str, ...],
    output: str | None,
    selector: str | None,
    watch: bool,
    host: str | None,
    port: int | None,
) -> None:
    """Show objects of a running session: all of a kind, or those named.

    \b
    Examples:
      tilt get uiresources
      tilt get uiresource web -o json
      tilt get uiresource/web -w
    """
    word, _, name = what.partition("/")
    kind = find_kind(word)
    if kind is None:
        known = ", ".join(each.plural for each in kinds())
        raise UserError(f'the server doesn\'t have a resource type "{word}"', hint=f"there are: {known}")
    client = Client(Settings.from_environment(), host, port)
    wanted = (*((name,) if name else ()), *names)
    if watch:
        _watch(client, kind, wanted, selector, output)
        return
    if len(wanted) == 1 and output in ("json", "yaml"):
        print(_text(client.get(kind.plural, wanted[0]), output))
        return
    items = [item for item in _listed(client, kind, wanted) if _selected(item, selector)]
    if output in ("json", "yaml"):
        print(_text({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items}, output))
    elif not items and output != "name":
        print("No resources found", file=sys.stderr)
    else:
        _print(_Table(kind, output).text(items))


def _watch(client: Client, kind: Kind, wanted: Sequence[str], selector: str | None, output: str | None) -> None:
    """Print what is there, then every change, in columns as wide as those before, as kubectl does."""
    listed = _listed(client, kind, wanted)
    table = _Table(kind, output)
    _print(table.text([item for item in listed if _selected(item, selector)]), flush=True)
    known = {item["metadata"]["name"]: item for item in listed}
    for event in client.watch(kind.plural):
        item = event["object"]
        name = item["metadata"]["name"]
        told = item == known.pop(name, None)
        if not told and (not wanted or name in wanted) and _selected(item, selector):
            _print(table.text([item]), flush=True)


def _listed(client: Client, kind: Kind, wanted: Sequence[str]) -> list[Json]:
    found: list[Json] = client.items(kind.plural)["items"] if not wanted else []
    return found or [client.get(kind.plural, each) for each in wanted]


def _print(lines: Iterable[str], *, flush: bool = False) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    if flush:
        sys.stdout.flush()


class _Table:
    """Prints objects line by line; every line is laid out as those before it, and its header comes once."""

    def __init__(self, kind: Kind, output: str | None) -> None:
        self._kind = kind
        self._output = output
        self._wide = output == "wide" and kind.name == "UIResource"
        self._widths: list[int] = []

    def text(self, items: Sequence[Json]) -> Iterator[str]:
        """The lines for some more objects."""
        if self._output in ("json", "yaml"):
            yield from (_text(item, self._output) for item in items)
        elif self._output == "name":
            yield from (f"{self._kind.name.lower()}.tilt.dev/{item['metadata']['name']}" for item in items)
        elif items:
            rows = [self._row(item) for item in items]
            if not self._widths:
                rows.insert(0, ["NAME", "CREATED AT", *(("UPDATE", "RUNTIME") if self._wide else ())])
                self._widths = [0] * len(rows[0])
            self._widths = [max(width, *map(cells, column)) for width, *column in zip(self._widths, *rows, strict=True)]
            for row in rows:
                yield "   ".join(filled(cell, width) for cell, width in zip(row, self._widths, strict=True)).rstrip()

    def _row(self, item: Json) -> list[str]:
        row = [item["metadata"]["name"], item["metadata"].get("creationTimestamp", "")]
        if self._wide:
            row += [item["status"].get("updateStatus", ""), item["status"].get("runtimeStatus", "")]
        return row


def _selected(item: Json, selector: str | None) -> bool:
    labels: dict[str, Any] = item["metadata"].get("labels", {})
    for part in (selector or "").split(","):
        key, _, value = part.partition("=")
        if part and labels.get(key.strip()) != value.strip().lstrip("="):
            return False
    return True


def _text(item: Json, output: str) -> str:
    if output == "json":
        return msgspec.json.format(msgspec.json.encode(item), indent=4).decode()
    import yaml

    return yaml.safe_dump(item, sort_keys=False, allow_unicode=True).rstrip()
