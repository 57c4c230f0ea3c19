"""The syntax tree: Python's own `ast` nodes, with the few that Python does not have.

The place of a node is the place that a message about it names: for a binary operation its operator, for a call its
opening bracket, for an attribute its dot, for an assignment its sign.
"""

import ast
from collections.abc import Sequence
from typing import TypeVar

_Node = TypeVar("_Node", bound=ast.expr | ast.stmt | ast.arg | ast.keyword)


def place(node: _Node, line: int, column: int) -> _Node:
    """Give a node its place.

    Args:
        node: the node.
        line: counted from 1.
        column: counted from 1, in characters.

    Returns:
        The same node.
    """
    node.lineno = node.end_lineno = line
    node.col_offset = node.end_col_offset = column - 1
    return node


def beside(node: _Node, other: ast.expr | ast.stmt) -> _Node:
    """Give a node the place of another one, and return it."""
    return place(node, other.lineno, other.col_offset + 1)


def constant(value: object) -> ast.Constant:
    """A value in the tree: a literal's, or one that Python's compiler takes, such as a tuple of such."""
    return ast.Constant(value)  # type: ignore[arg-type] # tuples are allowed, the stub does not know


def start(node: ast.expr) -> tuple[int, int]:
    """The line and column of the first character of an expression, counted from 1."""
    while True:
        if isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.BinOp | ast.Compare):
            node = node.left
        elif isinstance(node, ast.BoolOp):
            node = node.values[0]
        elif isinstance(node, ast.IfExp):
            node = node.body
        else:
            return node.lineno, node.col_offset + 1


class LoadStatement(ast.stmt):
    """`load(path, "name", local="name")`.

    Args:
        path: the file as it was written.
        names: pairs of the name in this file and the name in the other.
    """

    def __init__(self, path: str, names: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.path = path
        self.names = names


class Clause(ast.comprehension):
    """The `for` part of a comprehension, which knows its place."""

    def __init__(self, target: ast.expr, source: ast.expr, line: int, column: int) -> None:
        super().__init__(target, source, [], 0)
        self.line = line
        self.column = column


class Entries(ast.Dict):
    """A dict display, which knows the places of its colons."""

    def __init__(self, keys: list[ast.expr], values: list[ast.expr], colons: Sequence[tuple[int, int]]) -> None:
        super().__init__([*keys], values)
        self.colons = colons


class DictComprehension(ast.DictComp):
    """A dict comprehension, which knows the place of its colon."""

    def __init__(
        self, key: ast.expr, value: ast.expr, clauses: list[ast.comprehension], colon: tuple[int, int]
    ) -> None:
        super().__init__(key, value, clauses)
        self.colon = colon
