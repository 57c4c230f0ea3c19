"""`tilt completion`."""

from pytilt.cli.commands import subcommand
from pytilt.cli.parsing import Argument, OneOf
from pytilt.errors import UserError


@subcommand(
    "completion",
    Argument("shell", type=OneOf("bash", "zsh", "fish")),
)
def command(shell: str) -> None:
    """Print the script that completes commands and options in SHELL.

    \b
    Examples:
      source <(tilt completion bash)
      tilt completion fish > ~/.config/fish/completions/tilt.fish
    """
    from click.shell_completion import ShellComplete, get_completion_class

    from pytilt.cli.program import tilt

    kind = get_completion_class(shell)
    if kind is None:
        raise UserError(f"there is no completion for {shell}")
    # Bash's own `source` starts a shell to see its version.
    print(ShellComplete.source(kind(tilt, {}, "tilt", "_TILT_COMPLETE")))
