import pytest

from pytilt.views.headlines import headline

TRACE = """Traceback (most recent call last):
  /shop/Tiltfile:3:5: in <toplevel>
  /shop/lib/images.tilt:12:9: in build
Error in docker_build: open /shop/Dockerfile: no such file or directory
hint: write one"""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("", ""),
        ("exit status 1\noutput", "exit status 1"),
        ("\n\nboom\n", "boom"),
        (TRACE, "images.tilt:12:9: Error in docker_build: open /shop/Dockerfile: no such file or directory"),
        ("Traceback (most recent call last):\nError: boom", "Error: boom"),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
        ("/shop/Tiltfile:1:2: unexpected `)`\nhint: x", "/shop/Tiltfile:1:2: unexpected `)`"),
    ],
)
def test_the_line_that_says_most_is_shown(error: str, expected: str):
    assert headline(error) == expected
