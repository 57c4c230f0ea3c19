"""`tilt delete`."""

from __future__ import annotations

import sys

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import SESSION_OPTIONS
from pytilt.cli.command_line.parsing import Argument, OneOf, Option
from pytilt.cli.objects.writing_options import DRY_RUN_OPTION, REMOVAL_OPTIONS, DryRun
from pytilt.cli.selection.addressing import Address, addresses, manifests, names_files
from pytilt.cli.selection.choosing import labelled, with_fields
from pytilt.cli.selection.object_options import FILE_OPTIONS, inert_switch
from pytilt.cli.terminal.editing import confirmed
from pytilt.errors import NotFoundError, UserError
from pytilt.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Unpack

    from pytilt.cli.selection.object_options import FileFlags


@subcommand(
    "delete",
    Argument("words", several=True),
    *FILE_OPTIONS,
    Option("--all", "every", is_flag=True, help="All objects of the kind."),
    Option("-l", "--selector", help="Objects with these labels: `key=value,…`."),
    Option("--field-selector", help="Objects with these fields: `metadata.name=web`."),
    Option("--ignore-not-found", is_flag=True, help="It is no error when an object is not there."),
    Option("-i", "--interactive", is_flag=True, help="Ask before anything is deleted."),
    DRY_RUN_OPTION,
    Option("-o", "--output", type=OneOf("name"), help="Print only kind and name of what was deleted."),
    Option("--raw", hidden=True, help="Not there: name the object."),
    inert_switch("--all-namespaces", "objects of a session are in no namespace", "-A"),
    inert_switch("--now", "an object is gone at once"),
    *REMOVAL_OPTIONS,
    *SESSION_OPTIONS,
)
def command(
    words: tuple[str, ...],
    every: bool,
    selector: str | None,
    field_selector: str | None,
    ignore_not_found: bool,
    interactive: bool,
    dry_run: DryRun,
    output: str | None,
    raw: str | None,
    host: str | None,
    port: int | None,
    **flags: Unpack[FileFlags],
) -> int:
    """Delete objects of a running session.

    \b
    Examples:
      tilt delete uibutton go
      tilt delete cmd/one cmd/two --ignore-not-found
      tilt delete -f button.yaml
      tilt delete cmds,filewatches -l team=web --dry-run=client
    """
    if raw is not None:
        raise UserError("`--raw` is not there", hint="name the object: `tilt delete uibutton go`")
    client = SessionClient(Settings.from_environment(), host, port)
    found = _wanted(client, words, flags, every=every, selector=selector, field_selector=field_selector)
    if interactive and not _confirmed(found):
        print("deletion is cancelled")
        return 0
    status = 0
    for address in found:
        try:
            _delete(client, address, dry_run)
        except NotFoundError as problem:  # the others are deleted all the same
            if not ignore_not_found:
                print(problem, file=sys.stderr, flush=True)
                status = 1
        else:
            done = f'{address.kind.singular} "{address.name}" deleted{dry_run.mark}'
            print(address.shown if output == "name" else done, flush=True)
    return status


def _delete(client: SessionClient, address: Address, dry_run: DryRun) -> None:
    if dry_run is DryRun.CLIENT:
        client.get(address.kind.resource, address.name)
    else:
        client.delete(address.kind.resource, address.name, dry_run=dry_run is DryRun.SERVER)


def _confirmed(found: list[Address]) -> bool:
    print(f"You are about to delete the following {len(found)} resource(s):")
    for address in found:
        print(address.shown)
    return bool(found) and confirmed("Do you want to continue?")


def _wanted(
    client: SessionClient,
    words: tuple[str, ...],
    flags: FileFlags,
    *,
    every: bool,
    selector: str | None,
    field_selector: str | None,
) -> list[Address]:
    if names_files(flags):
        return [each for each, _ in manifests(flags, selector=selector)]
    kinds, named = addresses(words)
    if not kinds:
        raise UserError("must specify one of -f or a kind", hint="for example `tilt delete uibutton go`")
    if named:
        return named
    if not every and not selector and not field_selector:
        raise UserError("resource(s) were provided, but no name was specified", hint="name some, or use `--all`")
    chooses = [labelled(selector)] if selector else []
    chooses += [with_fields(field_selector)] if field_selector else []
    found = [
        Address(kind=kind, name=item["metadata"]["name"])
        for kind in kinds
        for item in client.items(kind.resource)["items"]
        if all(each(item) for each in chooses)
    ]
    if not found:
        print("No resources found", file=sys.stderr)
    return found
