from pytilt.cluster.secrets import redactions
from tests.cluster_rules.shop import plain


def test_values_of_secrets_are_kept_out_of_logs_in_plain_and_in_base64():
    secret = plain("Secret", "s") | {
        "data": {"k": "aGVsbG8td29ybGQ=", "short": "YWJjZA==", "bad": "%", "none": None},
        "stringData": {"plain": "hunter22", "number": 12345},
    }
    assert redactions([secret, plain("ConfigMap", "c") | {"data": {"k": "visible-value"}}]) == (
        ("aGVsbG8td29ybGQ=", "[redacted secret s:k]"),
        ("aHVudGVyMjI=", "[redacted secret s:plain]"),
        ("hello-world", "[redacted secret s:k]"),
        ("hunter22", "[redacted secret s:plain]"),
        ("MTIzNDU=", "[redacted secret s:number]"),
        ("12345", "[redacted secret s:number]"),
    )
