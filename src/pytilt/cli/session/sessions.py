"""`tilt sessions`."""

import json
from concurrent.futures import ThreadPoolExecutor

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import JSON_OPTIONS
from pytilt.errors import PytiltError
from pytilt.model.json_text import Json
from pytilt.session.lookup import SessionRecord
from pytilt.session.registry import SessionRegistry
from pytilt.settings import Settings

ASK_SECONDS = 3.0
"""How long a session may take to say how it is."""

HEADINGS = ("PROJECT", "PORT", "PID", "STATE", "STARTED")


@subcommand(
    "sessions",
    *JSON_OPTIONS,
)
def command(output: str | None, as_json: bool) -> None:
    """List the sessions that run on this machine: project, port, process and state.

    The state is `ok` when everything is fresh and healthy, `error` when something is broken, `updating` while
    something runs, else `pending`; `no answer` for a session that does not say, `unknown` for one without a server.

    \b
    Examples:
      tilt sessions
      tilt sessions -o json
    """
    settings = Settings.from_environment()
    records = SessionRegistry(settings).running()
    with ThreadPoolExecutor(max_workers=max(1, len(records))) as pool:
        states = list(pool.map(lambda record: state(settings, record), records))
    if as_json or output == "json":
        print(json.dumps([_document(*each) for each in zip(records, states, strict=True)], indent=2))
    elif not records:
        print("no session runs")
    else:
        _print([HEADINGS, *(_row(*each) for each in zip(records, states, strict=True))])


def state(settings: Settings, record: SessionRecord) -> str:
    """How a session is, in one word."""
    if not record.port:
        return "unknown"
    try:
        client = SessionClient(settings, record.host, record.port, seconds=ASK_SECONDS)
        found = client.status()
    except PytiltError:
        return "no answer"
    if found["fresh"] and found["healthy"]:
        return "ok"
    states = {row["state"] for row in found["resources"]}
    return next((each for each in ("error", "updating") if each in states), "pending")


def _document(record: SessionRecord, word: str) -> Json:
    return {
        "project": record.folder,
        "tiltfile": record.tiltfile,
        "host": record.host,
        "port": record.port,
        "url": record.url,
        "pid": record.pid,
        "state": word,
        "command": "ci" if record.ci else "up",
        "context": record.context,
        "namespace": record.namespace,
        "started": record.started,
    }


def _row(record: SessionRecord, word: str) -> tuple[str, ...]:
    name = record.tiltfile.removesuffix("/Tiltfile")
    return name, str(record.port or "-"), str(record.pid), word, record.started[:19] + "Z"


def _print(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
