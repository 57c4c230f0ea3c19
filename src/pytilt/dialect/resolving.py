"""What each name of a file refers to, found out before the file runs."""

import ast
from collections.abc import Collection

from pytilt.dialect.errors import Position, StaticError
from pytilt.dialect.spelling import did_you_mean, nearest
from pytilt.dialect.tree import Clause, LoadStatement


class Names:
    """The names that a file makes.

    Attributes:
        globals_: those that belong to the file and are exported.
        loaded: those that `load` brought in, which are not exported.
        errors: names that are not defined, and statements that are out of place.
    """

    def __init__(self) -> None:
        self.globals_: set[str] = set()
        self.loaded: set[str] = set()
        self.errors: list[StaticError] = []


class _Bindings:
    """The names bound in one function or comprehension."""

    def __init__(self, outer: "_Bindings | None") -> None:
        self.outer = outer
        self.names: set[str] = set()

    def knows(self, name: str) -> bool:
        """Whether the name is bound here or further out."""
        return name in self.names or (self.outer is not None and self.outer.knows(name))

    def all_names(self) -> set[str]:
        """All names bound here or further out."""
        return self.names | (self.outer.all_names() if self.outer else set())


def resolve(file: str, body: list[ast.stmt], predeclared: Collection[str]) -> Names:
    """Check that every name is defined, and that statements are where they may be.

    Args:
        file: the path, for messages.
        body: the statements of the file.
        predeclared: the names that every file has.
    """
    resolver = _Resolver(file, predeclared)
    resolver.block(body)
    resolver.finish()
    return resolver.names


class _Resolver(ast.NodeVisitor):
    """Walks the tree. Names at the top level must be bound earlier in the text; inside functions, anywhere."""

    def __init__(self, file: str, predeclared: Collection[str]) -> None:
        self.names = Names()
        self._file = file
        self._predeclared = predeclared
        self._block: _Bindings | None = None
        self._later: list[tuple[ast.Name, _Bindings]] = []
        self._functions = 0
        self._loops = 0
        self._branches = 0

    def block(self, body: list[ast.stmt]) -> None:
        """Walk statements."""
        for statement in body:
            self.visit(statement)

    def finish(self) -> None:
        """Look up the names whose meaning depends on the whole file."""
        for node, block in self._later:
            if not block.knows(node.id):
                self._check_global(node, block)

    def _refuse(self, message: str, node: ast.stmt | ast.expr, *, hint: str | None = None) -> None:
        place = Position(file=self._file, line=node.lineno, column=node.col_offset + 1)
        self.names.errors.append(StaticError(message, place, hint=hint))

    def _check_global(self, node: ast.Name, block: _Bindings | None) -> None:
        name, names = node.id, self.names
        if name not in names.globals_ and name not in names.loaded and name not in self._predeclared:
            known = names.globals_ | names.loaded
            near = sorted(known | (block.all_names() if block else set()))
            message = f"undefined: {name}{did_you_mean(name, near)}"
            builtin = nearest(name, sorted(self._predeclared))  # which Starlark does not look at
            self._refuse(message, node, hint=f"did you mean `{builtin}`?" if builtin else None)

    def _bind(self, name: str) -> None:
        if self._block is not None:
            self._block.names.add(name)
        elif name not in self.names.loaded:
            self.names.globals_.add(name)

    def visit(self, node: ast.AST) -> None:
        """Look at a node; at nothing of a literal."""
        if type(node) is not ast.Constant:
            super().visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        """A statement that is an expression."""
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        """What is called, and the arguments."""
        self.visit(node.func)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            self.visit(keyword.value)

    def visit_Name(self, node: ast.Name) -> None:
        """A name read or bound."""
        if isinstance(node.ctx, ast.Store):
            self._bind(node.id)
        elif self._block is None:
            self._check_global(node, None)
        else:
            self._later.append((node, self._block))

    def visit_Assign(self, node: ast.Assign) -> None:
        """The right side is read before the left side is bound."""
        self.visit(node.value)
        self.visit(node.targets[0])

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """The same."""
        self.visit(node.value)
        self.visit(node.target)

    def visit_For(self, node: ast.For) -> None:
        """The source is read before the variables are bound."""
        self.visit(node.iter)
        self.visit(node.target)
        self._loop(node.body)

    def visit_While(self, node: ast.While) -> None:
        """A loop like another."""
        self.visit(node.test)
        self._loop(node.body)

    def _loop(self, body: list[ast.stmt]) -> None:
        self._loops += 1
        self.block(body)
        self._loops -= 1

    def visit_If(self, node: ast.If) -> None:
        """Both branches."""
        self.visit(node.test)
        self._branches += 1
        self.block(node.body)
        self.block(node.orelse)
        self._branches -= 1

    def visit_Break(self, node: ast.Break) -> None:
        """Only in a loop."""
        if not self._loops:
            self._refuse("break not in a loop", node)

    def visit_Continue(self, node: ast.Continue) -> None:
        """Only in a loop."""
        if not self._loops:
            self._refuse("continue not in a loop", node)

    def visit_Return(self, node: ast.Return) -> None:
        """Only in a function."""
        if not self._functions:
            self._refuse("return statement not within a function", node)
        self.generic_visit(node)

    def visit_LoadStatement(self, node: LoadStatement) -> None:
        """Only at the top level of a file."""
        place = "function" if self._functions else "loop" if self._loops else "conditional" if self._branches else None
        if place is not None:
            self._refuse(f"load statement within a {place}", node)
        self.names.loaded.update(name for name, _ in node.names)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """The name is bound outside, the parameters inside."""
        self._bind(node.name)
        self._function(node.args, node.body)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """The same without a name."""
        self._function(node.args, [node.body])

    def _function(self, arguments: ast.arguments, body: list[ast.stmt] | list[ast.expr]) -> None:
        for default in [*arguments.defaults, *arguments.kw_defaults]:
            if default is not None:
                self.visit(default)
        outer, loops, branches = self._block, self._loops, self._branches
        self._block = _Bindings(outer)
        self._loops = self._branches = 0
        self._functions += 1
        for parameter in [*arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]:
            if parameter is not None:
                self._block.names.add(parameter.arg)
        for node in body:
            self.visit(node)
        self._functions -= 1
        self._block, self._loops, self._branches = outer, loops, branches

    def visit_ListComp(self, node: ast.ListComp) -> None:
        """A block of its own, apart from its first source."""
        self._comprehension(node.generators, [node.elt])

    def visit_DictComprehension(self, node: ast.DictComp) -> None:
        """The same."""
        self._comprehension(node.generators, [node.key, node.value])

    def _comprehension(self, clauses: list[ast.comprehension], results: list[ast.expr]) -> None:
        self.visit(clauses[0].iter)
        outer = self._block
        self._block = _Bindings(outer)
        for i, clause in enumerate(clauses):
            assert isinstance(clause, Clause), "the parser makes no other"
            if i:
                self.visit(clause.iter)
            self.visit(clause.target)
            for test in clause.ifs:
                self.visit(test)
        for result in results:
            self.visit(result)
        self._block = outer
