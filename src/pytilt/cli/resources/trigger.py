"""`tilt trigger`."""

from __future__ import annotations

import sys

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import SESSION_OPTIONS, seconds_given
from pytilt.cli.command_line.parsing import Argument, Option
from pytilt.errors import SessionUnreachableError, UserError
from pytilt.model.api.words import CLI_TRIGGER_REASON
from pytilt.model.json_text import indented
from pytilt.settings import Settings


@subcommand(
    "trigger",
    Argument("names", several=True, required=True, metavar="NAME..."),
    Option(
        "--wait", is_flag=True, help="Wait until what is on disk now is updated and ready, and say what came of it."
    ),
    Option("--json", "as_json", is_flag=True, help="With --wait: print what came of it as JSON."),
    Option("--timeout", default="10m", show_default=True, help="With --wait: how long at most, for example `90s`."),
    *SESSION_OPTIONS,
)
def command(names: tuple[str, ...], wait: bool, as_json: bool, timeout: str, host: str | None, port: int | None) -> int:
    """Start an update of each resource NAME.

    With `--wait` the answer is about the code that is on disk when the command is called: the session looks at the disk
    first, so that no save is missed. It has the number of the update, its reason, how it was done, its steps, its
    error and its last log lines, and whether what runs is `fresh`: nothing has changed since. The exit code is 0 when
    all is updated and ready, 1 when something failed, 3 when no session answers, 124 when time was up.

    \b
    Examples:
      tilt trigger web
      tilt trigger web cart --wait --timeout 2m
      tilt trigger web --wait --json
    """
    if as_json and not wait:
        raise UserError("--json is about what `--wait` finds", hint="add `--wait`")
    client = SessionClient(Settings.from_environment(), host, port)
    if not wait:
        for name in names:
            _trigger(client, name)
            print(f'Successfully triggered update for resource: "{name}"')
        return 0
    from pytilt.cli.resources.triggered import (  # imported here: only with `--wait`
        NO_ANSWER,
        Triggered,
        document,
        lines,
    )

    limit = seconds_given(timeout, "--timeout")
    try:
        client.post("/api/barrier", {})
        asked = [Triggered(client, name) for name in dict.fromkeys(names)]
        for each in asked:
            _trigger(client, each.name)
        Triggered.wait(client, asked, limit)
    except SessionUnreachableError as problem:
        print(f"Error: {problem}", file=sys.stderr)
        return NO_ANSWER
    documents = [document(client, each) for each in asked]
    print(indented(documents, 2) if as_json else "\n".join(line for each in documents for line in lines(each)))
    code: int = max(each["exitCode"] for each in documents)
    return code


def _trigger(client: SessionClient, name: str) -> None:
    refusal = client.post("/api/trigger", {"manifest_names": [name], "build_reason": CLI_TRIGGER_REASON})
    if refusal:
        raise UserError(refusal, hint=f"enable it first: `tilt enable {name}`" if "disabled" in refusal else None)
