import json
from io import StringIO
from pathlib import Path

import pytest

from pytilt.cli.display.exit_snapshots import leaving_snapshot, write_snapshot
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import Resource
from pytilt.server.page import BUILT, INDEX
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from tests.loop.declaring import local


@pytest.fixture
def logs(tmp_path: Path):
    store = LogStore(tmp_path / "log")
    yield store
    store.close()


def test_a_snapshot_has_the_rows_and_the_log(logs: LogStore):
    store, file = Store(), StringIO()
    store.put(Resource(name="web", spec=local("web")))
    logs.span(ResourceName("web"), SpanId("build:1")).header("Initial Build")
    logs.span(ResourceName("web"), SpanId("build:1"))("no\n", level=Level.WARN)
    write_snapshot(file, store, logs)
    found = json.loads(file.getvalue())
    assert [row["metadata"]["name"] for row in found["view"]["uiResources"]] == ["web"]
    listed = found["view"]["logList"]
    assert [(each["text"], each["level"], each.get("anchor", False)) for each in listed["segments"]] == [
        ("Initial Build\n", "INFO", True),
        ("no\n", "WARN", False),
    ]
    assert listed["spans"] == {"build:1": {"manifestName": "web"}}
    assert found["createdAt"]


async def test_it_is_written_when_the_session_ends_however_that_was(logs: LogStore, tmp_path: Path):
    async def fail(_: Store, __: LogStore) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await leaving_snapshot(fail, str(tmp_path / "s.json"))(Store(), logs)
    assert json.loads((tmp_path / "s.json").read_text())["view"]["uiResources"] == []


async def test_one_that_cannot_be_written_is_reported(
    logs: LogStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    async def show(_: Store, __: LogStore) -> None:
        pass

    await leaving_snapshot(show, str(tmp_path / "no" / "s.json"))(Store(), logs)
    assert "the snapshot cannot be written to" in capsys.readouterr().err


@pytest.mark.skipif(not (BUILT / INDEX).is_file(), reason="the web page was not built")
async def test_a_snapshot_for_people_is_the_page(logs: LogStore, tmp_path: Path):
    async def show(_: Store, log: LogStore) -> None:
        log.span(ResourceName("web"), SpanId("build:1"))("hello\n")

    await leaving_snapshot(show, str(tmp_path / "s.html"))(Store(), logs)
    assert '"text":"hello"' in (tmp_path / "s.html").read_text()
