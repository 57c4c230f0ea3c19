"""The forms in which `tilt get` prints objects, as kubectl does: a table, names, documents, columns of one's own."""

from __future__ import annotations

from pytilt.cli.terminal.cells import cells, filled
from pytilt.cli.terminal.forms import OutputForm, document, read_text
from pytilt.errors import UserError
from pytilt.model.api.words import GROUP, KindWords
from pytilt.model.json_text import Json
from pytilt.model.regex import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator, Sequence

    Columns = tuple[tuple[str, Callable[[Json], str]], ...]
    """Headers, and the rows below them."""


NONE = "<none>"
_BETWEEN_COLUMNS = regex(r",(?![^\[]*\])")
_CONTROL = regex(r"[\x00-\x1f\x7f-\x9f]")
_C1 = 0x80
"""From here on the control characters that ASCII does not have."""


class ObjectPrinter:
    """Prints objects line by line; every line is laid out as those before it, and its header comes once.

    Args:
        kind: of the objects.
        form: of the output, one of `TABLE_FORMS`.
        headers: print them?
        with_kind: are names written with their kinds?
        labels: labels that are columns of the table.
        all_labels: is there a column with all labels?
        allow_missing: print nothing for what a template names and an object does not have.

    Raises:
        UserError: the form's template cannot be read.
    """

    def __init__(
        self,
        kind: KindWords,
        form: OutputForm,
        *,
        headers: bool = True,
        with_kind: bool = False,
        labels: Sequence[str] = (),
        all_labels: bool = False,
        allow_missing: bool = True,
    ) -> None:
        self._kind = kind
        self._form = form.name
        self._document = document(form, allow_missing=allow_missing)
        if form.name.startswith("custom-columns"):
            self._columns = _columns(form)
        else:
            usual = _usual(kind, wide=form.name == "wide", prefix=f"{kind.singular}/" if with_kind else "")
            self._columns = (*usual, *_labels(labels, all_labels=all_labels))
        self._headers = headers
        self._widths: list[int] = []

    @property
    def whole(self) -> bool:
        """Is one thing printed for all objects together?"""
        return self._document is not None

    @property
    def reports_none(self) -> bool:
        """Is it said where there is nothing to print?"""
        return self._document is None and self._form != "name"

    def document(self, thing: Json) -> str:
        """One object, or a list of them, where one thing is printed for all."""
        return self._document(thing) if self._document is not None else ""

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


def _usual(kind: KindWords, *, wide: bool, prefix: str) -> Columns:
    name = _field("metadata", "name")
    columns: Columns = (
        ("NAME", lambda item: prefix + name(item)),
        ("CREATED AT", lambda item: _in_seconds(item["metadata"].get("creationTimestamp", ""))),
    )
    if wide and kind.name == "UIResource":
        columns += (("UPDATE", _field("status", "updateStatus")), ("RUNTIME", _field("status", "runtimeStatus")))
    if kind.name == "LiveUpdate" and kind.group != GROUP:
        columns = (columns[0], ("WAYS", _ways), columns[1])
    return columns


def _labels(names: Sequence[str], *, all_labels: bool) -> Columns:
    """A column for each label, and one with all of them."""
    columns: Columns = tuple((name.rpartition("/")[2].upper(), _label(name)) for name in names)
    return (*columns, ("LABELS", _all_labels)) if all_labels else columns


def _label(name: str) -> Callable[[Json], str]:
    return lambda item: str(item["metadata"].get("labels", {}).get(name, ""))


def _all_labels(item: Json) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(item["metadata"].get("labels", {}).items())) or NONE


def _ways(item: Json) -> str:
    """How updates get into the containers of a resource: `web-1/web=layer`."""
    containers = item.get("status", {}).get("containers", [])
    return ",".join(f"{each['pod']}/{each['name']}={each.get('way', 'none')}" for each in containers) or NONE


def _readable(text: str) -> str:
    """A cell as kubectl writes it: its first line, with control characters such as those of a terminal as `^[`."""
    first, newline, _ = text.partition("\n")
    return (first if first.isprintable() else _CONTROL.sub(_caret, first)) + ("..." if newline else "")


def _in_seconds(time: str) -> str:
    """A time of RFC 3339 without the fraction of its second."""
    whole, dot, fraction = time.removesuffix("Z").partition(".")
    return f"{whole}Z" if dot and fraction.isdigit() and time.endswith("Z") else time


def _caret(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"^{chr(code ^ 0x40)}" if code < _C1 else f"\\x{code:02x}"


def _field(part: str, name: str) -> Callable[[Json], str]:
    return lambda item: item.get(part, {}).get(name, "")


def _columns(form: OutputForm) -> Columns:
    """Read `NAME:.metadata.name,TYPE:.status.conditions[*].type`, or a file with a line of headers and one of paths."""
    if form.name == "custom-columns-file":
        lines = [line.split() for line in read_text(form.argument).splitlines() if line.strip()]
        if len(lines) != 2 or len(lines[0]) != len(lines[1]):
            hint = "write a line of headers and below it a line with as many paths, with spaces between them"
            raise UserError("the file is no template for columns", where=form.argument, hint=hint)
        parts = list(zip(*lines, strict=True))
    else:
        parts = [_column(part) for part in _BETWEEN_COLUMNS.split(form.argument)]
    return tuple(
        (header, _cell(path if path.startswith("{") else f"{{.{path.removeprefix('.')}}}")) for header, path in parts
    )


def _column(part: str) -> tuple[str, str]:
    header, colon, path = part.partition(":")
    if not colon or not header or not path:
        hint = "write `HEADER:.path`, with commas between the columns"
        raise UserError(f"unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>", hint=hint)
    return header, path


def _cell(path: str) -> Callable[[Json], str]:
    from pytilt.cluster.json_path_template import shown, values  # imported here: a table does without

    values(path, {})  # one that cannot be read is an error before anything is printed
    return lambda item: ",".join(map(shown, values(path, item))) or NONE
