"""Tokens to statements: the grammar of a whole file."""

import ast

from pytilt.dialect.cursor import describe
from pytilt.dialect.errors import StaticError
from pytilt.dialect.expressions import OPERATORS, ExpressionParser
from pytilt.dialect.tree import LoadStatement, beside, place, start


def parse(file: str, source: str) -> tuple[list[ast.stmt], list[StaticError]]:
    """The statements of a file, and what is wrong with them beside the grammar.

    Args:
        file: the path, for messages.
        source: its text.

    Raises:
        StaticError: the text is not in the grammar.
    """
    parser = Parser(file, source)
    return parser.statements(), parser.errors


class Parser(ExpressionParser):
    """Reads one file."""

    def statements(self) -> list[ast.stmt]:
        """All statements up to the end of the file."""
        body: list[ast.stmt] = []
        while self._kind != "eof":
            if self._kind == "newline":
                self._advance()
            else:
                self._statement(body)
        return body

    def _statement(self, body: list[ast.stmt]) -> None:
        if self._kind == "def":
            body.append(self._def())
        elif self._kind == "if":
            body.append(self._if())
        elif self._kind == "for":
            body.append(self._for())
        elif self._kind == "while":
            body.append(self._while())
        else:
            self._simple_line(body)

    def _def(self) -> ast.FunctionDef:
        mark = self._advance()
        name = self._take_name()
        self._take("(")
        arguments = self._parameters()
        self._take(")", "types of parameters are not part of the language" if self._kind == ":" else None)
        self._take(":")
        node = ast.FunctionDef(str(name.value), arguments, self._suite(), [])
        return place(node, mark.line, mark.column)

    def _if(self) -> ast.If:
        mark = self._advance()
        test = self._test()
        self._take(":")
        node = place(ast.If(test, self._suite(), []), mark.line, mark.column)
        if self._kind == "elif":
            node.orelse = [self._if()]
        elif self._kind == "else":
            self._advance()
            self._take(":")
            node.orelse = self._suite()
        return node

    def _for(self) -> ast.For:
        mark = self._advance()
        target = self._target(self._loop_variables())
        self._take("in")
        source = self._expression()
        self._take(":")
        return place(ast.For(target, source, self._suite(), []), mark.line, mark.column)

    def _while(self) -> ast.While:
        mark = self._advance()
        test = self._test()
        self._take(":")
        return place(ast.While(test, self._suite(), []), mark.line, mark.column)

    def _suite(self) -> list[ast.stmt]:
        """What follows a colon: an indented block, or statements on the same line."""
        body: list[ast.stmt] = []
        if self._kind != "newline":
            self._simple_line(body)
            return body
        self._advance()
        self._take("indent")
        while self._kind not in {"outdent", "eof"}:
            self._statement(body)
        self._take("outdent")
        return body

    def _simple_line(self, body: list[ast.stmt]) -> None:
        """Statements without a block, with semicolons between them."""
        body.append(self._simple())
        while self._kind == ";":
            self._advance()
            if self._kind in {"newline", "eof"}:
                break
            body.append(self._simple())
        if self._kind != "eof":
            hint = None
            if self._kind == "=":
                hint = "assign to one name at a time"
            elif self._kind == "string":
                hint = "join strings with `+`"
            elif self._kind == ":":
                hint = "types are not part of the language"
            elif self._kind == "**":
                hint = "there is no power operator; multiply in a loop"
            self._take("newline", hint)

    def _simple(self) -> ast.stmt:
        token = self._token
        if self._kind == "return":
            self._advance()
            value = None if self._kind in {"eof", "newline", ";"} else self._expression()
            return place(ast.Return(value), token.line, token.column)
        if self._kind in {"break", "continue", "pass"}:
            self._advance()
            nodes = {"break": ast.Break, "continue": ast.Continue, "pass": ast.Pass}
            return place(nodes[token.kind](), token.line, token.column)
        if self._kind == "load":
            return self._load()
        left = self._expression()
        sign = self._kind
        if sign == "=":
            mark = self._advance()
            return place(ast.Assign([self._target(left)], self._expression()), mark.line, mark.column)
        if sign.endswith("=") and sign[:-1] in OPERATORS:
            return self._augmented(left)
        return beside(ast.Expr(left), left)

    def _augmented(self, left: ast.expr) -> ast.stmt:
        mark = self._advance()
        value = self._expression()
        if isinstance(left, ast.Tuple | ast.List):
            kind = "tuple" if isinstance(left, ast.Tuple) else "list"
            self._note(f"can't use {kind} expression in augmented assignment", *start(left))
            return beside(ast.Expr(value), value)
        target = self._target(left)
        if not isinstance(target, ast.Name | ast.Attribute | ast.Subscript):
            return beside(ast.Expr(value), value)
        return place(ast.AugAssign(target, OPERATORS[mark.kind[:-1]](), value), mark.line, mark.column)

    def _load(self) -> LoadStatement:
        mark = self._advance()
        bracket = self._take("(")
        if self._kind != "string":
            hint = "`load_dynamic(path)` takes any expression"
            self._fail_after("first operand of load statement must be a string literal", hint)
        path = str(self._advance().value)
        names: list[tuple[str, str]] = []
        while self._kind not in {")", "eof"}:
            self._take(",")
            if self._kind == ")":
                break
            names.append(self._loaded_name())
        self._take(")")
        if not names:
            self._fail("load statement must import at least 1 symbol", bracket.line, bracket.column)
        return place(LoadStatement(path, names), mark.line, mark.column)

    def _loaded_name(self) -> tuple[str, str]:
        """One operand of `load`: the name here and the name there."""
        token = self._token
        if token.kind == "string":
            self._advance()
            return self._checked(str(token.value), token.line, token.column + 1, str(token.value))
        if token.kind != "name":
            self._fail_after(f'load operand must be "name" or localname="name" (got {describe(token.kind)})')
        self._advance()
        name = str(token.value)
        if self._kind != "=":
            self._fail_after(f'load operand must be "{name}" or {name}="originalname" (want \'=\' after {name})')
        self._advance()
        if self._kind != "string":
            self._fail_after(f'original name of loaded symbol must be quoted: {name}="originalname"')
        original = self._advance()
        return self._checked(str(original.value), original.line, original.column + 1, name)

    def _checked(self, original: str, line: int, column: int, name: str) -> tuple[str, str]:
        if not original:
            self._note("load: empty identifier", line, column)
        if original.startswith("_"):
            self._note(f"load: names with leading underscores are not exported: {original}", line, column)
        return name, original
