import base64
import json

from pytilt.cluster.secrets import secrets, without_values


def secret(**fields):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, **fields}


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_values_of_both_fields_are_secret():
    wanted = secret(data={"a": coded("hello-world")}, stringData={"b": "plain-text", "c": 12345})
    assert dict(secrets([wanted])) == {
        "hello-world": "[redacted secret key:a]",
        "plain-text": "[redacted secret key:b]",
        "12345": "[redacted secret key:c]",
    }


def test_what_is_no_base64_is_meant_as_it_is():
    assert dict(secrets([secret(data={"a": "no base64!"})])) == {"no base64!": "[redacted secret key:a]"}


def test_passwords_of_registries_are_secrets_of_their_own():
    auth = coded("robot:b4ttery")
    config = {"auths": {"ghcr.io": {"username": "robot", "auth": auth}, "quay.io": {"password": "st4ple"}}}
    found = dict(secrets([secret(data={".dockerconfigjson": coded(json.dumps(config))})]))
    assert set(found) == {json.dumps(config), auth, "b4ttery", "st4ple"}


def test_other_kinds_have_no_secrets():
    sealed = secret(data={"a": "x" * 20}) | {"apiVersion": "bitnami.com/v1"}
    assert secrets([{"kind": "ConfigMap", "apiVersion": "v1", "data": {"a": "hello-world"}}, sealed]) == ()


def test_a_secret_without_values_still_shows_its_keys():
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{…}", "team": "shop"}
    wanted = secret(data={"a": "eA=="}, stringData={"b": "x"}, type="Opaque")
    wanted["metadata"]["annotations"] = annotations
    assert without_values(wanted) == {
        **wanted,
        "data": {"a": "[redacted secret key:a]"},
        "stringData": {"b": "[redacted secret key:b]"},
        "metadata": {"name": "key", "annotations": {"team": "shop"}},
    }


def test_a_value_of_null_is_empty():
    assert dict(secrets([{**secret(data={"a": None}), "stringData": {"b": None}}])) == {"": "[redacted secret key:b]"}
