"""`tilt verify-install`."""

from pytilt.cli.command_line.commands import subcommand


@subcommand("verify-install")
def command() -> None:
    """End with 0 and without output: Tilt's way for scripts to ask whether it is there. `tilt doctor` says more.

    \b
    Example:
      tilt verify-install && echo installed
    """
