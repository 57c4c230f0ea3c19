"""`tilt completion`: the scripts by which shells complete commands."""

from pytilt.cli.command_line.commands import group
from pytilt.cli.command_line.parsing import Option
from pytilt.errors import UserError

NO_DESCRIPTIONS = Option("--no-descriptions", is_flag=True, help="Show words alone, without what they do.")

_DESCRIBED = 'if [[ "$descr" == "_" ]]; then'
"""In zsh's script: what has no description."""


@group("completion")
def command() -> None:
    """Print the script that completes commands and options in a shell.

    \b
    Examples:
      source <(tilt completion bash)
      tilt completion fish > ~/.config/fish/completions/tilt.fish
    """


@command.subcommand("bash", NO_DESCRIPTIONS)
def bash(no_descriptions: bool) -> None:
    """Print the script for bash, which shows words alone in any case.

    \b
    Examples:
      source <(tilt completion bash)
      tilt completion bash > /etc/bash_completion.d/tilt
    """
    del no_descriptions
    print(_script("bash"))


@command.subcommand("zsh", NO_DESCRIPTIONS)
def zsh(no_descriptions: bool) -> None:
    """Print the script for zsh; `compinit` has to run before it.

    \b
    Examples:
      source <(tilt completion zsh)
      tilt completion zsh > "${fpath[1]}/_tilt"
    """
    script = _script("zsh")
    print(script.replace(_DESCRIBED, "if true; then") if no_descriptions else script)


@command.subcommand("fish", NO_DESCRIPTIONS)
def fish(no_descriptions: bool) -> None:
    """Print the script for fish, which shows words alone in any case.

    \b
    Examples:
      tilt completion fish | source
      tilt completion fish > ~/.config/fish/completions/tilt.fish
    """
    del no_descriptions
    print(_script("fish"))


@command.subcommand("powershell", NO_DESCRIPTIONS)
def powershell(no_descriptions: bool) -> None:
    """Not there: Windows is supported inside of WSL 2 alone, with the shells of Linux.

    \b
    Example:
      source <(tilt completion bash)
    """
    del no_descriptions
    raise UserError("there is no completion for PowerShell", hint="there are: bash, zsh, fish")


def _script(shell: str) -> str:
    from click.shell_completion import ShellComplete, get_completion_class

    from pytilt.cli.command_line.program import tilt

    kind = get_completion_class(shell)
    assert kind is not None
    # Bash's own `source` starts a shell to see its version.
    return ShellComplete.source(kind(tilt, {}, "tilt", "_TILT_COMPLETE"))
