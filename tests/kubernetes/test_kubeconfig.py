import os
from pathlib import Path

import pytest

from pytilt.errors import UserError
from pytilt.kubernetes.kubeconfig import current_context, read
from pytilt.settings import Settings

FIRST = """
apiVersion: v1
kind: Config
current-context: dev
contexts:
- name: dev
  context: {cluster: kind-dev, user: me, namespace: shop}
clusters:
- name: kind-dev
  cluster: {server: https://first}
"""
SECOND = """
current-context: production
contexts:
- name: dev
  context: {cluster: other, user: you}
- name: production
  context: {cluster: production}
clusters:
- name: kind-dev
  cluster: {server: https://second}
users:
- name: me
  user: {token: 12345}
"""


def settings(tmp_path: Path, *texts: str | None, **environ: str) -> Settings:
    paths = []
    for index, text in enumerate(texts):
        paths.append(str(tmp_path / f"config-{index}"))
        if text is not None:
            Path(paths[-1]).write_text(text)
    return Settings.from_environment({"HOME": str(tmp_path), "KUBECONFIG": ":".join(paths), **environ})


def test_the_first_of_several_files_wins_entry_by_entry(tmp_path):
    config = read(settings(tmp_path, FIRST, SECOND))
    assert config.current == "dev"
    assert config.contexts["dev"].value == {"cluster": "kind-dev", "user": "me", "namespace": "shop"}
    assert config.clusters["kind-dev"].value == {"server": "https://first"}
    assert config.users["me"].path == str(tmp_path / "config-1")


def test_missing_and_empty_files_are_skipped(tmp_path):
    config = read(settings(tmp_path, None, "", SECOND))
    assert config.current == "production"
    assert config.paths == (str(tmp_path / "config-1"), str(tmp_path / "config-2"))


def test_the_current_context_is_the_one_asked_for_then_that_of_the_files(tmp_path):
    assert current_context(settings(tmp_path, None)) is None
    assert current_context(settings(tmp_path, None, KUBERNETES_SERVICE_HOST="10.0.0.1")) == "in-cluster"
    assert current_context(settings(tmp_path, FIRST), "mine") == "mine"
    assert current_context(settings(tmp_path, FIRST, TILT_CONTEXT="ours")) == "ours"
    assert current_context(settings(tmp_path, FIRST)) == "dev"


@pytest.mark.parametrize("text", ["just words", "- a list", "a: [", "contexts: [{context: {}}]"])
def test_a_file_that_is_no_kubeconfig_is_named(tmp_path, text):
    with pytest.raises(UserError) as raised:
        read(settings(tmp_path, text))
    assert (raised.value.where or "").startswith(str(tmp_path / "config-0"))


def test_a_kubeconfig_that_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "config-0")
    with pytest.raises(UserError, match=r"config-0: the kubeconfig cannot be read: it is a pipe"):
        read(settings(tmp_path, None))
