"""`tilt apply`."""

from __future__ import annotations

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import SESSION_OPTIONS
from pytilt.cli.command_line.parsing import OneOf, Option
from pytilt.cli.objects.results import ResultPrinter
from pytilt.cli.objects.writing_options import DRY_RUN_OPTION, REMOVAL_OPTIONS, WRITE_OPTIONS, DryRun
from pytilt.cli.selection.addressing import Address, manifests, names_files
from pytilt.cli.selection.object_options import FILE_OPTIONS, PRINT_OPTIONS, inert_option, inert_switch
from pytilt.errors import NotFoundError, UserError
from pytilt.model.json_text import Json
from pytilt.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Unpack

    from pytilt.cli.selection.object_options import FileFlags, PrintFlags

    class ApplyFlags(FileFlags, PrintFlags):
        """Files, and how what was done is printed."""


_ONE_WRITER = "the object is written as the file has it"


@subcommand(
    "apply",
    *FILE_OPTIONS,
    Option("-l", "--selector", help="Only objects with these labels: `key=value,…`."),
    Option("--prune", is_flag=True, hidden=True, help="Not there: name what is to go with `tilt delete`."),
    DRY_RUN_OPTION,
    *PRINT_OPTIONS,
    *WRITE_OPTIONS,
    *REMOVAL_OPTIONS,
    inert_switch("--all", "it belongs to `--prune`"),
    inert_option("--prune-allowlist", "it belongs to `--prune`", multiple=True),
    inert_switch("--server-side", _ONE_WRITER),
    inert_switch("--force-conflicts", _ONE_WRITER),
    inert_switch("--overwrite", _ONE_WRITER),
    inert_switch("--openapi-patch", _ONE_WRITER),
    Option("--subresource", hidden=True, type=OneOf("status"), help="Not there: see `tilt patch`."),
    *SESSION_OPTIONS,
)
def command(
    selector: str | None,
    prune: bool,
    dry_run: DryRun,
    subresource: str | None,
    host: str | None,
    port: int | None,
    **flags: Unpack[ApplyFlags],
) -> None:
    """Make objects of a running session as files say, or change them to that.

    \b
    Examples:
      tilt apply -f button.yaml
      tilt apply -f objects/ --dry-run=server -o yaml
      generate | tilt apply -f -
      tilt apply -k overlays/dev
    """
    if prune:
        raise UserError(
            "`--prune` is not there: kubectl asks for kinds of Kubernetes to prune, and a session has none of them",
            hint="`tilt delete KIND -l key=value` deletes what has a label",
        )
    if subresource:
        raise UserError(
            "a status cannot be applied", hint="`tilt patch KIND NAME --subresource status -p …` changes it"
        )
    if not names_files(flags):
        raise UserError("must specify one of -f and -k", hint="for example `tilt apply -f button.yaml`")
    printer = ResultPrinter(flags, dry_run.mark)
    client = SessionClient(Settings.from_environment(), host, port)
    found = manifests(flags, selector=selector)
    if printer.whole:
        printer.all_done([_applied(client, address, wanted, dry_run) for address, wanted in found])
        return
    for address, wanted in found:
        printer.done(*_applied(client, address, wanted, dry_run))


def _applied(client: SessionClient, address: Address, wanted: Json, dry_run: DryRun) -> tuple[Address, Json, str]:
    """Apply one object; return it as it is then, and what was done."""
    plural = address.kind.resource
    try:
        before = client.get(plural, address.name)
    except NotFoundError:
        made = wanted if dry_run is DryRun.CLIENT else client.create(plural, wanted, dry_run=dry_run is DryRun.SERVER)
        return address, made, "created"
    if dry_run is DryRun.CLIENT:
        return address, wanted, "configured"
    metadata = {name: value for name, value in wanted["metadata"].items() if name != "resourceVersion"}
    body = {**wanted, "metadata": metadata}
    after = client.replace(plural, address.name, body, dry_run=dry_run is DryRun.SERVER)
    same = _without_version(after) == _without_version(before)
    return address, after, "unchanged" if same else "configured"


def _without_version(item: Json) -> Json:
    hidden = ("resourceVersion", "generation")
    return {**item, "metadata": {key: value for key, value in item["metadata"].items() if key not in hidden}}
