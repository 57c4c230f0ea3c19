"""A snapshot: the page of this moment in one file, which shows the same years later, without a session or a network."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from pytilt import __version__
from pytilt.server.page import INDEX, INLINE, POLICY_HEADER, allowing
from pytilt.store.logs import LogStore
from pytilt.store.objects import Snapshot, Store
from pytilt.views.definitions import detail
from pytilt.views.page import Page, page_row
from pytilt.views.rows import Row, Rows

LINES = 100_000
"""So many lines of the log it has at most, the last ones: a browser keeps them all in memory."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"
"""What the page of a snapshot may load: nothing. Only its own two scripts run."""

DATA, DATA_END = b'<script type="application/json" id="snapshot">', b"</script>"
"""Around what the page shows."""

_SCRIPT = re.compile(r'<script type="module"[^>]*src="/([^"]+)"[^>]*></script>')

Encode = Callable[[object], bytes]


async def snapshot(store: Store, logs: LogStore, folder: Path, encode: Encode) -> AsyncIterator[bytes]:
    """The file, part by part; to make one part takes a few milliseconds at most of the event loop.

    Args:
        store: the session's objects.
        logs: the session's log.
        folder: where the built page is.
        encode: makes the JSON of a value without what is secret.
    """
    head, end = _page(folder)
    yield head
    yield DATA
    state, found = store.snapshot(), list[Row]()
    yield b'{"createdAt": ' + _safe(msgspec.json.encode(store.now())) + b', "rows": ['
    for row in Rows().each(state):
        yield b"," * bool(found) + _safe(encode(page_row(row, 0)))
        found.append(row)
    yield b'], "view": ' + _safe(encode(Page(__version__).update(state, tuple(found)))) + b', "details": {'
    for place, row in enumerate(found):
        name = _safe(msgspec.json.encode(row.name))
        # In a thread: YAML of many objects takes long to write, and the state does not change.
        written = await asyncio.to_thread(_detail, state, row.name, encode)
        yield b"," * bool(place) + name + b": " + written
    yield b'}, "blocks": ['
    cursor, separator = max(0, len(logs) - LINES), b""
    while cursor < len(logs):
        blocks, after = logs.read_turn(cursor)
        for block in blocks:
            yield separator + _safe(msgspec.json.encode(block.since(cursor)))
            separator = b","
        cursor = after
    yield b"]}" + DATA_END
    yield end


class _SnapshotData(msgspec.Struct):
    """What a snapshot shows, as far as it has to be known to be one."""

    createdAt: str  # noqa: N815 - of the page
    rows: list[msgspec.Raw]
    view: dict[str, msgspec.Raw]
    details: dict[str, msgspec.Raw]
    blocks: list[msgspec.Raw]


def own_page(content: bytes, folder: Path) -> bytes:
    """What a snapshot shows, in the page of this version: of a file that somebody sent, nothing else is to run.

    Args:
        content: of the file.
        folder: where the built page is.

    Returns:
        The content itself, where it has this very page.

    Raises:
        ValueError: it is no snapshot.
    """
    kept, found, _ = content.partition(DATA)[2].partition(DATA_END)
    if not found:
        raise ValueError("there is no data in it")
    try:
        msgspec.json.decode(kept, type=_SnapshotData)
    except msgspec.DecodeError as problem:
        raise ValueError(str(problem)) from problem
    head, end = _page(folder)
    page = b"".join((head, DATA, _safe(kept), DATA_END, end))
    return content if page == content else page


def _detail(state: Snapshot, name: str, encode: Encode) -> bytes:
    return _safe(encode(detail(state, name)))


def _page(folder: Path) -> tuple[bytes, bytes]:
    """The page up to and from the place of its data, with its script in it."""
    index = (folder / INDEX).read_text()
    script = _SCRIPT.search(index)
    code = (folder / script[1]).read_text().replace("</script", "<\\/script") if script else ""
    head, _, body = _SCRIPT.sub("", index).partition("</head>")
    scripts = (*INLINE.findall(head.encode()), code.encode())
    allowed = " ".join(map(allowing, scripts))
    policy = f'<meta http-equiv="{POLICY_HEADER}" content="script-src {allowed}; {POLICY}">'
    start = f"{head}{policy}</head>{body.partition('</body>')[0]}"
    return start.encode(), f'<script type="module">{code}</script></body></html>'.encode()


def _safe(found: bytes) -> bytes:
    """JSON within HTML: nothing in it can end the element."""
    return found.replace(b"<", b"\\u003c")
