"""What the page of a running session is made of, in the form of Tilt's page; the log is never in memory as a whole."""

from collections.abc import Iterator

import msgspec

from pytilt.cli.client import SessionClient


def webview(client: SessionClient) -> Iterator[bytes]:
    """The objects and the log, as JSON, piece by piece."""
    view = {
        "uiSession": next(iter(client.items("uisessions")["items"]), {}),
        "uiResources": client.items("uiresources")["items"],
        "uiButtons": client.items("uibuttons")["items"],
        "clusters": client.items("clusters")["items"],
        "isComplete": True,
    }
    yield msgspec.json.format(msgspec.json.encode(view), indent=2).removesuffix(b"\n}")
    yield b',\n  "logList": '
    yield from log_list(client)
    yield b"}"


def log_list(client: SessionClient) -> Iterator[bytes]:
    """The log, as JSON: segments of text, and whose they are."""
    from pytilt.cli.display.exit_snapshots import segment
    from pytilt.model.lines import Block

    decoder, spans, separator, end = msgspec.json.Decoder(Block), dict[str, str](), b"", 0
    yield b'{"segments": ['
    for lines in client.log_lines({"format": "blocks"}):
        for block in map(decoder.decode, lines):
            spans[block.source.span] = block.source.resource
            yield separator + msgspec.json.encode(segment(block))
            separator, end = b",\n", block.number + block.count
    named = msgspec.json.encode({span: {"manifestName": resource} for span, resource in spans.items()})
    yield b'], "spans": %b, "fromCheckpoint": 0, "toCheckpoint": %d}' % (named, end)
