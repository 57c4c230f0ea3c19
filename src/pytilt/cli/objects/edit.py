"""`tilt edit`."""

from __future__ import annotations

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import SESSION_OPTIONS
from pytilt.cli.command_line.parsing import Argument, Option
from pytilt.cli.objects.results import ResultPrinter
from pytilt.cli.objects.writing_options import WRITE_OPTIONS
from pytilt.cli.selection.addressing import Address, addresses, manifests, names_files, parsed
from pytilt.cli.selection.object_options import FILE_OPTIONS, PRINT_OPTIONS
from pytilt.cli.terminal.editing import edited_text
from pytilt.cli.terminal.forms import as_json, as_yaml
from pytilt.errors import UserError
from pytilt.model.json_text import Json
from pytilt.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Unpack

    from pytilt.cli.selection.object_options import FileFlags, PrintFlags

    class EditFlags(FileFlags, PrintFlags):
        """Files, and how what was done is printed."""


@subcommand(
    "edit",
    Argument("words", several=True),
    *FILE_OPTIONS,
    Option("--output-patch", is_flag=True, help="Print what was changed, as a merge patch."),
    *PRINT_OPTIONS,
    *WRITE_OPTIONS,
    *SESSION_OPTIONS,
)
def command(
    words: tuple[str, ...], output_patch: bool, host: str | None, port: int | None, **flags: Unpack[EditFlags]
) -> None:
    """Change an object of a running session in an editor (TILT_EDITOR or EDITOR).

    With `-o json` the editor shows JSON in the place of YAML.

    \b
    Examples:
      tilt edit configmap web-disable
      EDITOR=nano tilt edit uibutton/go
    """
    files = manifests(flags) if names_files(flags) else []
    named = [address for address, _ in files] or addresses(words)[1]
    if not named:
        raise UserError("no object is named", hint="for example `tilt edit configmap web-disable`")
    settings = Settings.from_environment()
    client = SessionClient(settings, host, port)
    in_json = flags["output"] == "json"
    if flags["output"] in ("json", "yaml"):  # the form of what is edited, not of what is printed
        flags["output"] = None
    printer = ResultPrinter(flags)
    for address in named:
        before = client.get(address.kind.resource, address.name)
        after = _edited(before, settings.editor, in_json=in_json)
        if after == before:
            print("Edit cancelled, no changes made.")
            continue
        made = client.replace(address.kind.resource, address.name, after)
        if output_patch:
            print(f"Patch: {_compact(_difference(before, after))}")
        printer.done(address, made, "edited")


def _edited(before: Json, editor: str, *, in_json: bool) -> Json:
    text = as_json(before) if in_json else as_yaml(before)
    suffix = ".json" if in_json else ".yaml"
    edited = edited_text(text, editor, extension=suffix)
    found: list[tuple[Address, Json]] = parsed(edited, "the edited object")
    if len(found) != 1:
        raise UserError("the edited file must hold exactly one object")
    return found[0][1]


def _difference(before: Any, after: Any) -> Any:  # noqa: ANN401 - JSON
    """The merge patch (RFC 7396) that makes one value of the other."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    gone = {name: None for name in before if name not in after}
    return gone | {
        name: _difference(before.get(name), value) for name, value in after.items() if before.get(name) != value
    }


def _compact(value: object) -> str:
    import json

    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
