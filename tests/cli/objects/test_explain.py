import pytest

from tests.cli.conftest import Tilt


def test_a_kind_is_explained_without_a_session(tilt: Tilt):
    ended = tilt("explain", "cmds.spec.args")
    assert (ended.status, ended.error) == (0, "")
    assert "FIELD: args <[]string>\n" in ended.out
    assert "\n    args\t<[]string>\n" in tilt("explain", "cmd", "--recursive").out
    assert "GROUP:      pytilt.dev\n" in tilt("explain", "tiltfile", "--api-version=pytilt.dev/v1alpha1").out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "You must specify the type of resource to explain"),
        (["pods"], "doesn't have a resource type"),
        (["cm.nix"], 'field "nix" does not exist'),
        (["cmds", "--api-version=v1"], 'couldn\'t find resource for "cmds" in v1'),
    ],
)
def test_what_cannot_be_explained_is_an_error(tilt: Tilt, words: list[str], text: str):
    ended = tilt("explain", *words)
    assert (ended.status, ended.out) == (1, "")
    assert text in ended.error
