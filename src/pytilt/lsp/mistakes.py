"""What is wrong in a text, found without running it."""

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pytilt.dialect import StaticError, check_file, misfit
from pytilt.dialect.spelling import did_you_mean
from pytilt.dialect.tree import LoadStatement
from pytilt.lsp.documents import OpenText
from pytilt.lsp.known import builtins, known
from pytilt.lsp.outlines import Outline, statements

_ERROR = 1
_FIRST_FORM = frozenset({"yaml", "image", "name"})
"""Parameters that `k8s_resource` had in 2019, when its second argument was YAML."""

FindOutline = Callable[[str], Outline | None]
"""The outline of a file that is loaded, by the path that the statement has; None where there is no such file."""


def mistakes(document: OpenText, own: Outline | None, loaded: FindOutline) -> list[dict[str, Any]]:
    """The diagnostics of a document.

    Args:
        document: the text.
        own: its outline, where it can be read.
        loaded: gives the outlines of other files.
    """
    try:
        check_file(document.path, document.text, {name for name in known() if "." not in name})
    except StaticError as error:
        every = [error, *(each for each in error.others if isinstance(each, StaticError))]
        return [
            _diagnostic(document, each.position.line, each.position.column, each.message, each.hint) for each in every
        ]
    body = statements(document.path, document.text) or []
    found = [*_bad_loads(document, body, loaded), *_bad_calls(document, body, own or Outline())]
    return sorted(found, key=lambda each: (each["range"]["start"]["line"], each["range"]["start"]["character"]))


def _bad_loads(document: OpenText, body: list[ast.stmt], loaded: FindOutline) -> Iterator[dict[str, Any]]:
    for statement in body:
        if not isinstance(statement, LoadStatement):
            continue
        place = statement.lineno, statement.col_offset + 1
        outline = loaded(statement.path)
        if outline is None:
            if not statement.path.startswith("ext://"):
                yield _diagnostic(document, *place, f"cannot load {statement.path}: there is no such file")
            continue
        names = {each.name for each in outline.definitions if not each.path}
        for _, original in statement.names:
            if original not in names:
                close = did_you_mean(original, sorted(names))
                yield _diagnostic(
                    document, *place, f"load: name {original} not found in module {statement.path}{close}"
                )


def _bad_calls(document: OpenText, body: list[ast.stmt], own: Outline) -> Iterator[dict[str, Any]]:
    for node in (each for statement in body for each in ast.walk(statement)):
        if not isinstance(node, ast.Call) or any(keyword.arg is None for keyword in node.keywords):
            continue
        name = dotted(node.func)
        function = builtins().get(name)
        if function is None or own.find(name.partition(".")[0], node.lineno) is not None:
            continue
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            continue
        given: Mapping[str, object] = {str(keyword.arg): None for keyword in node.keywords}
        if name == "k8s_resource" and (len(node.args) > 1 or not _FIRST_FORM.isdisjoint(given)):
            continue
        arguments = (None,) * len(node.args)
        try:
            function.signature.bind(*arguments, **given)
        except TypeError:
            message = misfit(name, function.signature, arguments, given)
            yield _diagnostic(document, node.lineno, node.col_offset + 1, message)


def dotted(node: ast.expr) -> str:
    """The name that an expression is, with its dots; empty where it is something else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (inner := dotted(node.value)):
        return f"{inner}.{node.attr}"
    return ""


def _diagnostic(document: OpenText, line: int, column: int, message: str, hint: str | None = None) -> dict[str, Any]:
    text = f"{message}\nhint: {hint}" if hint else message
    found = document.range(line, column)
    return {
        "range": {
            "start": {"line": found.start.line, "character": found.start.character},
            "end": {"line": found.end.line, "character": found.end.character},
        },
        "severity": _ERROR,
        "source": "tilt",
        "message": text,
    }
