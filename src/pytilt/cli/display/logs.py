"""`tilt logs`."""

from __future__ import annotations

import sys

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import SESSION_OPTIONS, seconds_given
from pytilt.cli.command_line.parsing import Argument, IntRange, OneOf, Option
from pytilt.cli.terminal.printing import LogPrinter, row_width, wants_color
from pytilt.cli.terminal.sent_lines import SentBlock, SentLine, sent_block, sent_line
from pytilt.errors import UserError
from pytilt.model.json_text import dumps
from pytilt.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Sent = SentLine | SentBlock
    Query = dict[str, str | list[str]]


GAP = "--"
"""Printed where lines between two groups are left out, as by `grep`."""


@subcommand(
    "logs",
    Argument("names", several=True),
    Option("-f", "--follow", is_flag=True, help="Go on and print what comes."),
    Option("--json", "as_json", is_flag=True, help="One JSON object a line."),
    Option("--resource", "-r", multiple=True, help="Only lines of this resource, like NAMES; may be repeated."),
    Option("--level", type=OneOf("warn", "error"), help="Only lines of this level."),
    Option("--source", type=OneOf("all", "build", "runtime"), default="all", help="Only this kind of lines."),
    Option("--since", help="Only lines of the last `5m`, `1h` or the like, or since an RFC 3339 time."),
    Option("--until", help="Only lines before that long ago, or before an RFC 3339 time."),
    Option("--tail", type=IntRange(0), help="Only the last N lines; with `--grep`, search only those."),
    Option("--grep", help="Only lines that have this regular expression; `(?i)` before it makes case not matter."),
    Option("-C", "--context", type=IntRange(0), help="With `--grep`, N lines before and after each."),
    *SESSION_OPTIONS,
)
def command(
    names: tuple[str, ...],
    follow: bool,
    as_json: bool,
    resource: tuple[str, ...],
    level: str | None,
    source: str,
    since: str | None,
    until: str | None,
    tail: int | None,
    grep: str | None,
    context: int | None,
    host: str | None,
    port: int | None,
) -> None:
    """Print the logs of a running session: of all resources, or of those named. The session itself does the search.

    \b
    Examples:
      tilt logs web
      tilt logs -f --since 5m web cart
      tilt logs --json --level error
      tilt logs --grep 'timeout|refused' -C 3 --since 1h --until 30m
    """
    if until is not None and follow:
        raise UserError("--until says where to end, and --follow not to", hint="leave out one of them")
    if context is not None and grep is None:
        raise UserError("--context is about what `--grep` finds", hint="add `--grep PATTERN`")
    settings = Settings.from_environment()
    client = SessionClient(settings, host, port)
    names = tuple(dict.fromkeys((*names, *resource)))
    chosen = {"level": level, "tail": tail, "grep": grep, "context": context, "follow": 1 if follow else None}
    query: Query = {"resource": list(names), "resources": "known", "source": source, "format": "blocks"}
    query |= {name: str(value) for name, value in chosen.items() if value is not None}
    query |= {name: _moment(text, f"--{name}") for name, text in (("since", since), ("until", until)) if text}
    color = wants_color(sys.stdout, no_color=settings.no_color)
    printer = LogPrinter(sys.stdout, color=color, prefix=len(names) != 1, width=row_width(sys.stdout, color=color))
    for blocks in _answers(client, query):
        if as_json:
            sys.stdout.writelines(_documents(blocks))
            sys.stdout.flush()
        else:
            _print(printer, blocks)


def _answers(client: SessionClient, query: Query) -> Iterator[Sequence[Sent | None]]:
    """What comes, piece by piece: blocks, or single lines with None in the place of those left out."""
    read: Callable[[bytes], Sent] = sent_line if "grep" in query else sent_block
    for lines in client.log_lines(query):
        yield [None if line == b"{}" else read(line) for line in lines]


def _print(printer: LogPrinter, found: Sequence[Sent | None]) -> None:
    blocks = [each for each in found if isinstance(each, SentBlock)]
    if blocks:
        printer.blocks(blocks)
        return
    group: list[SentLine] = []
    for each in found:
        if isinstance(each, SentLine):
            group.append(each)
        else:
            printer.lines(group)
            group = []
            sys.stdout.write(f"{GAP}\n")
    printer.lines(group)


def _documents(found: Sequence[Sent | None]) -> Iterator[str]:
    for each in found:
        lines = each.lines() if isinstance(each, SentBlock) else [each] if each is not None else []
        yield from (f"{dumps(_fields(line), ascii_only=False)}\n" for line in lines)


def _moment(text: str, option: str) -> str:
    """A time for the query: so many seconds ago, or RFC 3339."""
    if text[:4].isdigit():
        from pytilt.model.times import in_utc  # imported here, like all that few command lines need

        if known := in_utc(text):
            return known
    found = seconds_given(text, option)
    if found <= 0:
        raise UserError(f"{option} duration must be positive, got {text}")
    return str(found)


def _fields(line: SentLine) -> Mapping[str, str]:
    return {
        "time": f"{line.time[:19]}Z",
        "resource": line.resource,
        "level": line.level.lower(),
        "message": line.text,
        "spanID": line.span,
        "progressID": line.progress,
        "buildEvent": "start" if line.start else "",
        "source": "build" if line.build else "runtime",
    }
