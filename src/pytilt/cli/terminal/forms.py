"""The forms of output that `-o` and `--template` name, as in kubectl, and the documents that some of them print."""

from __future__ import annotations

from pytilt.errors import UserError
from pytilt.host.reading import read_file
from pytilt.model.json_text import Json, indented
from pytilt.model.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Document = Callable[[Json], str]
    """The text for one object, or for a list of them."""


FEW = 30
"""So many objects are laid out in the time that it takes to import msgspec."""

DOCUMENTS = ("json", "yaml", "kyaml")
TEMPLATES = (
    "go-template",
    "go-template-file",
    "template",
    "templatefile",
    "jsonpath",
    "jsonpath-as-json",
    "jsonpath-file",
)
COLUMNS = ("custom-columns", "custom-columns-file")
OBJECT_FORMS = (*DOCUMENTS, "name", *TEMPLATES)
"""What every command that prints objects knows."""

TABLE_FORMS = (*OBJECT_FORMS, *COLUMNS, "wide")
"""What `tilt get` knows."""


class OutputForm(NamedTuple):
    """A form, and its template."""

    name: str = ""
    """Empty: the usual form of the command."""
    argument: str = ""


def read_form(output: str | None, template: str | None, known: tuple[str, ...] = OBJECT_FORMS) -> OutputForm:
    """Read `-o` and `--template`.

    Args:
        output: `-o`.
        template: `--template`, for a form that has none yet; alone it is a template of Go's.
        known: the forms that the command knows.

    Raises:
        UserError: there is no such form, or it has no template.
    """
    if not output:
        return OutputForm("go-template", template) if template else OutputForm()
    name, equals, argument = output.partition("=")
    takes = name in TEMPLATES or name in COLUMNS
    if name not in known or (equals and not takes):
        raise UserError(
            f'unable to match a printer suitable for the output format "{output}"',
            hint=f"allowed formats are: {', '.join(known)}",
        )
    if takes and not (argument := argument or (template or "" if name in TEMPLATES else "")):
        raise UserError(f"{name} format specified but no template given", hint=f"`-o {name}=…`")
    return OutputForm(name, argument)


def document(form: OutputForm, *, allow_missing: bool = True) -> Document | None:
    """What prints an object in this form; None for a form that prints lines.

    Args:
        form: which one.
        allow_missing: print nothing for what a template names and an object does not have.

    Raises:
        UserError: its template cannot be read.
    """
    text = read_text(form.argument) if form.name.endswith("file") else form.argument
    if form.name in ("jsonpath", "jsonpath-file"):
        from pytilt.cluster.json_path_template import evaluate, parse

        nodes = parse(text)
        return lambda thing: evaluate(nodes, thing, allow_missing=allow_missing)
    if form.name == "jsonpath-as-json":
        return _values_as_json(text)
    if form.name in TEMPLATES:
        from pytilt.cluster.go_template import GoTemplate

        return GoTemplate(text, allow_missing=allow_missing)
    return {"json": as_json, "yaml": as_yaml, "kyaml": _as_kyaml}.get(form.name)


def as_json(thing: object) -> str:
    """A value as kubectl prints JSON."""
    if isinstance(thing, dict) and len(thing.get("items", ())) <= FEW:
        return indented(thing, 4, ascii_only=False) + "\n"
    import msgspec  # imported here: it prints many objects in a tenth of the time

    return msgspec.json.format(msgspec.json.encode(thing), indent=4).decode() + "\n"


def as_yaml(thing: object) -> str:
    """A value as YAML."""
    import yaml

    text: str = yaml.safe_dump(thing, sort_keys=False, allow_unicode=True)
    return text


def read_text(path: str) -> str:
    """The content of a file that a form names.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return read_file(path, pipes=True).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UserError(f"the template cannot be read: {reason.lower()}", where=path) from error


def _values_as_json(template: str) -> Document:
    from pytilt.cluster.json_path_template import parse, values

    nodes = parse(template)
    return lambda thing: as_json([value for node in nodes for value in values(getattr(node, "path", ""), thing)])


def _as_kyaml(thing: Json) -> str:
    from pytilt.cli.terminal.kyaml import kyaml

    return kyaml(thing)
