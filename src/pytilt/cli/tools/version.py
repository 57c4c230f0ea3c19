"""`tilt version`."""

from pytilt import TILT_VERSION, __date__, __version__
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.parsing import OneOf, Option


@subcommand(
    "version",
    Option("-o", "--output", type=OneOf("text", "json"), default="text", help="Form of the output."),
)
def command(output: str) -> None:
    """Print the version.

    The first number is that of the Tilt whose Tiltfiles run here, for scripts and extensions that compare it;
    `tilt --version` prints that of pytilt.

    \b
    Example:
      tilt version -o json
    """
    if output == "json":
        print(f'{{"version": "{__version__}", "date": "{__date__}"}}')
    else:
        print(f"v{TILT_VERSION}, built {__date__}, by pytilt v{__version__}")
