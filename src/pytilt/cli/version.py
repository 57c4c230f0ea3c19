"""`tilt version`."""

import click

from pytilt import BUILD, __date__, __version__
from pytilt.cli.flags import TiltCommand


@click.command("version", cls=TiltCommand)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Form of the output.")
def command(output: str) -> None:
    """Print the version.

    \b
    Example:
      tilt version -o json
    """
    if output == "json":
        print(f'{{"version": "{__version__}", "date": "{__date__}"}}')
    else:
        print(BUILD)
