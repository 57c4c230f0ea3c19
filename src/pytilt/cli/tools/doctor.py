"""`tilt doctor`."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.parsing import OneOf, Option
from pytilt.settings import Settings

if TYPE_CHECKING:
    from pytilt.session.diagnosis import Section


@subcommand(
    "doctor",
    Option("--context", help="Context instead of the current one (TILT_CONTEXT)."),
    Option("-o", "--output", type=OneOf("text", "json"), default="text", help="Form of the output."),
)
def command(context: str | None, output: str) -> None:
    """Print what a report of a problem should say: versions, the container engine, the cluster, programs.

    Nothing is started, changed or sent to anybody. What does not answer is named with the reason, and the exit code is
    0 all the same.

    \b
    Examples:
      tilt doctor
      tilt doctor --context staging -o json
    """
    from pytilt.session.diagnosis import diagnose

    found = asyncio.run(diagnose(Settings.from_environment(), context=context))
    if output == "json":
        import msgspec

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")
    else:
        print("\n".join(lines(found)))


def lines(found: "Sequence[Section]") -> Iterator[str]:
    """The findings for people, a rule between subjects."""
    for section in found:
        if section.title:
            yield from ("---", section.title)
        for finding in section.findings:
            value = f"Error: {finding.error}" if finding.error else finding.value
            first, *rest = value.splitlines() or [""]
            yield f"{'- ' if section.title else ''}{finding.name}: {first}"
            yield from (f"  {line}" for line in rest)
