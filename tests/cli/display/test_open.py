import json
import re
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Tilt
from tests.cli.sessions import Session


def test_the_printed_link_lets_a_browser_in_once(tilt: Tilt, served: Session):
    served.served.add("my/web")
    ended = tilt("open", "my/web", "--print")
    assert ended.status == 0
    found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/r/my%2Fweb/overview\?token=\S+\n", ended.out)
    assert found is not None
    assert int(found[1]) == served.port
    assert httpx.get(ended.out.strip()).status_code == 303
    assert httpx.get(ended.out.strip()).status_code == 403


@pytest.mark.usefixtures("served")
def test_a_resource_that_is_not_there_has_no_page(tilt: Tilt):
    ended = tilt("open", "nonsense", "--print")
    assert (ended.status, ended.out) == (1, "")
    assert "nonsense" in ended.error


@pytest.mark.usefixtures("served")
def test_a_snapshot_is_written_and_what_is_none_is_not_shown(tilt: Tilt, tmp_path: Path):
    file = tmp_path / "now.html"
    ended = tilt("snapshot", "create", str(file))
    if "was not built" in ended.error:
        pytest.skip("the web page was not built")
    assert ended.out.startswith(f"{file}: ")
    assert 'id="snapshot"' in file.read_text()
    assert 'id="snapshot"' in tilt("snapshot", "create", "-").out
    other = tmp_path / "other"
    other.write_text("nothing")
    assert "is no snapshot" in tilt("snapshot", "view", str(other)).error
    assert 'id="snapshot"' in tilt("snapshot", "create").out  # into what is no terminal
    assert tilt("snapshot", "view", "--no-open", str(file)).out == f"file://{file}\n"
    other.write_text(file.read_text().replace("</body>", "<script>alert(1)</script></body>"))
    shown = tilt("snapshot", "view", "--no-open", str(other)).out
    kept = Path(shown.removeprefix("file://").strip())
    assert (kept != other, kept.read_text()) == (True, file.read_text())
    kept.unlink()
    for_programs = tmp_path / "s.json"
    tilt("snapshot", "create", str(for_programs))
    assert len(json.loads(for_programs.read_text())["view"]["uiResources"]) == 3
    assert "is a snapshot for programs" in tilt("snapshot", "view", str(for_programs)).error
    assert "cannot be read" in tilt("snapshot", "view", str(tmp_path / "nothing")).error
    assert "cannot be written" in tilt("snapshot", "create", str(tmp_path / "no" / "folder")).error
