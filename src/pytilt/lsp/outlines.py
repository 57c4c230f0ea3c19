"""What a file defines, as far as its text can be read."""

import ast
from collections.abc import Sequence

from pytilt.dialect import to_repr
from pytilt.dialect.errors import StaticError
from pytilt.dialect.parsing import parse
from pytilt.dialect.tree import LoadStatement
from pytilt.model.base import Value


class DefinedName(Value):
    """A name that a file defines, or loads."""

    name: str
    line: int
    column: int
    parameters: tuple[str, ...] | None = None
    """Of a function, as they are written; None where it is none."""
    doc: str = ""
    path: str = ""
    """Of the file that it is loaded from, as it is written there; empty where it is defined here."""
    original: str = ""
    """Its name there."""

    @property
    def signature(self) -> str:
        """A function with its parameters."""
        return f"{self.name}({', '.join(self.parameters or ())})"


class Outline(Value):
    """What a file defines at its top level, and inside of its functions."""

    definitions: tuple[DefinedName, ...] = ()
    inner: tuple[tuple[int, int, tuple[DefinedName, ...]], ...] = ()
    """For each function its first line, the line behind it, and the names that it has."""

    def find(self, name: str, line: int) -> DefinedName | None:
        """What a name means in a line, counted from 1."""
        return next((each for each in reversed(self.seen_from(line)) if each.name == name), None)

    def seen_from(self, line: int) -> tuple[DefinedName, ...]:
        """The names that a line, counted from 1, can use: those further inside last."""
        inside = [each for first, end, names in self.inner if first <= line < end for each in names]
        return (*self.definitions, *inside)


def outline(path: str, text: str, typed_line: int | None = None) -> Outline | None:
    """The outline of a text; None where it cannot be read.

    Args:
        path: for positions.
        text: the text.
        typed_line: the line that is being written, counted from 0: it is left out where the text cannot be read.
    """
    body = statements(path, text)
    if body is None and typed_line is not None:
        lines = text.split("\n")
        for number in (typed_line, typed_line - 1):
            if body is None and 0 <= number < len(lines):
                line = lines[number]
                lines[number] = f"{line[: len(line) - len(line.lstrip())]}pass"
                body = statements(path, "\n".join(lines))
    return None if body is None else _outline(body, text.count("\n") + 2)


def statements(path: str, text: str) -> list[ast.stmt] | None:
    """The statements of a text; None where it is not in the grammar."""
    try:
        return parse(path, text)[0]
    except (StaticError, RecursionError):
        return None


def _outline(body: list[ast.stmt], end: int) -> Outline:
    definitions: list[DefinedName] = []
    inner: list[tuple[int, int, tuple[DefinedName, ...]]] = []
    for number, statement in enumerate(body):
        definitions += _defined(statement)
        if isinstance(statement, ast.FunctionDef):
            after = body[number + 1].lineno if number + 1 < len(body) else end
            names = [
                *_parameters_of(statement),
                *(each for nested in ast.walk(statement) if nested is not statement for each in _defined(nested)),
            ]
            inner.append((statement.lineno, after, tuple(names)))
        elif isinstance(statement, ast.If | ast.For | ast.While):
            definitions += [each for nested in ast.walk(statement) for each in _defined(nested)]
    return Outline(definitions=tuple(definitions), inner=tuple(inner))


def _defined(node: ast.AST) -> list[DefinedName]:
    if isinstance(node, LoadStatement):
        return [
            DefinedName(name=name, line=node.lineno, column=node.col_offset + 1, path=node.path, original=original)
            for name, original in node.names
        ]
    if isinstance(node, ast.FunctionDef):
        return [
            DefinedName(
                name=node.name,
                line=node.lineno,
                column=node.col_offset + len("def ") + 1,
                parameters=_shown(node.args),
                doc=_doc(node.body),
            )
        ]
    targets: Sequence[ast.AST] = node.targets if isinstance(node, ast.Assign) else ()
    if isinstance(node, ast.For):
        targets = [node.target]
    names = [name for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    return [_variable(name.id, name) for name in names if isinstance(name.ctx, ast.Store)]


def _variable(name: str, node: ast.expr | ast.arg | ast.stmt) -> DefinedName:
    return DefinedName(name=name, line=node.lineno, column=node.col_offset + 1)


def _parameters_of(node: ast.FunctionDef) -> list[DefinedName]:
    arguments = node.args
    every = [*arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return [_variable(each.arg, each if hasattr(each, "lineno") else node) for each in every if each is not None]


def _shown(arguments: ast.arguments) -> tuple[str, ...]:
    plain = len(arguments.args) - len(arguments.defaults)
    found = [each.arg for each in arguments.args[:plain]]
    found += [
        _with_default(each.arg, value) for each, value in zip(arguments.args[plain:], arguments.defaults, strict=True)
    ]
    if arguments.vararg is not None:
        found.append(f"*{arguments.vararg.arg}")
    elif arguments.kwonlyargs:
        found.append("*")
    found += [
        _with_default(each.arg, value) for each, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg is not None:
        found.append(f"**{arguments.kwarg.arg}")
    return tuple(found)


def _with_default(name: str, value: ast.expr | None) -> str:
    if value is None:
        return name
    if isinstance(value, ast.Constant):
        return f"{name}={to_repr(value.value)}"
    if isinstance(value, ast.Name):
        return f"{name}={value.id}"
    empty = {ast.List: "[]", ast.Dict: "{}", ast.Tuple: "()"}
    return f"{name}={next((shown for kind, shown in empty.items() if isinstance(value, kind)), '…')}"


def _doc(body: list[ast.stmt]) -> str:
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return "\n".join(line.strip() for line in first.value.value.strip().split("\n"))
    return ""
