"""A snapshot of a session in a file: what its page shows and its log, in the form of Tilt's snapshots."""

import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TextIO

import msgspec

from pytilt.cli.terminal.printing import note
from pytilt.model.api.words import GROUP_VERSION
from pytilt.model.lines import Block
from pytilt.model.objects import ClusterState, Tiltfile
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.views.api import Json, find_kind, ui_resources

Show = Callable[[Store, LogStore], Awaitable[None]]


def leaving_snapshot(show: Show, path: str) -> Show:
    """Write a snapshot when a session ends.

    Args:
        show: shows the session.
        path: of the file; one that ends with `.html` gets the page, for `tilt snapshot view`.
    """

    async def shown(store: Store, logs: LogStore) -> None:
        try:
            await show(store, logs)
        finally:
            try:
                await _write(path, store, logs)
            except OSError as problem:
                note(f"the snapshot cannot be written to `{path}`: {(problem.strerror or str(problem)).lower()}")

    return shown


async def _write(path: str, store: Store, logs: LogStore) -> None:
    if not path.endswith(".html"):
        with Path(path).open("w", encoding="utf-8", errors="replace") as file:  # noqa: ASYNC230 - it ends
            write_snapshot(file, store, logs)
        return
    from pytilt.server.bodies import encoded  # imported here: few sessions leave a page
    from pytilt.server.page import BUILT, INDEX
    from pytilt.server.snapshot import snapshot

    if not (BUILT / INDEX).is_file():
        note(f"the snapshot is not written to `{path}`: the web page was not built")
        return
    with Path(path).open("wb") as page:  # noqa: ASYNC230 - it ends
        async for part in snapshot(store, logs, BUILT, partial(encoded, logs=logs)):
            page.write(part)


def write_snapshot(file: TextIO, store: Store, logs: LogStore) -> None:
    """Write a snapshot; the log is never in memory as a whole."""
    state = store.snapshot()
    clusters = find_kind("clusters")
    tiltfile = next(iter(state.all(Tiltfile)), None)
    view: Json = {
        "uiSession": {
            "apiVersion": GROUP_VERSION,
            "kind": "UISession",
            "metadata": {"name": "Tiltfile"},
            "status": {"tiltfileKey": tiltfile.path, "tiltStartTime": tiltfile.created_at} if tiltfile else {},
        },
        "uiResources": list(ui_resources(state)),
        "clusters": list(clusters.list(state)) if clusters and state.all(ClusterState) else [],
        "isComplete": True,
    }
    head = msgspec.json.encode(view).decode()
    file.write(f'{{"createdAt": "{store.now()}", "view": {head[:-1]}, "logList": {{"segments": [')
    spans: dict[str, str] = {}
    cursor, separator = 0, ""
    while cursor < len(logs):
        blocks, cursor = logs.read_blocks(cursor)
        for block in blocks:
            spans[block.source.span] = block.source.resource
            file.write(separator + json.dumps(segment(block)))
            separator = ",\n"
    named = json.dumps({span: {"manifestName": resource} for span, resource in spans.items()})
    file.write(f'], "spans": {named}, "fromCheckpoint": 0, "toCheckpoint": {cursor}}}}}}}\n')


def segment(block: Block) -> Json:
    """A block of the log, as Tilt writes a part of its own."""
    source = block.source
    fields = {"progressID": source.progress} if source.progress else {}
    segment: Json = {
        "spanId": source.span,
        "time": block.time,
        "text": f"{block.text}\n",
        "level": source.level.value,
    }
    return {**segment, **({"fields": fields} if fields else {}), **({"anchor": True} if source.start else {})}
