import pytest

from pytilt.host.notifying import notify_command, notify_desktop
from pytilt.settings import Settings


@pytest.mark.parametrize(
    ("platform", "argv"),
    [
        ("linux", ("notify-send", "--app-name=tilt", "--", "web is broken", 'say "why"')),
        ("darwin", ("osascript", "-e", r'display notification "say \"why\"" with title "web is broken"')),
    ],
)
def test_every_desktop_has_a_command_of_its_own(platform, argv):
    assert notify_command("web is broken", 'say "why"', platform) == argv


async def test_a_real_command_is_handed_title_and_text(tmp_path):
    seen = tmp_path / "seen"
    for name in ("notify-send", "osascript"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "$@" > {seen}\n')
        program.chmod(0o755)
    settings = Settings(environ={"PATH": f"{tmp_path}:/usr/bin:/bin"}, home=str(tmp_path))
    assert await notify_desktop("web is broken", "why", settings)
    assert "web is broken" in seen.read_text()


async def test_a_desktop_without_such_a_command_is_reported(tmp_path):
    assert not await notify_desktop("a", "b", Settings(environ={"PATH": str(tmp_path)}, home=str(tmp_path)))
