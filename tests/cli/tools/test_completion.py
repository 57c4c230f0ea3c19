import pytest
from click.shell_completion import BashComplete

from pytilt.cli.command_line.program import tilt as program
from tests.cli.conftest import Tilt


@pytest.mark.parametrize(("shell", "word"), [("bash", "complete -o"), ("zsh", "#compdef tilt"), ("fish", "complete ")])
def test_a_shell_gets_its_script(tilt: Tilt, shell: str, word: str):
    ended = tilt("completion", shell)
    assert (ended.status, ended.error) == (0, "")
    assert word in ended.out
    assert f"_TILT_COMPLETE={shell}_complete" in ended.out


@pytest.mark.parametrize(
    ("words", "begun", "found"),
    [([], "tr", ["trigger"]), (["logs"], "--ta", ["--tail"]), (["completion"], "z", ["zsh"])],
)
def test_commands_options_and_choices_are_completed(words: list[str], begun: str, found: list[str]):
    completions = BashComplete(program, {}, "tilt", "_TILT_COMPLETE").get_completions(words, begun)
    assert [each.value for each in completions] == found


def test_words_may_be_completed_without_descriptions(tilt: Tilt):
    assert "if true; then" in tilt("completion", "zsh", "--no-descriptions").out
    assert "if true; then" not in tilt("completion", "zsh").out
    for shell in ("bash", "fish"):
        assert tilt("completion", shell, "--no-descriptions").out == tilt("completion", shell).out


def test_there_is_none_for_powershell(tilt: Tilt):
    assert tilt("completion", "powershell") == (
        1, "", "Error: there is no completion for PowerShell\nhint: there are: bash, zsh, fish\n"
    )  # fmt: skip
