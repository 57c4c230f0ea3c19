"""`tilt wait`."""

from __future__ import annotations

import os
import sys

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import SESSION_OPTIONS, seconds_given
from pytilt.cli.command_line.parsing import Argument, Option
from pytilt.cli.objects.results import ResultPrinter
from pytilt.cli.selection.addressing import Address, addresses, manifests, names_files
from pytilt.cli.selection.choosing import labelled, with_fields
from pytilt.cli.selection.conditions import WaitCondition, read_condition
from pytilt.cli.selection.object_options import FILE_OPTIONS, PRINT_OPTIONS, inert_switch
from pytilt.errors import NotFoundError, SessionUnreachableError, UserError
from pytilt.model.api.words import KindWords
from pytilt.model.json_text import Json
from pytilt.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Unpack

    from pytilt.cli.selection.object_options import FileFlags, PrintFlags

    class WaitFlags(FileFlags, PrintFlags):
        """Files, and how what was waited for is printed."""


CANNOT_SAY = 3
"""The exit code when no session answers."""

TIMED_OUT = 124
"""As `timeout` ends with it."""

WEEK_SECONDS = 7 * 24 * 3600.0
"""What a negative timeout means, as in kubectl."""


@subcommand(
    "wait",
    Argument("what", several=True),
    Option(
        "--for",
        "wanted",
        required=True,
        multiple=True,
        help="`condition=NAME`, `condition=NAME=VALUE`, `jsonpath={.path}=VALUE`, `create` or `delete`; several are "
        "waited for one after the other.",
    ),
    Option("--all", "every", is_flag=True, help="All objects of the kind."),
    Option("-l", "--selector", help="All objects of the kind with these labels."),
    Option("--field-selector", help="All objects of the kind with these fields: `metadata.name=web`."),
    Option(
        "--timeout",
        default="30s",
        show_default=True,
        help="How long, for example `90s` or `5m`; with `0` it is checked once, `-1s` is a week.",
    ),
    *FILE_OPTIONS,
    inert_switch("--all-namespaces", "objects of a session are in no namespace", "-A"),
    inert_switch("--local", "what is waited for is in the session"),
    *PRINT_OPTIONS,
    *SESSION_OPTIONS,
)
def command(
    what: tuple[str, ...],
    wanted: tuple[str, ...],
    every: bool,
    selector: str | None,
    field_selector: str | None,
    timeout: str,
    host: str | None,
    port: int | None,
    **flags: Unpack[WaitFlags],
) -> int:
    """Wait until objects of a running session meet a condition.

    The session looks at the disk first: a resource whose files were saved before is not `UpToDate` until it is updated.
    The exit code is 0 when all conditions are met, 1 when something cannot be waited for, 3 when no session answers,
    124 when time was up.

    \b
    Examples:
      tilt wait --for=condition=Ready uiresource/web
      tilt wait --for=condition=UpToDate uiresource web cart --timeout 2m
      tilt wait --for=jsonpath='{.status.updateStatus}'=ok uiresource -l team=web
      tilt wait --for=delete uiresource/web
    """
    printer = ResultPrinter(flags)
    kind, names = _names(what, flags)
    # As in kubectl, that an object is there is always waited for first.
    conditions = [read_condition(each) for each in sorted(wanted, key=lambda each: each.lower() != "create")]
    limit = seconds_given(timeout, "--timeout")
    chooses = [labelled(selector)] if selector else []
    chooses += [with_fields(field_selector)] if field_selector else []
    if not (names or every or chooses):
        raise UserError("no object is named", hint="name some, or use `--all` or `-l`")
    client = SessionClient(Settings.from_environment(), host, port)
    try:
        events = client.watch(kind.resource, after_barrier=True)  # what is saved by now counts
        present = _listed(events)
        if every or chooses:
            names = [name for name, item in present.items() if all(each(item) for each in chooses)]
            if not names:
                raise UserError("no matching resources found")
        waiting = Waiting(kind, names, conditions, printer)
        if not conditions[0].of_missing:
            for name in names:
                if name not in present:
                    raise NotFoundError(f'Error from server (NotFound): {kind.resource} "{name}" not found')
        for name in names:
            waiting.see(name, present.get(name))
        if not limit or not waiting.names:
            return int(waiting.refuse("condition not met for"))
        _wait(events, waiting, WEEK_SECONDS if limit < 0 else limit)
    except SessionUnreachableError as problem:
        print(f"Error: {problem}", file=sys.stderr)
        return CANNOT_SAY
    return 0


class Waiting:
    """Objects that do not yet meet their conditions.

    Args:
        kind: of the objects.
        names: their names.
        conditions: what each is to meet, one after the other.
        printer: prints each that does.
    """

    def __init__(
        self, kind: KindWords, names: Sequence[str], conditions: Sequence[WaitCondition], printer: ResultPrinter
    ) -> None:
        self._kind = kind
        self._printer = printer
        self._left = {name: list(conditions) for name in names}

    @property
    def names(self) -> list[str]:
        """Those that do not."""
        return sorted(self._left)

    def see(self, name: str, item: Json | None) -> None:
        """Look at an object as it is now, or at one that is not there."""
        conditions = self._left.get(name)
        while conditions and conditions[0].met(item):
            conditions.pop(0)
        if conditions == []:
            del self._left[name]
            gone = {"apiVersion": self._kind.group_version, "kind": self._kind.name, "metadata": {"name": name}}
            self._printer.done(Address(self._kind, name), item or gone, "condition met")

    def refuse(self, why: str) -> bool:
        """Say of each that it does not.

        Returns:
            Is there any?
        """
        for name in self.names:
            print(f"error: {why} {self._kind.plural}/{name}", file=sys.stderr, flush=True)
        return bool(self._left)


def _listed(events: Iterator[Json]) -> dict[str, Json]:
    """What is there, by name: what a watch names before its bookmark."""
    present: dict[str, Json] = {}
    for event in events:
        if event["type"] == "BOOKMARK":
            return present
        present[event["object"]["metadata"]["name"]] = event["object"]
    raise SessionUnreachableError("the session ended before it had answered")


def _wait(events: Iterator[Json], waiting: Waiting, limit: float) -> None:
    """See what changes until all conditions are met; end the process after so many seconds.

    It waits in a read that nothing else can end.
    """

    def give_up() -> None:
        os._exit(TIMED_OUT if waiting.refuse("timed out waiting for the condition on") else 0)

    import threading  # imported here: most conditions are met at once

    timer = threading.Timer(limit, give_up)
    timer.daemon = True
    timer.start()
    try:
        for event in events:
            item = event["object"]
            waiting.see(item["metadata"]["name"], None if event["type"] == "DELETED" else item)
            if not waiting.names:
                return
    finally:
        timer.cancel()
    raise SessionUnreachableError(f"the session ended before the condition was met on {', '.join(waiting.names)}")


def _names(what: tuple[str, ...], flags: WaitFlags) -> tuple[KindWords, list[str]]:
    """The kind of what is waited for, and the names; none for all."""
    if names_files(flags):
        named = [each for each, _ in manifests(flags)]
        kinds: list[KindWords] = []
    else:
        kinds, named = addresses(what)
    found = list(dict.fromkeys([*kinds, *(each.kind for each in named)]))
    if not found:
        raise UserError("no object is named", hint="for example `tilt wait --for=condition=Ready uiresource/web`")
    if len(found) > 1:
        raise UserError("only objects of one kind can be waited for at a time")
    return found[0], [each.name for each in named]
