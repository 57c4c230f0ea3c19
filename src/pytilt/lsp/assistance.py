"""What an editor shows at a place of a text: completion, help, and where a name is defined."""

from collections.abc import Callable, Iterable
from typing import Any

from pytilt.dialect.methods import DICT_METHODS, LIST_METHODS
from pytilt.dialect.scanning import KEYWORDS
from pytilt.dialect.strings import STRING_METHODS
from pytilt.lsp.calls import writing
from pytilt.lsp.documents import OpenText
from pytilt.lsp.known import Known, known
from pytilt.lsp.outlines import DefinedName, Outline
from pytilt.lsp.protocol import CompletionKind, SymbolKind, TextLocation, TextPosition
from pytilt.model.base import Value

_METHODS = {"string": STRING_METHODS, "list": LIST_METHODS, "dict": DICT_METHODS}


class LoadedFile(Value):
    """A file that another one loads."""

    document: OpenText
    outline: Outline


FindFile = Callable[[str], LoadedFile | None]
"""A file by the path that a `load` has; None where it cannot be read."""


class Assistance:
    """Answers for one version of a text.

    Args:
        document: the text.
        outline: what it defines.
        files: finds those that it loads.
    """

    def __init__(self, document: OpenText, outline: Outline, files: FindFile) -> None:
        self._document = document
        self._outline = outline
        self._files = files

    def completion(self, at: TextPosition) -> list[dict[str, Any]]:
        """What could be written at a place."""
        now = writing(self._document.before(at))
        if now.in_text:
            return []
        if now.value_of:
            return [_item(name, CompletionKind.METHOD) for name in sorted(_METHODS[now.value_of])]
        if "." in now.prefix:
            return self._members(now.prefix.rpartition(".")[0])
        items = [*self._keyword_items(now.callee, now.given), *self._own_items(at)]
        own = {item["label"] for item in items}
        items += [
            _known_item(each, each.name) for each in known().values() if "." not in each.name and each.name not in own
        ]
        return [*items, *(_item(word, CompletionKind.KEYWORD) for word in sorted(KEYWORDS))]

    def hover(self, at: TextPosition) -> str:
        """What is to be said of the name at a place, as Markdown; empty where nothing is."""
        name = self._document.name_at(at)
        definition = self._definition(name, at)
        if definition is not None:
            found = self._original(definition)
            head = found.signature if found.parameters is not None else found.name
            origin = f"\n\n{definition.path}" if definition.path else ""
            return f"{_code(head)}\n\n{found.doc}{origin}".rstrip()
        entry = known().get(name)
        return f"{_code(entry.signature or name)}\n\n{entry.doc}".rstrip() if entry is not None else ""

    def signature(self, at: TextPosition) -> dict[str, Any] | None:
        """The function whose arguments are being written, and which of them."""
        now = writing(self._document.before(at))
        if not now.callee:
            return None
        definition = self._definition(now.callee, at)
        if definition is not None:
            found = self._original(definition)
            if found.parameters is None:
                return None
            names = tuple(each.partition("=")[0] for each in found.parameters)
            return _signature(
                found.signature, found.doc, found.parameters, _active(names, names, now.argument, now.keyword)
            )
        entry = known().get(now.callee)
        if entry is None or not entry.signature:
            return None
        names = tuple(each.partition(":")[0].strip("*") for each in entry.parameters)
        active = _active(names, entry.positional, now.argument, now.keyword)
        return _signature(entry.signature, entry.doc, entry.parameters, active)

    def definition(self, at: TextPosition) -> TextLocation | None:
        """Where the name at a place is defined, or the file that a `load` names."""
        line, column = self._document.place(at)
        loads = {each.path for each in self._outline.definitions if each.path}
        for path in loads:
            start = self._document.lines[line].find(path)
            if start >= 0 and start <= column <= start + len(path) and (file := self._files(path)) is not None:
                return TextLocation(uri=file.document.uri, range=file.document.range(1, 1))
        definition = self._definition(self._document.name_at(at), at)
        if definition is None:
            return None
        if not definition.path:
            return _location(self._document, definition)
        file = self._files(definition.path)
        if file is None:
            return _location(self._document, definition)
        target = next((each for each in reversed(file.outline.definitions) if each.name == definition.original), None)
        return (
            _location(file.document, target)
            if target
            else TextLocation(uri=file.document.uri, range=file.document.range(1, 1))
        )

    def symbols(self) -> list[dict[str, Any]]:
        """What the file defines, each once."""
        first = {each.name: each for each in reversed(self._outline.definitions) if not each.path}
        return [
            {
                "name": each.name,
                "kind": SymbolKind.VARIABLE if each.parameters is None else SymbolKind.FUNCTION,
                "range": (place := _location(self._document, each).range),
                "selectionRange": place,
            }
            for each in sorted(first.values(), key=lambda each: (each.line, each.column))
        ]

    def _definition(self, name: str, at: TextPosition) -> DefinedName | None:
        return self._outline.find(name, at.line + 1) if name else None

    def _original(self, definition: DefinedName) -> DefinedName:
        """What a loaded name is in its own file."""
        file = self._files(definition.path) if definition.path else None
        if file is None:
            return definition
        return file.outline.find(definition.original, 0) or definition

    def _members(self, prefix: str) -> list[dict[str, Any]]:
        inside = f"{prefix}."
        return [
            _known_item(each, each.name.removeprefix(inside))
            for each in known().values()
            if each.name.startswith(inside) and "." not in each.name.removeprefix(inside)
        ]

    def _keyword_items(self, callee: str, given: Iterable[str]) -> list[dict[str, Any]]:
        definition = self._outline.find(callee, 0) if callee else None
        if definition is not None:
            names = [each.partition("=")[0] for each in self._original(definition).parameters or ()]
            keywords = [name for name in names if not name.startswith("*")]
        else:
            keywords = list(known()[callee].keywords) if callee in known() else []
        return [
            {"label": f"{name}=", "kind": CompletionKind.FIELD, "sortText": f"0{number:03}"}
            for number, name in enumerate(keywords)
            if name not in given
        ]

    def _own_items(self, at: TextPosition) -> list[dict[str, Any]]:
        found = {each.name: each for each in self._outline.seen_from(at.line + 1)}
        items = []
        for name, definition in found.items():
            original = self._original(definition)
            if original.parameters is None:
                items.append(_item(name, CompletionKind.VARIABLE))
            else:
                items.append(_item(name, CompletionKind.FUNCTION, original.signature, original.doc))
        return items


def _item(label: str, kind: CompletionKind, detail: str = "", doc: str = "") -> dict[str, Any]:
    item: dict[str, Any] = {"label": label, "kind": kind}
    if detail:
        item["detail"] = detail
    if doc:
        item["documentation"] = doc
    return item


def _known_item(entry: Known, label: str) -> dict[str, Any]:
    return _item(label, entry.kind, entry.signature, entry.doc)


def _signature(label: str, doc: str, parameters: tuple[str, ...], active: int | None) -> dict[str, Any]:
    signature = {"label": label, "documentation": doc, "parameters": [{"label": each} for each in parameters]}
    found: dict[str, Any] = {"signatures": [signature], "activeSignature": 0}
    return found if active is None else {**found, "activeParameter": active}


def _active(names: tuple[str, ...], positional: tuple[str, ...], argument: int, keyword: str) -> int | None:
    if keyword:
        return names.index(keyword) if keyword in names else None
    return argument if argument < len(positional) else None


def _location(document: OpenText, definition: DefinedName) -> TextLocation:
    return TextLocation(uri=document.uri, range=document.range(definition.line, definition.column))


def _code(text: str) -> str:
    return f"```python\n{text}\n```"
