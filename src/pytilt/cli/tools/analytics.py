"""`tilt analytics`."""

from pytilt.cli.command_line.commands import group
from pytilt.cli.command_line.parsing import Argument, OneOf

NOTHING = "nothing is sent to anybody: there is no analytics here"


@group("analytics", alone=True)
def command() -> None:
    """Say that nothing is sent to anybody.

    \b
    Example:
      tilt analytics
    """
    print(NOTHING)


@command.subcommand(
    "opt",
    Argument("choice", type=OneOf("in", "out", "default")),
)
def opt(choice: str) -> None:
    """Accept a choice, which changes nothing: nothing is sent either way.

    \b
    Example:
      tilt analytics opt out
    """
    del choice
    print(NOTHING)
