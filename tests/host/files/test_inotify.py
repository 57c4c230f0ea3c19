from pathlib import Path

import pytest

from pytilt.host.files.inotify import effective_limit

NAME = "fs.inotify.max_user_watches"


@pytest.mark.parametrize(
    ("whole", "inner", "expected"),
    [
        ("8192\n", "8192\n", (NAME, 8192)),
        ("8192\n", "100\n", ("user.max_inotify_watches", 100)),
        ("8192\n", "2147483647\n", (NAME, 8192)),
        ("8192\n", None, (NAME, 8192)),
        (None, None, (NAME, 0)),
    ],
)
def test_the_limit_that_is_reached_is_named(
    tmp_path: Path, whole: str | None, inner: str | None, expected: tuple[str, int]
):
    for name, text in ((NAME, whole), ("user.max_inotify_watches", inner)):
        path = tmp_path / name.replace(".", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            path.write_text(text)
    assert effective_limit(NAME, tmp_path) == expected
