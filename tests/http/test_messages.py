import pytest

from pytilt.http.messages import quoted, request


@pytest.mark.parametrize(
    ("path", "target"),
    [("/health?x=1&y=a%20b", "/health?x=1&y=a%20b"), ("up", "/up"), ("/a b/ü", "/a%20b/%C3%BC"), ("/\udcff", "/%FF")],
)
def test_a_path_is_quoted_as_it_goes_into_a_request(path: str, target: str):
    assert quoted(path) == target


def test_a_host_and_an_agent_of_ones_own_stand_in_place_of_the_usual_ones():
    headers = request("GET", "/", "pod:80", [("host", "shop.example"), ("User-Agent", "kube-probe")]).headers
    assert list(headers) == [(b"host", b"shop.example"), (b"user-agent", b"kube-probe")]
