import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import Resource
from pytilt.server.snapshot import own_page, snapshot
from tests.server.sessions import Served

INDEX = """<!doctype html><html><head><title>Tilt</title><script type="module" crossorigin src="/assets/i.js"></script>
<style>p { color: red }</style></head><body><div id="app"></div></body></html>"""


async def taken(served: Served, folder: Path) -> str:
    (folder / "assets").mkdir()
    (folder / "index.html").write_text(INDEX)
    (folder / "assets" / "i.js").write_text('run("</script>")')
    import msgspec

    parts = snapshot(served.store, served.logs, folder, msgspec.json.encode)
    text = b"".join([part async for part in parts]).decode()
    served.logs.close()
    return text


async def test_a_snapshot_is_one_file_with_everything_in_it(tmp_path: Path):
    served = Served(tmp_path)
    served.add("web")
    served.logs.span(ResourceName("web"), SpanId("pod:web"))("<script>alert(1)</script>\n")
    served.store.change(Resource, "web", lambda each: replace(each, spec=replace(each.spec, labels=("</script>",))))
    text = await taken(served, tmp_path)
    assert "src=" not in text
    assert "href=" not in text
    assert "p { color: red }" in text
    assert text.count("</script>") == 2
    data = re.search(r'id="snapshot">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    found = json.loads(data[1])
    assert [row["name"] for row in found["rows"]] == ["web", "(Tiltfile)"]
    assert [block["text"] for block in found["blocks"]] == ["<script>alert(1)</script>"]
    assert found["details"]["web"]["definition"]["facts"]


async def test_of_a_file_that_somebody_sent_only_the_data_is_shown(tmp_path: Path):
    served = Served(tmp_path)
    served.add("web")
    content = (await taken(served, tmp_path)).encode()
    assert own_page(content, tmp_path) is content
    for present, hostile in (
        (b"<div", b"<script>alert(1)</script><div"),
        (b'run("<', b'steal("<'),
        (b"script-src", b"script-src 'unsafe-inline'"),
        (b"</body>", b"<img src=x onerror=alert(1)></body>"),
        (b"<!doctype html>", b"<!doctype html><script>alert(1)</script>"),
    ):
        assert present in content
        assert own_page(content.replace(present, hostile), tmp_path) == content


async def test_data_of_others_ends_no_element(tmp_path: Path):
    served = Served(tmp_path)
    served.add("web")
    content = (await taken(served, tmp_path)).encode()
    raw = content.replace(b'"name":"web"', b'"name":"<!--<script>"')
    assert own_page(raw, tmp_path).count(b"<script") == content.count(b"<script")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!doctype html><p>a page</p>",
        b'<script type="application/json" id="snapshot">{}</script>',
        b'<script type="application/json" id="snapshot">{',
        b'<script type="application/json" id="snapshot">[1]</script>',
    ],
)
def test_what_has_no_data_is_no_snapshot(content: bytes, tmp_path: Path):
    with pytest.raises(ValueError):  # noqa: PT011 - its text is for nobody
        own_page(content, tmp_path)
