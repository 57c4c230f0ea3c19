"""`tilt patch`."""

from pathlib import Path

import click

from pytilt.cli.client import Client, Json
from pytilt.cli.flags import Command
from pytilt.cli.options import session_options
from pytilt.errors import UserError
from pytilt.settings import Settings
from pytilt.views.api import find_kind


@click.command("patch", cls=Command)
@click.argument("what")
@click.argument("name", required=False)
@click.option("-p", "--patch", help="The patch, in JSON or YAML.")
@click.option("--patch-file", help="A file with the patch.")
@click.option(
    "--type",
    "how",
    type=click.Choice(["merge", "strategic"]),
    default="strategic",
    show_default=True,
    help="Kind of the patch; both mean the same here.",
)
@session_options
def command(
    what: str, name: str | None, patch: str | None, patch_file: str | None, how: str, host: str | None, port: int | None
) -> None:
    """Change an object of a running session. What can be changed is the ConfigMap that enables a resource.

    \b
    Examples:
      tilt patch configmap web-disable -p '{"data": {"isDisabled": "true"}}'
      tilt patch configmap/web-disable -p 'data: {isDisabled: "false"}'
    """
    del how
    word, _, inner = what.partition("/")
    kind = find_kind(word)
    if kind is None:
        raise UserError(f'the server doesn\'t have a resource type "{word}"')
    wanted = name or inner
    if not wanted:
        raise UserError("no object is named", hint="for example `tilt patch configmap web-disable -p …`")
    client = Client(Settings.from_environment(), host, port)
    before = client.get(kind.plural, wanted)
    after = client.patch(kind.plural, wanted, _read(patch, patch_file))
    unchanged = " (no change)" if after.get("data") == before.get("data") else ""
    print(f"{kind.name.lower()}.tilt.dev/{wanted} patched{unchanged}")


def _read(patch: str | None, file: str | None) -> Json:
    if (patch is None) == (file is None):
        raise UserError("must specify --patch or --patch-file containing the contents of the patch")
    import yaml

    try:
        found = yaml.safe_load(Path(file).read_text() if file is not None else patch or "")
    except OSError as problem:
        raise UserError(f"the patch cannot be read: {problem.strerror}", where=file) from problem
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise UserError("unable to parse the patch: it is neither JSON nor YAML", where=file) from problem
    if not isinstance(found, dict):
        raise UserError("unable to parse the patch: it is not a mapping", where=file)
    return found
