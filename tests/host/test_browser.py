import os
from pathlib import Path

import pytest

from pytilt.errors import CommandError
from pytilt.host.browser import browser_commands, open_browser
from pytilt.host.processes import ProcessRequest
from pytilt.settings import Settings

URL = "http://localhost:10350/?a=b&c"


@pytest.mark.parametrize(
    ("browser", "platform", "first"),
    [
        ("firefox", "linux", ("firefox", URL)),
        ("firefox --new-window %s:chromium", "linux", ("firefox", "--new-window", URL)),
        ("", "linux", ("xdg-open", URL)),
        ("", "darwin", ("open", URL)),
    ],
)
def test_the_browser_of_the_environment_comes_first(browser: str, platform: str, first: tuple[str, ...]):
    assert browser_commands(URL, {"BROWSER": browser}, platform)[0] == first


async def test_a_real_browser_is_started_with_the_page(tmp_path: Path):
    program = tmp_path / "my-browser"
    program.write_text('#!/bin/sh\necho "$1" > opened\n')
    program.chmod(0o755)
    settings = Settings(environ={"BROWSER": "my-browser", "PATH": f"{tmp_path}:{os.defpath}"}, home=str(tmp_path))
    assert await open_browser(URL, settings)
    assert (tmp_path / "opened").read_text() == f"{URL}\n"


async def test_the_next_browser_is_tried_when_one_fails(tmp_path: Path):
    asked = []

    async def start(request: ProcessRequest) -> int:
        asked.append(request.argv[0])
        if request.argv[0] == "true":
            raise CommandError("broken")
        return 0 if request.argv[0] == "cat" else 1

    settings = Settings(
        environ={"BROWSER": "true:false:no-such-browser:cat:ls", "PATH": os.defpath}, home=str(tmp_path)
    )
    assert await open_browser(URL, settings, start=start)
    assert asked == ["true", "false", "cat"]


async def test_without_a_browser_nothing_is_opened(tmp_path: Path):
    assert not await open_browser(URL, Settings(environ={"PATH": str(tmp_path)}, home=str(tmp_path)))
