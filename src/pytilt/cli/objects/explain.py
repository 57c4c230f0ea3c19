"""`tilt explain`."""

from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import SESSION_OPTIONS
from pytilt.cli.command_line.parsing import Argument, Option
from pytilt.cli.selection.addressing import known_kind
from pytilt.errors import UserError
from pytilt.model.api.words import KINDS


@subcommand(
    "explain",
    Argument("what", required=False),
    Option("--recursive", is_flag=True, help="Print all fields below, without what they mean."),
    Option("--api-version", help="The kind of this group: `tilt.dev/v1alpha1`, or `pytilt.dev/v1alpha1`."),
    *SESSION_OPTIONS,
)
def command(what: str | None, recursive: bool, api_version: str | None, host: str | None, port: int | None) -> None:
    """Say what the objects of a kind have, and what a field of theirs means; no session is needed.

    \b
    Examples:
      tilt explain cmds
      tilt explain cmds.spec.args
      tilt explain uibutton --recursive
      tilt explain resources --api-version=pytilt.dev/v1alpha1
    """
    from pytilt.views.explaining import explain  # imported here: it takes all kinds

    del host, port
    if not what:
        raise UserError("You must specify the type of resource to explain", hint="`tilt api-resources` lists them all")
    word, *path = what.rstrip(".").split(".")
    kind = known_kind(word)
    if api_version:
        found = [each for each in KINDS if each.group_version == api_version and each.means(word)]
        if not found:
            raise UserError(f'couldn\'t find resource for "{word}" in {api_version}')
        kind = found[0]
    print(explain(kind, path, recursive=recursive))
