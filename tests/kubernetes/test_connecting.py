import base64
from pathlib import Path

import pytest
import yaml

from pytilt.errors import UserError
from pytilt.kubernetes.connecting import read_connection
from pytilt.kubernetes.connection import Connection
from pytilt.kubernetes.products import ClusterProduct
from pytilt.settings import Settings

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def config(user: object = None, **cluster: object) -> dict[str, object]:
    return {
        "current-context": "dev",
        "contexts": [{"name": "dev", "context": {"cluster": "kind-dev", "user": "me", "namespace": "shop"}}],
        "clusters": [{"name": "kind-dev", "cluster": {"server": "https://host:6443/", **cluster}}],
        "users": [{"name": "me", "user": user or {}}],
    }


def connect(tmp_path: Path, document: object, **environ: str) -> Connection:
    folder = tmp_path / "kube"
    folder.mkdir(exist_ok=True)
    (folder / "config").write_text(yaml.safe_dump(document))
    return read_connection(
        Settings.from_environment({"HOME": str(tmp_path), "KUBECONFIG": str(folder / "config"), **environ})
    )


def test_a_context_names_cluster_namespace_and_product(tmp_path):
    connection = connect(tmp_path, config())
    assert (connection.context, connection.cluster, connection.namespace) == ("dev", "kind-dev", "shop")
    assert connection.server == "https://host:6443"
    assert connection.product is ClusterProduct.KIND


def test_what_the_command_line_says_wins(tmp_path):
    connect(tmp_path, config())
    settings = Settings.from_environment({"HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "kube/config")})
    assert read_connection(settings, namespace="mine").namespace == "mine"
    with pytest.raises(UserError, match="no context `other`") as raised:
        read_connection(settings, context="other")
    assert "`dev`" in (raised.value.hint or "")


def test_without_any_context_the_hint_says_where_one_comes_from(tmp_path):
    with pytest.raises(UserError, match="no context is chosen") as raised:
        read_connection(Settings.from_environment({"HOME": str(tmp_path)}))
    assert "KUBECONFIG" in (raised.value.hint or "")


def test_paths_are_relative_to_the_file_that_names_them(tmp_path):
    (tmp_path / "kube").mkdir()
    (tmp_path / "kube" / "ca.crt").write_text(PEM)
    (tmp_path / "kube" / "me.crt").write_text("certificate")
    (tmp_path / "me.key").write_text("key")
    user = {"client-certificate": "me.crt", "client-key": "../me.key", "tokenFile": "token"}
    connection = connect(tmp_path, config(user, **{"certificate-authority": "ca.crt"}))
    assert connection.authority == PEM
    assert (connection.credentials.certificate, connection.credentials.key) == ("certificate", "key")
    assert connection.credentials.token_file == str(tmp_path / "kube" / "token")


def test_data_wins_over_files(tmp_path):
    data = base64.b64encode(PEM.encode()).decode()
    cluster = {"certificate-authority": "missing", "certificate-authority-data": data}
    assert connect(tmp_path, config(**cluster)).authority == PEM


def test_tls_and_proxy_are_read(tmp_path):
    cluster = {"insecure-skip-tls-verify": True, "tls-server-name": "api", "proxy-url": "http://proxy:1"}
    connection = connect(tmp_path, config(**cluster))
    assert (connection.insecure, connection.tls_server_name, connection.proxy) == (True, "api", "http://proxy:1")
    assert connect(tmp_path, config(), HTTPS_PROXY="http://other:2").proxy == "http://other:2"


def test_a_plugin_is_read_with_its_path(tmp_path):
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "./bin/login",
        "args": ["--as", "me"],
        "env": [{"name": "A", "value": "1"}],
        "installHint": "get it\n",
        "provideClusterInfo": True,
    }
    found = connect(tmp_path, config({"exec": plugin})).credentials.plugin
    assert found is not None
    assert found.command == str(tmp_path / "kube" / "bin" / "login")
    assert (found.args, found.env, found.install_hint) == (("--as", "me"), (("A", "1"),), "get it")
    assert found.provide_cluster_info


def test_a_user_may_act_as_another(tmp_path):
    user = {"token": "t", "as": "bob", "as-groups": ["a", "b"], "as-user-extra": {"scope": ["x"]}}
    assert connect(tmp_path, config(user)).credentials.headers == (
        ("Impersonate-User", "bob"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-scope", "x"),
    )


def test_the_token_of_openid_connect_is_used_and_others_are_reported_what_replaced_them(tmp_path):
    oidc = {"auth-provider": {"name": "oidc", "config": {"id-token": "jwt"}}}
    credentials = connect(tmp_path, config(oidc)).credentials
    assert credentials.token == "jwt"
    assert "oidc-login" in credentials.expired_hint
    with pytest.raises(UserError, match="gcp") as raised:
        connect(tmp_path, config({"auth-provider": {"name": "gcp"}}))
    assert "gke-gcloud-auth-plugin" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (config() | {"clusters": []}, "names the cluster `kind-dev`, which no kubeconfig has"),
        (config() | {"users": []}, "names the user `me`, which no kubeconfig has"),
        (config(server=""), "has no `server`"),
        (config(server="https://["), "is no address"),
        (config(server="https://127.0.0.1:99999"), "is no address"),
        (config(server="ftp://127.0.0.1"), "is no address"),
        (config(**{"certificate-authority": "nope.crt"}), "cannot be read"),
        (config(**{"certificate-authority-data": "!"}), "no PEM in base64"),
    ],
)
def test_an_incomplete_context_is_an_error_with_a_hint(tmp_path, document, message):
    with pytest.raises(UserError, match=message) as raised:
        connect(tmp_path, document)
    assert raised.value.hint
    assert raised.value.where == str(tmp_path / "kube" / "config")


def test_the_frozen_kubeconfig_works_from_anywhere(tmp_path):
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "./login"}
    first = connect(tmp_path, config({"exec": plugin, "tokenFile": "token"}))
    (tmp_path / "frozen").write_text(first.kubeconfig)
    again = read_connection(Settings.from_environment({"HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "frozen")}))
    assert again.credentials == first.credentials
    assert (again.context, again.namespace, again.server) == (first.context, first.namespace, first.server)


def test_secrets_are_not_shown(tmp_path):
    assert "hush" not in repr(connect(tmp_path, config({"token": "hush"}), SECRET="hush"))
