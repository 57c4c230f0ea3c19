"""`tilt attach`."""

import sys

import click

from pytilt.cli.flags import TiltCommand
from pytilt.cli.options import display_options, session_options
from pytilt.settings import Settings


@click.command("attach", cls=TiltCommand)
@click.option("--stream", is_flag=True, help="Print the log lines of all resources instead of the display.")
@session_options
@display_options
@click.pass_context
def command(ctx: click.Context, stream: bool, host: str | None, port: int | None, notify: str, theme: str) -> int:
    """Show the running session of this project in this terminal, as `tilt up` does. Leaving it does not end it.

    \b
    Examples:
      tilt attach
      tilt attach --stream=true
    """
    from pytilt.hud.terminal import can_display

    settings = Settings.from_environment()
    if not stream and sys.stdin.isatty() and sys.stdout.isatty() and can_display(settings.environ):
        from pytilt.cli import hud

        shown: int = ctx.invoke(hud.command, host=host, port=port, notify=notify, theme=theme)
        return shown
    from pytilt.cli import logs

    ctx.invoke(logs.command, follow=True, host=host, port=port)
    return 0
