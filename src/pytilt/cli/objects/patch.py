"""`tilt patch`."""

from __future__ import annotations

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import SESSION_OPTIONS
from pytilt.cli.command_line.parsing import Argument, OneOf, Option
from pytilt.cli.objects.results import ResultPrinter
from pytilt.cli.objects.writing_options import DRY_RUN_OPTION, DryRun
from pytilt.cli.selection.addressing import addresses, manifests, names_files
from pytilt.cli.selection.object_options import FILE_OPTIONS, PRINT_OPTIONS
from pytilt.errors import UserError
from pytilt.host.reading import read_file
from pytilt.model.json_text import Json
from pytilt.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Unpack

    from pytilt.cli.selection.object_options import FileFlags, PrintFlags

    class PatchFlags(FileFlags, PrintFlags):
        """Files, and how what was done is printed."""


@subcommand(
    "patch",
    Argument("words", several=True),
    Option("-p", "--patch", help="The patch, in JSON or YAML."),
    Option("--patch-file", help="A file with the patch."),
    Option(
        "--type",
        "how",
        type=OneOf("json", "merge", "strategic"),
        default="strategic",
        show_default=True,
        help="Kind of the patch: `json` is a list of operations; the others mean the same here.",
    ),
    Option("--subresource", type=OneOf("status"), help="Change the status instead."),
    Option("--local", is_flag=True, help="Patch the objects of `-f` and print them; no session is asked."),
    *FILE_OPTIONS,
    DRY_RUN_OPTION,
    *PRINT_OPTIONS,
    *SESSION_OPTIONS,
)
def command(
    words: tuple[str, ...],
    patch: str | None,
    patch_file: str | None,
    how: str,
    subresource: str | None,
    local: bool,
    dry_run: DryRun,
    host: str | None,
    port: int | None,
    **flags: Unpack[PatchFlags],
) -> None:
    """Change an object of a running session.

    \b
    Examples:
      tilt patch configmap web-disable -p '{"data": {"isDisabled": "true"}}'
      tilt patch uibutton/go -p 'spec: {text: Go on}' --dry-run=server -o yaml
      tilt patch uibutton/go --type=json -p '[{"op": "replace", "path": "/spec/text", "value": "Go on"}]'
    """
    printer = ResultPrinter(flags, dry_run.mark)
    if names_files(flags):
        files = manifests(flags)
    elif local:
        raise UserError("--local patches the objects of files: name them with `-f`")
    else:
        files = [(address, {}) for address in addresses(words)[1]]
    if not files:
        raise UserError("no object is named", hint="for example `tilt patch configmap web-disable -p …`")
    changes = _read(patch, patch_file, how)
    if local:
        for address, item in files:
            printer.done(address, _patched(item, changes), "patched")
        return
    client = SessionClient(Settings.from_environment(), host, port)
    for address, _ in files:
        before = client.get(address.kind.resource, address.name)
        if dry_run is DryRun.CLIENT:
            after = _patched(before, changes)
        else:
            after = client.patch(
                address.kind.resource,
                address.name,
                changes,
                status=subresource is not None,
                dry_run=dry_run is DryRun.SERVER,
            )
        printer.done(address, after, "patched" if _differs(before, after) else "patched (no change)")


def _patched(item: Json, changes: Json | list[Any]) -> Json:
    """An object with a patch, as the session would make it."""
    from pytilt.server.json_patch import apply_patch  # imported here: few commands patch by themselves
    from pytilt.views.api_objects import merged

    found: Any = apply_patch(item, changes) if isinstance(changes, list) else merged(item, changes)
    return dict(found)


def _differs(before: Json, after: Json) -> bool:
    versions = ("resourceVersion", "generation")
    parts = (
        {**item, "metadata": {name: value for name, value in item["metadata"].items() if name not in versions}}
        for item in (before, after)
    )
    return next(parts) != next(parts)


def _read(patch: str | None, file: str | None, how: str) -> Json | list[Any]:
    if (patch is None) == (file is None):
        raise UserError("must specify --patch or --patch-file containing the contents of the patch")
    from pytilt.cluster.yaml import parse_values

    try:
        text = read_file(file, pipes=True).decode() if file is not None else patch or ""
        found = next(iter(parse_values(text, file or "patch")), None)
    except OSError as problem:
        raise UserError(f"the patch cannot be read: {problem.strerror}", where=file) from problem
    except (UserError, UnicodeDecodeError) as problem:
        raise UserError("unable to parse the patch: it is neither JSON nor YAML", where=file) from problem
    if not isinstance(found, list if how == "json" else dict):
        hint = "a list of operations is a patch with `--type=json`" if isinstance(found, list) else None
        wanted = "a list of operations" if how == "json" else "a mapping"
        raise UserError(f"unable to parse the patch: it is not {wanted}", where=file, hint=hint)
    return found
