from pathlib import Path

import pytest

from pytilt.errors import UserError
from pytilt.model.names import session_id
from pytilt.session.project import find_project
from pytilt.settings import Settings

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: kind-dev
clusters:
- name: kind-dev
  cluster: {server: "https://127.0.0.1:1"}
users:
- name: me
  user: {token: t}
contexts:
- name: kind-dev
  context: {cluster: kind-dev, user: me, namespace: shop}
- name: production
  context: {cluster: kind-dev, user: me}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    (tmp_path / "Tiltfile").write_text("")
    return Settings.from_environment({"HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "kubeconfig")})


def test_a_folder_means_the_tiltfile_in_it(settings: Settings, tmp_path: Path):
    found = find_project(settings, str(tmp_path), ("a",), context=None, namespace=None)
    assert (found.tiltfile, found.root, found.args) == (str(tmp_path / "Tiltfile"), str(tmp_path), ("a",))


def test_a_folder_that_is_gone_is_reported(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(UserError, match="the folder you are in is gone"):
        find_project(settings, "Tiltfile", (), context=None, namespace=None)


def test_the_current_context_is_chosen_with_its_namespace(settings: Settings, tmp_path: Path):
    target = find_project(settings, str(tmp_path), (), context=None, namespace=None).target
    assert (target.context, target.namespace, target.development) == ("kind-dev", "shop", True)


def test_the_command_line_wins_over_the_kubeconfig(settings: Settings, tmp_path: Path):
    target = find_project(settings, str(tmp_path), (), context="production", namespace="mine").target
    assert (target.context, target.namespace) == ("production", "mine")


def test_an_evaluation_is_asked_for_the_subcommand(settings: Settings, tmp_path: Path):
    request = find_project(settings, str(tmp_path), ("a",), context=None, namespace=None).request("ci")
    assert (request.subcommand, request.args, request.context, request.namespace) == ("ci", ("a",), "kind-dev", "shop")


def test_a_missing_tiltfile_is_named_with_its_whole_path(settings: Settings, tmp_path: Path):
    with pytest.raises(UserError, match="No Tiltfile found at paths") as caught:
        find_project(settings, str(tmp_path / "none"), (), context=None, namespace=None)
    assert str(tmp_path / "none") in caught.value.message
    assert "-f" in (caught.value.hint or "")


def test_an_unknown_context_is_named(settings: Settings, tmp_path: Path):
    with pytest.raises(UserError, match="nowhere"):
        find_project(settings, str(tmp_path), (), context="nowhere", namespace=None)


@pytest.mark.parametrize(
    ("text", "deploys"), [("k8s_yaml('web.yaml')\n", True), ("local_resource('a', 'true')\n", False)]
)
def test_a_tiltfile_that_speaks_of_kubernetes_will_ask_for_the_cluster(
    settings: Settings, tmp_path: Path, text: str, deploys: bool
):
    (tmp_path / "Tiltfile").write_text(text)
    assert find_project(settings, str(tmp_path), (), context=None, namespace=None).deploys == deploys


def test_a_namespace_may_be_one_of_the_worktree_alone(settings: Settings, tmp_path: Path):
    found = find_project(settings, str(tmp_path), (), context=None, namespace="dev-{session}")
    assert found.target.namespace == f"dev-{session_id(found.tiltfile)}"
    assert found.request("up").own_namespace
    by_variable = Settings.from_environment({**settings.environ, "TILT_NAMESPACE": "{session}"})
    assert find_project(by_variable, str(tmp_path), (), context=None, namespace=None).target.namespace.startswith(
        "test-"
    )
    assert not find_project(by_variable, str(tmp_path), (), context=None, namespace="mine").own_namespace
