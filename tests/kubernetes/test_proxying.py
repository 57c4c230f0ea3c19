import pytest

from pytilt.kubernetes.proxying import proxy_for

PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        ("https://cluster.example", {}, ""),
        ("https://cluster.example", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://cluster.example", {"https_proxy": "proxy:3128"}, PROXY),
        ("http://cluster.example", {"HTTPS_PROXY": PROXY}, ""),
        ("https://localhost:6443", {"HTTPS_PROXY": PROXY}, ""),
        ("https://127.0.0.1:6443", {"HTTPS_PROXY": PROXY}, ""),
        ("https://cluster.example", {"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, ""),
        ("https://cluster.example", {"HTTPS_PROXY": PROXY, "NO_PROXY": "other, example"}, ""),
        ("https://cluster.example", {"HTTPS_PROXY": PROXY, "NO_PROXY": ".example"}, ""),
        ("https://myexample", {"HTTPS_PROXY": PROXY, "NO_PROXY": "example"}, PROXY),
        ("https://10.1.2.3:6443", {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, ""),
        ("https://11.1.2.3:6443", {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, PROXY),
        ("https://cluster.example:6443", {"HTTPS_PROXY": PROXY, "NO_PROXY": "cluster.example:6443"}, ""),
        ("https://cluster.example:6443", {"HTTPS_PROXY": PROXY, "NO_PROXY": "cluster.example:443"}, PROXY),
    ],
)
def test_a_proxy_is_chosen_as_go_programs_do(url, environ, expected):
    assert proxy_for(url, environ) == expected
