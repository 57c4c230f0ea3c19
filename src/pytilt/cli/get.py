"""`tilt get`."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click
import msgspec

from pytilt.cli.client import Client, Json
from pytilt.cli.options import session_options
from pytilt.errors import UserError
from pytilt.settings import Settings
from pytilt.views.api import Kind, find_kind, kinds


@click.command("get")
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
        _watch(client, kind, wanted, output)
        return
    if len(wanted) == 1 and output in ("json", "yaml"):
        print(_text(client.get(kind.plural, wanted[0]), output))
        return
    listed = client.items(kind.plural) if not wanted else {"items": [client.get(kind.plural, each) for each in wanted]}
    items = [item for item in listed["items"] if _selected(item, selector)]
    if output in ("json", "yaml"):
        print(_text({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items}, output))
    elif not items and output != "name":
        print("No resources found", file=sys.stderr)
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(kind, items, output))


def _watch(client: Client, kind: Kind, wanted: Sequence[str], output: str | None) -> None:
    first = True
    for event in client.watch(kind.plural):
        item = event["object"]
        if wanted and item["metadata"]["name"] not in wanted:
            continue
        if output in ("json", "yaml"):
            print(_text(item, output), flush=True)
            continue
        lines = list(_lines(kind, [item], output))
        sys.stdout.writelines(f"{line}\n" for line in (lines if first or output == "name" else lines[1:]))
        sys.stdout.flush()
        first = False


def _lines(kind: Kind, items: Sequence[Json], output: str | None) -> Iterator[str]:
    if output == "name":
        yield from (f"{kind.name.lower()}.tilt.dev/{item['metadata']['name']}" for item in items)
        return
    header: list[str] = ["NAME", "CREATED AT"]
    rows = [[item["metadata"]["name"], item["metadata"].get("creationTimestamp", "")] for item in items]
    if output == "wide" and kind.name == "UIResource":
        header += ["UPDATE", "RUNTIME"]
        for row, item in zip(rows, items, strict=True):
            row += [item["status"].get("updateStatus", ""), item["status"].get("runtimeStatus", "")]
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    for row in [header, *rows]:
        yield "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


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
