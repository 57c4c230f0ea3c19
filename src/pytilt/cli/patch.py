"""`tilt patch`."""

from typing import Any

import click

from pytilt.cli.addressing import known_kind
from pytilt.cli.client import Json, SessionClient
from pytilt.cli.flags import TiltCommand
from pytilt.cli.options import session_options
from pytilt.errors import UserError
from pytilt.host.reading import read_file
from pytilt.settings import Settings


@click.command("patch", cls=TiltCommand)
@click.argument("what")
@click.argument("name", required=False)
@click.option("-p", "--patch", help="The patch, in JSON or YAML.")
@click.option("--patch-file", help="A file with the patch.")
@click.option(
    "--type",
    "how",
    type=click.Choice(["json", "merge", "strategic"]),
    default="strategic",
    show_default=True,
    help="Kind of the patch: `json` is a list of operations; the others mean the same here.",
)
@click.option("--subresource", type=click.Choice(["status"]), help="Change the status instead.")
@session_options
def command(
    what: str,
    name: str | None,
    patch: str | None,
    patch_file: str | None,
    how: str,
    subresource: str | None,
    host: str | None,
    port: int | None,
) -> None:
    """Change an object of a running session.

    \b
    Examples:
      tilt patch configmap web-disable -p '{"data": {"isDisabled": "true"}}'
      tilt patch uibutton/go -p 'spec: {text: Go on}'
      tilt patch uibutton/go --type=json -p '[{"op": "replace", "path": "/spec/text", "value": "Go on"}]'
    """
    word, _, inner = what.partition("/")
    kind = known_kind(word)
    wanted = name or inner
    if not wanted:
        raise UserError("no object is named", hint="for example `tilt patch configmap web-disable -p …`")
    client = SessionClient(Settings.from_environment(), host, port)
    before = client.get(kind.resource, wanted)
    after = client.patch(kind.resource, wanted, _read(patch, patch_file, how), status=subresource is not None)
    same = after["metadata"].get("resourceVersion") == before["metadata"].get("resourceVersion")
    unchanged = " (no change)" if same else ""
    print(f"{kind.singular}/{wanted} patched{unchanged}")


def _read(patch: str | None, file: str | None, how: str) -> Json | list[Any]:
    if (patch is None) == (file is None):
        raise UserError("must specify --patch or --patch-file containing the contents of the patch")
    import yaml

    try:
        found = yaml.safe_load(read_file(file, pipes=True).decode() if file is not None else patch or "")
    except OSError as problem:
        raise UserError(f"the patch cannot be read: {problem.strerror}", where=file) from problem
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise UserError("unable to parse the patch: it is neither JSON nor YAML", where=file) from problem
    if not isinstance(found, list if how == "json" else dict):
        hint = "a list of operations is a patch with `--type=json`" if isinstance(found, list) else None
        wanted = "a list of operations" if how == "json" else "a mapping"
        raise UserError(f"unable to parse the patch: it is not {wanted}", where=file, hint=hint)
    return found
