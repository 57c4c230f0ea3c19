"""`tilt verify-install`."""

import click

from pytilt.cli.flags import TiltCommand


@click.command("verify-install", cls=TiltCommand)
def command() -> None:
    """End with 0 and without output: Tilt's way for scripts to ask whether it is there. `tilt doctor` says more.

    \b
    Example:
      tilt verify-install && echo installed
    """
