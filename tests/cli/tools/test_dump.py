import json
from pathlib import Path

import pytest

from pytilt.model.names import ResourceName, SpanId
from tests.cli.conftest import Tilt
from tests.cli.sessions import Session


def test_the_log_is_dumped_with_what_the_page_shows(tilt: Tilt, served: Session):
    served.do(lambda made: made.logs.span(ResourceName("web"), SpanId("build:1"))("one\ntwo\n"))
    log = json.loads(tilt("dump", "logstore").out)
    assert [each["text"] for each in log["segments"]] == ["one\ntwo\n"]
    assert (log["spans"], log["toCheckpoint"]) == ({"build:1": {"manifestName": "web"}}, 2)
    view = json.loads(tilt("dump", "webview").out)
    assert [each["metadata"]["name"] for each in view["uiResources"]] == ["(Tiltfile)", "web", "db"]
    assert view["logList"] == log


def test_the_kinds_of_the_api_are_dumped_without_a_session(tilt: Tilt):
    assert json.loads(tilt("dump", "openapi").out)["swagger"] == "2.0"


def test_pages_and_stubs_are_written_into_a_folder(tilt: Tilt, tmp_path: Path):
    assert "tilt_create_cmd.md\n" in tilt("dump", "cli-docs", "--dir", str(tmp_path)).out
    assert (tmp_path / "tilt_create_cmd.md").read_text().startswith("### tilt create cmd\n")
    assert tilt("dump", "api-docs", "--dir", str(tmp_path)).out == f"wrote {tmp_path}/tiltfile.pyi\n"
    assert "def docker_build(" in (tmp_path / "tiltfile.pyi").read_text()


@pytest.mark.parametrize("what", ["cli-docs", "api-docs"])
def test_a_folder_that_is_none_is_an_error(tilt: Tilt, what: str):
    assert "is no folder" in tilt("dump", what, "--dir", "/dev/null").error


def test_kinds_are_listed_by_what_they_can_do(tilt: Tilt):
    assert "uiresources" not in tilt("api-resources", "--verbs=create,watch", "-o", "name").out
    assert tilt("api-resources", "--namespaced=true", "--no-headers").out == ""
    assert tilt("api-resources", "--api-group=pytilt.dev", "-o", "name").out.startswith("clusters.pytilt.dev\n")
    assert tilt("api-resources", "--sort-by=kind", "-o", "name").out.startswith(
        "clusters.tilt.dev\nclusters.pytilt.dev\n"
    )
