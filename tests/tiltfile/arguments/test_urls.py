import pytest

from pytilt.errors import UserError
from pytilt.tiltfile.arguments.urls import parse_link, parse_path


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("foo", "http://foo"),
        ("//foo/a", "http://foo/a"),
        ("/a", "http:///a"),
        ("localhost:80", "localhost:80"),
        ("HTTPS://x/A b", "https://x/A%20b"),
    ],
)
def test_a_link_without_scheme_is_http(written, url):
    assert parse_link(written).url == url


@pytest.mark.parametrize("written", ["", "127.0.0.1:80", "http://a b", "http://x/\n", "http://x/%zz"])
def test_what_is_no_url_is_refused(written):
    with pytest.raises(UserError, match="validating URL"):
        parse_link(written)


def test_the_path_of_a_forward_loses_its_first_slash():
    assert (parse_path("/a/b"), parse_path("a"), parse_path("")) == ("a/b", "a", "")
