from pathlib import Path

import click
import pytest

from pytilt.cli.command_line.flags import TiltCommand, separate
from pytilt.errors import UserError
from tests.cli.conftest import Tilt
from tests.cli.sessions import Session

OPTIONS = [
    click.Option(["--stream"], is_flag=True),
    click.Option(["-f", "--follow"], is_flag=True),
    click.Option(["-o", "--output"]),
    click.Option(["--hidden"], is_flag=True, expose_value=False),
]


@pytest.mark.parametrize(
    ("words", "kept", "switches"),
    [
        (["--stream"], [], {"stream": True}),
        (["--stream=true", "web"], ["web"], {"stream": True}),
        (["--stream", "web"], ["web"], {"stream": True}),
        (["--stream=false"], [], {"stream": False}),
        (["--stream=F", "-f=1"], [], {"stream": False, "follow": True}),
        (["--stream", "--stream=false"], [], {"stream": False}),
        (["-o=json", "x"], ["-o", "json", "x"], {}),
        (["-o", "--stream"], ["-o", "--stream"], {}),
        (["-ojson", "--output=yaml"], ["-ojson", "--output=yaml"], {}),
        (["--hidden=true"], [], {}),
        (["x", "--", "--stream=false", "--debug"], ["x", "--", "--stream=false", "--debug"], {}),
        (["--no-such=true"], ["--no-such=true"], {}),
        (["--klog", "3", "-d", "--verbose=true", "x"], ["x"], {}),
    ],
)
def test_switches_take_values_as_those_of_tilt_do(words: list[str], kept: list[str], switches: dict[str, bool]):
    assert separate(OPTIONS, words) == (kept, switches)


def test_the_words_of_a_subcommand_are_its_own():
    assert separate(OPTIONS, ["-d", "up", "-d"], group=True) == (["up", "-d"], {})


def test_a_switch_with_another_value_is_an_error():
    with pytest.raises(UserError, match='invalid argument "maybe" for "--stream" flag'):
        separate(OPTIONS, ["--stream=maybe"])


def test_flags_that_change_nothing_say_so_unless_they_are_off(capsys: pytest.CaptureFixture[str]):
    separate(OPTIONS, ["--debug", "--verbose=false", "--klog=1"])
    assert [line.split("`")[1] for line in capsys.readouterr().err.splitlines()] == ["--debug", "--klog"]
    separate(OPTIONS, ["--debug"], quiet=True)
    assert capsys.readouterr().err == ""


def test_a_command_gets_its_switches():
    received: dict[str, object] = {}
    command = TiltCommand("x", params=[*OPTIONS], callback=lambda **params: received.update(params))
    command.main(["--stream=false", "-f", "-o=json"], standalone_mode=False)
    assert received == {"stream": False, "follow": True, "output": "json"}


def test_every_command_knows_the_flags_of_all(tilt: Tilt, served: Session):
    ended = tilt("--debug", "get", "--klog=1", "uiresources", "-v")
    assert (ended.status, ended.out.splitlines()[-1][:2]) == (0, "db")
    assert served.port


@pytest.mark.parametrize("words", [("up", "--stream=true", "--legacy=false", "--update-mode=exec"), ("ci",)])
def test_the_flags_of_tilts_own_tests_reach_the_session(
    tilt: Tilt, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    ended = tilt(*words, "--debug", "--klog=1", "--web-mode=prod", "--webdev-port=46764", "-f=missing")
    assert ended.status == 1
    assert f"Error: No Tiltfile found at paths '{tmp_path}/missing'" in ended.error


@pytest.mark.parametrize("words", [("up", "--update-mode=fast"), ("ci", "--web-mode=fast")])
def test_a_mode_that_is_not_there_is_an_error(tilt: Tilt, words: tuple[str, ...]):
    ended = tilt(*words)
    assert (ended.status, ended.out) == (1, "")
    assert "fast" in ended.error
