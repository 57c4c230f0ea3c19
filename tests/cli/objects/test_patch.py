import json
from pathlib import Path

import pytest

from tests.cli.conftest import Tilt
from tests.cli.sessions import Session


def test_a_patch_disables_a_resource_as_in_tilt(tilt: Tilt, served: Session):
    ended = tilt("patch", "configmap", "-p", '{"data": {"isDisabled": "true"}}', "--", "web-disable")
    assert (ended.status, ended.error) == (0, "")
    assert ended.out.startswith("configmap.tilt.dev/web-disable patched")
    assert served.port


@pytest.mark.usefixtures("served")
def test_a_patch_may_be_a_file_and_yaml(tilt: Tilt, tmp_path: Path):
    (tmp_path / "patch.yaml").write_text('data: {isDisabled: "false"}')
    ended = tilt("patch", "cm/web-disable", "--patch-file", str(tmp_path / "patch.yaml"), "--type=merge")
    assert ended == (0, "configmap.tilt.dev/web-disable patched (no change)\n", "")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["pods", "x", "-p", "{}"], 'the server doesn\'t have a resource type "pods"'),
        (["configmap", "-p", "{}"], "no object is named"),
        (["configmap", "web-disable"], "must specify --patch or --patch-file"),
        (["configmap", "web-disable", "-p", "{"], "neither JSON nor YAML"),
        (["configmap", "web-disable", "-p", "[" * 5000 + "]" * 5000], "neither JSON nor YAML"),
        (["configmap", "web-disable", "-p", "[]"], "a list of operations is a patch with `--type=json`"),
        (["configmap", "none-disable", "-p", "{}"], 'configmaps.tilt.dev "none-disable" not found'),
        (["uiresource", "web", "-p", "{}"], "uiresources are made by the session: they cannot be changed"),
        (["configmap", "web-disable", "--patch-file", "/none"], "the patch cannot be read"),
    ],
)
@pytest.mark.usefixtures("served")
def test_what_cannot_be_patched_is_an_error(tilt: Tilt, words: list[str], text: str):
    ended = tilt("patch", *words)
    assert (ended.status, ended.out) == (1, "")
    assert text in ended.error


@pytest.mark.usefixtures("served")
def test_the_dump_of_the_engine_has_every_kind(tilt: Tilt):
    ended = tilt("dump", "engine")
    assert (ended.status, ended.error) == (0, "")
    found = json.loads(ended.out)
    assert {"uiresources", "sessions", "configmaps", "resources"} <= found.keys()


@pytest.mark.usefixtures("served")
def test_a_json_patch_is_a_list_of_operations(tilt: Tilt):
    def patched(**operation: str) -> tuple[str, str]:
        ended = tilt("patch", "cm/web-disable", "--type=json", "-p", json.dumps([operation]))
        return ended.out, ended.error

    assert patched(op="replace", path="/data/isDisabled", value="true")[0] == "configmap.tilt.dev/web-disable patched\n"
    assert "operation 0 of the patch: there is no `nope`" in patched(op="remove", path="/nope")[1]
    assert "test failed" in patched(op="test", path="/data/isDisabled", value="false")[1]
    assert "it is not a list of operations" in tilt("patch", "cm/web-disable", "--type=json", "-p", "{}").error
