"""`tilt wait`."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from pytilt.cli.client import Client, Json
from pytilt.cli.durations import seconds
from pytilt.cli.flags import Command
from pytilt.cli.options import session_options
from pytilt.errors import SessionUnreachableError, UserError
from pytilt.settings import Settings
from pytilt.views.api import find_kind


@click.command("wait", cls=Command)
@click.argument("what", nargs=-1, required=True)
@click.option(
    "--for", "wanted", required=True, help="`condition=Ready`, `condition=UpToDate` or `condition=NAME=VALUE`."
)
@click.option("--all", "every", is_flag=True, help="All objects of the kind.")
@click.option("--timeout", default="30s", show_default=True, help="How long, for example `90s` or `5m`; `0` for ever.")
@session_options
def command(what: tuple[str, ...], wanted: str, every: bool, timeout: str, host: str | None, port: int | None) -> None:
    """Wait until objects of a running session meet a condition.

    \b
    Examples:
      tilt wait --for=condition=Ready uiresource/web
      tilt wait --for=condition=UpToDate uiresource web cart --timeout 2m
    """
    word, names = _names(what)
    kind = find_kind(word)
    if kind is None:
        raise UserError(f'the server doesn\'t have a resource type "{word}"')
    condition, value = _condition(wanted)
    client = Client(Settings.from_environment(), host, port)
    if every:
        names = [item["metadata"]["name"] for item in client.items(kind.plural)["items"]]
    if not names:
        raise UserError("no object is named", hint="name some, or use `--all`")
    for name in names:
        client.get(kind.plural, name)
    left = set(names)
    with _giving_up_after(seconds(timeout, "--timeout"), left, kind.plural):
        for event in client.watch(kind.plural):
            name = event["object"]["metadata"]["name"]
            if name in left and _met(event["object"], condition, value):
                left.discard(name)
                print(f"{kind.name.lower()}.tilt.dev/{name} condition met", flush=True)
            if not left:
                return
    raise SessionUnreachableError(f"the session ended before the condition was met on {', '.join(sorted(left))}")


def _names(what: tuple[str, ...]) -> tuple[str, list[str]]:
    if "/" in what[0]:
        return what[0].partition("/")[0], [each.partition("/")[2] for each in what]
    return what[0], list(what[1:])


def _condition(wanted: str) -> tuple[str, str]:
    kind, _, rest = wanted.partition("=")
    name, _, value = rest.partition("=")
    if kind != "condition" or not name:
        raise UserError(f"`--for={wanted}` is not understood", hint="use `--for=condition=Ready`")
    return name.lower(), (value or "True").lower()


def _met(item: Json, condition: str, value: str) -> bool:
    conditions = item.get("status", {}).get("conditions", [])
    return any(each["type"].lower() == condition and each["status"].lower() == value for each in conditions)


@contextmanager
def _giving_up_after(limit: float, left: set[str], plural: str) -> Iterator[None]:
    """End the process after so many seconds: it waits in a read that nothing else can end."""

    def give_up() -> None:
        for name in sorted(left):
            print(f"error: timed out waiting for the condition on {plural}/{name}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)

    timer = threading.Timer(limit, give_up)
    timer.daemon = True
    if limit:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
