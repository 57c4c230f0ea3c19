"""The parameters of a function being read, and the rules of their order."""

import ast
from collections.abc import Callable

from pytilt.dialect.tree import place


class ParameterList:
    """Collects parameters one by one.

    Args:
        note: keeps the error of a message, a line and a column.
    """

    def __init__(self, note: Callable[[str, int, int], None]) -> None:
        self._note = note
        self._arguments = ast.arguments([], [], None, [], [], None, [])
        self._names: set[str] = set()
        self._star: tuple[int, int] | None = None

    def add(self, name: str, default: ast.expr | None, line: int, column: int) -> None:
        """An ordinary parameter; `default` is None for one that must be given."""
        kind = "required" if default is None else "optional"
        if self._arguments.kwarg is not None:
            self._note(f"{kind} parameter may not follow **{self._arguments.kwarg.arg}", line, column)
        if self._star is not None:
            self._arguments.kwonlyargs.append(self._argument(name, line, column))
            self._arguments.kw_defaults.append(default)
            return
        if default is None and self._arguments.defaults:
            self._note("required parameter may not follow optional", line, column)
        self._arguments.args.append(self._argument(name, line, column))
        if default is not None:
            self._arguments.defaults.append(default)

    def add_star(self, star: str, name: str | None, line: int, column: int) -> None:
        """`*`, `*name` or `**name`."""
        if star == "**":
            if self._arguments.kwarg is not None:
                self._note("multiple ** parameters not allowed", line, column)
            self._arguments.kwarg = self._argument(str(name), line, column)
            return
        if self._arguments.kwarg is not None:
            self._note(f"* parameter may not follow **{self._arguments.kwarg.arg}", line, column)
        if self._star is not None:
            self._note("multiple * parameters not allowed", line, column)
            return
        self._star = (line, column)
        if name is not None:
            self._arguments.vararg = self._argument(name, line, column)

    def finish(self) -> ast.arguments:
        """All of them, in the form that Python's compiler takes."""
        if self._star is not None and self._arguments.vararg is None and not self._arguments.kwonlyargs:
            self._note("bare * must be followed by keyword-only parameters", *self._star)
        return self._arguments

    def _argument(self, name: str, line: int, column: int) -> ast.arg:
        if name in self._names:
            self._note(f"duplicate parameter: {name}", line, column)
        self._names.add(name)
        return place(ast.arg(name), line, column)
