"""The forms in which `tilt get` prints objects, as kubectl does: a table, names, JSON, YAML, JSON paths, columns."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pytilt.cli.printing import cells, filled
from pytilt.cluster.json_path_template import Node, evaluate, parse, shown, values
from pytilt.errors import UserError
from pytilt.host.reading import read_file
from pytilt.model.api.words import KindWords

if TYPE_CHECKING:
    from pytilt.cluster.go_template import GoTemplate

Json = dict[str, Any]
Columns = tuple[tuple[str, Callable[[Json], str]], ...]
"""Headers, and the rows below them."""

FORMS = (
    "json",
    "yaml",
    "name",
    "wide",
    "jsonpath=",
    "jsonpath-as-json=",
    "go-template=",
    "go-template-file=",
    "custom-columns=",
)
NONE = "<none>"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_C1 = 0x80
"""From here on the control characters that ASCII does not have."""


class ObjectPrinter:
    """Prints objects line by line; every line is laid out as those before it, and its header comes once.

    Args:
        kind: of the objects.
        output: `-o`.
        headers: print them?
        several: are other kinds printed too, so that names are written with their kinds?

    Raises:
        UserError: there is no such form.
    """

    def __init__(self, kind: KindWords, output: str | None, *, headers: bool = True, several: bool = False) -> None:
        self._kind = kind
        self._form, _, argument = (output or "").partition("=")
        if output is not None and not (self._form == output and output in FORMS) and f"{self._form}=" not in FORMS:
            raise _unknown(output)
        if f"{self._form}=" in FORMS and not argument:
            raise UserError(f"{self._form} format specified but no template given", hint=f"`-o {self._form}=…`")
        self._template: tuple[Node, ...] = parse(argument) if self._form.startswith("jsonpath") else ()
        self._go_template = _go_template(self._form, argument) if self._form.startswith("go-template") else None
        usual = _usual(kind, wide=output == "wide", prefix=f"{kind.singular}/" if several else "")
        self._columns = _columns(argument) if self._form == "custom-columns" else usual
        self._headers = headers
        self._widths: list[int] = []

    @property
    def whole(self) -> bool:
        """Is one thing printed for all objects together?"""
        return self._form in ("json", "yaml", "jsonpath", "jsonpath-as-json", "go-template", "go-template-file")

    @property
    def reports_none(self) -> bool:
        """Is it said where there is nothing to print?"""
        return self._form in ("", "wide", "custom-columns")

    def document(self, thing: Json) -> str:
        """One object, or a list of them, where one thing is printed for all."""
        if self._go_template:
            return self._go_template(thing)
        if self._form == "jsonpath":
            return evaluate(self._template, thing)
        if self._form == "jsonpath-as-json":
            found = [value for node in self._template for value in values(getattr(node, "path", ""), thing)]
            return _json(found)
        if self._form == "json":
            return _json(thing)
        import yaml

        text: str = yaml.safe_dump(thing, sort_keys=False, allow_unicode=True)
        return text

    def lines(self, items: Sequence[Json]) -> Iterator[str]:
        """The text for some more objects."""
        if self.whole:
            yield from map(self.document, items)
        elif self._form == "name":
            yield from (f"{self._kind.singular}/{item['metadata']['name']}\n" for item in items)
        elif items:
            rows = [[_readable(content(item)) for _, content in self._columns] for item in items]
            if not self._widths:
                header = [[name for name, _ in self._columns]] if self._headers else []
                rows, self._widths = [*header, *rows], [0] * len(self._columns)
            self._widths = [max(width, *map(cells, column)) for width, *column in zip(self._widths, *rows, strict=True)]
            for row in rows:
                line = "   ".join(filled(cell, width) for cell, width in zip(row, self._widths, strict=True))
                yield f"{line.rstrip()}\n"


def _go_template(form: str, argument: str) -> "GoTemplate":
    from pytilt.cluster.go_template import GoTemplate  # imported here: few need it

    try:
        return GoTemplate(read_file(argument, pipes=True).decode() if form == "go-template-file" else argument)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UserError(f"the template cannot be read: {reason.lower()}", where=argument) from error


def _usual(kind: KindWords, *, wide: bool, prefix: str) -> Columns:
    name = _field("metadata", "name")
    columns: Columns = (
        ("NAME", lambda item: prefix + name(item)),
        ("CREATED AT", _field("metadata", "creationTimestamp")),
    )
    if wide and kind.name == "UIResource":
        columns += (("UPDATE", _field("status", "updateStatus")), ("RUNTIME", _field("status", "runtimeStatus")))
    return columns


def _readable(text: str) -> str:
    """A cell as kubectl writes it: its first line, with control characters such as those of a terminal as `^[`."""
    first, newline, _ = text.partition("\n")
    return _CONTROL.sub(_caret, first) + ("..." if newline else "")


def _caret(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"^{chr(code ^ 0x40)}" if code < _C1 else f"\\x{code:02x}"


def _field(part: str, name: str) -> Callable[[Json], str]:
    return lambda item: item.get(part, {}).get(name, "")


def _columns(argument: str) -> Columns:
    """Read `NAME:.metadata.name,TYPE:.status.conditions[*].type`."""
    found: list[tuple[str, Callable[[Json], str]]] = []
    for part in re.split(r",(?![^\[]*\])", argument):
        header, colon, path = part.partition(":")
        if not colon or not header or not path:
            hint = "write `HEADER:.path`, with commas between the columns"
            raise UserError(f"unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>", hint=hint)
        found.append((header, _cell(path if path.startswith("{") else f"{{.{path.removeprefix('.')}}}")))
    return tuple(found)


def _cell(path: str) -> Callable[[Json], str]:
    values(path, {})  # one that cannot be read is an error before anything is printed
    return lambda item: ",".join(map(shown, values(path, item))) or NONE


def _unknown(output: str) -> UserError:
    allowed = ", ".join(form.rstrip("=") for form in FORMS)
    return UserError(
        f'unable to match a printer suitable for the output format "{output}"', hint=f"allowed formats are: {allowed}"
    )


def _json(thing: object) -> str:
    import msgspec  # imported here: it takes longer to import than to print names or a table

    return msgspec.json.format(msgspec.json.encode(thing), indent=4).decode() + "\n"
