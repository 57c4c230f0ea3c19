"""A snapshot: the page of this moment in one file, which shows the same years later, without a session or a network."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from pytilt import __version__
from pytilt.model.objects import Resource
from pytilt.store.logs import BATCH, LogStore
from pytilt.store.objects import Store
from pytilt.views.definitions import detail
from pytilt.views.page import Page
from pytilt.views.rows import rows

LINES = 100_000
"""So many lines of the log it has at most, the last ones: a browser keeps them all in memory."""

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
"""What the page of a snapshot may load: nothing."""

_SCRIPT = re.compile(r'<script type="module"[^>]*src="/([^"]+)"[^>]*></script>')
_STYLE = re.compile(r'<link rel="stylesheet"[^>]*href="/([^"]+)"[^>]*>')

Encode = Callable[[object], bytes]


def snapshot(store: Store, logs: LogStore, folder: Path, encode: Encode) -> Iterator[bytes]:
    """The file, part by part.

    Args:
        store: the session's objects.
        logs: the session's log.
        folder: where the built page is.
        encode: makes the JSON of a value without what is secret.
    """
    head, end = _page(folder)
    yield head
    yield b'<script type="application/json" id="snapshot">'
    state = store.snapshot()
    view = Page(__version__).update(state, rows(state))
    yield b'{"createdAt": ' + _safe(msgspec.json.encode(store.now())) + b', "view": ' + _safe(encode(view))
    details = {each.name: detail(state, each) for each in state.all(Resource)}
    yield b', "details": ' + _safe(encode(details)) + b', "lines": ['
    cursor, separator = max(0, len(logs) - LINES), b""
    while cursor < len(logs):
        lines, cursor = logs.read(cursor, limit=BATCH)
        for line in lines:
            yield separator + _safe(encode(line))
            separator = b","
    yield b"]}</script>"
    yield end


def _page(folder: Path) -> tuple[bytes, bytes]:
    """The page up to and from the place of its data, with style and script in it."""
    index = (folder / "index.html").read_text()
    style, script = _STYLE.search(index), _SCRIPT.search(index)
    css = (folder / style[1]).read_text() if style else ""
    code = (folder / script[1]).read_text().replace("</script", "<\\/script") if script else ""
    head, _, body = _SCRIPT.sub("", _STYLE.sub("", index)).partition("</head>")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    start = f"{head}{policy}<style>{css}</style></head>{body.partition('</body>')[0]}"
    return start.encode(), f'<script type="module">{code}</script></body></html>'.encode()


def _safe(found: bytes) -> bytes:
    """JSON within HTML: nothing in it can end the element."""
    return found.replace(b"<", b"\\u003c")
