"""Tokens to expressions: the grammar of everything that has a value."""

import ast

from pytilt.dialect.cursor import Cursor, describe
from pytilt.dialect.parameters import ParameterList
from pytilt.dialect.tree import Clause, DictComprehension, Entries, beside, constant, place, start

_OR, _AND, _NOT, _COMPARISON = 0, 1, 2, 3
_LEVELS = {
    "or": _OR, "and": _AND,
    "==": _COMPARISON, "!=": _COMPARISON, "<": _COMPARISON, ">": _COMPARISON, "<=": _COMPARISON, ">=": _COMPARISON,
    "in": _COMPARISON, "not in": _COMPARISON,
    "|": 4, "^": 5, "&": 6, "<<": 7, ">>": 7, "-": 8, "+": 8, "*": 9, "%": 9, "/": 9, "//": 9,
}  # fmt: skip
"""How strongly each operator binds, weakest first."""

_COMPARISONS: dict[str, type[ast.cmpop]] = {
    "==": ast.Eq, "!=": ast.NotEq, "<": ast.Lt, ">": ast.Gt, "<=": ast.LtE, ">=": ast.GtE,
    "in": ast.In, "not in": ast.NotIn,
}  # fmt: skip
OPERATORS: dict[str, type[ast.operator]] = {
    "|": ast.BitOr, "^": ast.BitXor, "&": ast.BitAnd, "<<": ast.LShift, ">>": ast.RShift,
    "-": ast.Sub, "+": ast.Add, "*": ast.Mult, "%": ast.Mod, "/": ast.Div, "//": ast.FloorDiv,
}  # fmt: skip
"""The binary operators that compute."""

_UNARY: dict[str, type[ast.unaryop]] = {"-": ast.USub, "+": ast.UAdd, "~": ast.Invert}
_ENDS_LIST = frozenset({"eof", "newline", "=", "}", "]", ")", ";"})
_LITERALS = frozenset({"int", "float", "string", "bytes"})
_ASSIGNABLE = (ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.List)
_KINDS = {
    ast.Constant: "literal", ast.Call: "callexpr", ast.BinOp: "binaryexpr", ast.Compare: "binaryexpr",
    ast.BoolOp: "binaryexpr", ast.UnaryOp: "unaryexpr", ast.Lambda: "lambdaexpr", ast.IfExp: "condexpr",
    ast.ListComp: "comprehension", ast.DictComp: "comprehension",
}  # fmt: skip
"""What a message calls an expression that cannot be assigned to."""

_CONSTANTS = frozenset({"None", "True", "False"})


class ExpressionParser(Cursor):
    """Reads expressions; statements are added by `parsing.Parser`."""

    def _expression(self, *, trailing_comma: bool = False) -> ast.expr:
        """One expression, or several with commas between them, which make a tuple."""
        first = self._test()
        if self._kind != ",":
            return first
        elements = self._more([first], trailing_comma=trailing_comma)
        return beside(ast.Tuple(elements, ast.Load()), first)

    def _more(self, elements: list[ast.expr], *, trailing_comma: bool) -> list[ast.expr]:
        while self._kind == ",":
            comma = self._advance()
            if self._kind in _ENDS_LIST:
                if not trailing_comma:
                    hint = "put the tuple in parentheses, or take the comma away"
                    self._fail("unparenthesized tuple with trailing comma", comma.line, comma.column, hint)
                break
            elements.append(self._test())
        return elements

    def _test(self, *, condition: bool = True) -> ast.expr:
        """One expression without commas; `condition` allows `a if b else c`."""
        if self._kind == "lambda":
            return self._lambda(condition=condition)
        value = self._binary(_OR)
        if not condition or self._kind != "if":
            return value
        mark = self._advance()
        test = self._binary(_OR)
        if self._kind != "else":
            self._fail("conditional expression without else clause", mark.line, mark.column)
        self._advance()
        return place(ast.IfExp(test, value, self._test()), mark.line, mark.column)

    def _lambda(self, *, condition: bool) -> ast.Lambda:
        mark = self._advance()
        arguments = self._parameters()
        self._take(":")
        return place(ast.Lambda(arguments, self._test(condition=condition)), mark.line, mark.column)

    def _binary(self, weakest: int) -> ast.expr:
        """Operands with operators that bind at least as strongly as `weakest`, left to right."""
        if self._kind == "not" and weakest <= _NOT:
            mark = self._advance()
            left: ast.expr = place(ast.UnaryOp(ast.Not(), self._binary(_NOT)), mark.line, mark.column)
        else:
            left = self._primary()
        compared = None
        while True:
            operator = self._operator()
            level = _LEVELS.get(operator, -1)
            if level < weakest:
                return left
            if level == _COMPARISON and compared is not None:
                hint = "comparisons cannot be chained; write `a < b and b < c`"
                self._fail_after(f"{compared} does not associate with {operator} (use parens)", hint)
            compared = operator if level == _COMPARISON else None
            mark = self._advance()
            left = place(_operation(operator, left, self._binary(level + 1)), mark.line, mark.column)

    def _operator(self) -> str:
        """The operator that comes next; of the two words of `not in`, the second one stands for both."""
        if self._kind == "not":
            self._advance()
            if self._kind != "in":
                self._unexpected("in")
            self._kind = "not in"
        return self._kind

    def _primary(self) -> ast.expr:
        """An operand with what hangs on it: attributes, indexes, calls."""
        node = self._operand()
        while True:
            if self._kind == ".":
                dot = self._advance()
                node = place(ast.Attribute(node, str(self._take_name().value), ast.Load()), dot.line, dot.column)
            elif self._kind == "[":
                node = self._subscript(node)
            elif self._kind == "(":
                node = self._call(node)
            else:
                return node

    def _operand(self) -> ast.expr:
        kind = self._kind
        if kind == "(":
            return self._parentheses()
        if kind == "[":
            return self._list()
        if kind == "{":
            return self._dict()
        if kind != "name" and kind not in _LITERALS and kind not in _UNARY:
            hint = "only calls can have `*` and `**` arguments" if kind in {"*", "**"} else None
            self._unexpected("primary expression", hint=hint, at_start=True)
        token = self._advance()
        node: ast.expr
        if kind == "name":
            node = ast.Name(str(token.value), ast.Load())
        elif kind in _UNARY:
            node = ast.UnaryOp(_UNARY[kind](), self._primary())
        else:
            node = constant(token.value)
        return place(node, token.line, token.column)

    def _parentheses(self) -> ast.expr:
        mark = self._advance()
        if self._kind == ")":
            self._advance()
            return place(ast.Tuple([], ast.Load()), mark.line, mark.column)
        inner = self._expression(trailing_comma=True)
        self._take(")", "an expression cannot assign; assign in a statement before it" if self._kind == ":" else None)
        return inner

    def _list(self) -> ast.expr:
        mark = self._advance()
        if self._kind == "]":
            self._advance()
            return place(ast.List([], ast.Load()), mark.line, mark.column)
        first = self._test()
        if self._kind == "for":
            return place(ast.ListComp(first, self._clauses("]")), mark.line, mark.column)
        elements = self._more([first], trailing_comma=True)
        self._take("]")
        return place(ast.List(elements, ast.Load()), mark.line, mark.column)

    def _dict(self) -> ast.expr:
        mark = self._advance()
        keys: list[ast.expr] = []
        values: list[ast.expr] = []
        colons: list[tuple[int, int]] = []
        while self._kind != "}":
            keys.append(self._test())
            colon = self._take(":", hint="for a set write `set([a, b])`" if self._kind in {"}", ","} else None)
            colons.append((colon.line, colon.column))
            values.append(self._test())
            if len(keys) == 1 and self._kind == "for":
                node = DictComprehension(keys[0], values[0], self._clauses("}"), colons[0])
                return place(node, mark.line, mark.column)
            if self._kind != ",":
                break
            self._advance()
        self._take("}")
        return place(Entries(keys, values, colons), mark.line, mark.column)

    def _clauses(self, end: str) -> list[ast.comprehension]:
        """The `for` and `if` parts of a comprehension, with its closing bracket."""
        clauses: list[ast.comprehension] = []
        while self._kind != end:
            if self._kind == "for":
                mark = self._advance()
                target = self._target(self._loop_variables())
                self._check_names(target)
                self._take("in")
                clauses.append(Clause(target, self._binary(_OR), mark.line, mark.column))
            elif self._kind == "if":
                self._advance()
                clauses[-1].ifs.append(self._test(condition=False))
            else:
                self._fail_after(f"got {describe(self._kind)}, want '{end}', for, or if")
        self._advance()
        return clauses

    def _loop_variables(self) -> ast.expr:
        first = self._primary()
        if self._kind != ",":
            return first
        elements = [first]
        while self._kind == ",":
            self._advance()
            if self._kind in _ENDS_LIST:
                break
            elements.append(self._primary())
        return beside(ast.Tuple(elements, ast.Load()), first)

    def _target(self, node: ast.expr) -> ast.expr:
        """The same expression as the left side of an assignment."""
        kind = _KINDS.get(type(node))
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            kind = "sliceexpr"
        if isinstance(node, ast.Name) and node.id in _CONSTANTS:
            kind = node.id
        if kind is not None or not isinstance(node, _ASSIGNABLE):
            self._note(f"can't assign to {kind or 'this expression'}", *start(node))
            return beside(ast.Tuple([], ast.Store()), node)
        node.ctx = ast.Store()
        if isinstance(node, ast.Tuple | ast.List):
            for element in node.elts:
                self._target(element)
        return node

    def _check_names(self, target: ast.expr) -> None:
        """A comprehension can only bind names."""
        if isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self._check_names(element)
        elif not isinstance(target, ast.Name):
            self._note("the variables of a comprehension must be names", *start(target))

    def _subscript(self, value: ast.expr) -> ast.Subscript:
        """`[index]` or `[start:stop:step]`."""
        mark = self._advance()
        lower = upper = step = None
        if self._kind != ":":
            index = self._expression()
            if self._kind == "]":
                self._advance()
                return place(ast.Subscript(value, index, ast.Load()), mark.line, mark.column)
            lower = index
        if self._kind == ":":
            self._advance()
            if self._kind not in {":", "]"}:
                upper = self._test()
        if self._kind == ":":
            self._advance()
            if self._kind != "]":
                step = self._test()
        self._take("]")
        parts = place(ast.Slice(lower, upper, step), mark.line, mark.column)
        return place(ast.Subscript(value, parts, ast.Load()), mark.line, mark.column)

    def _call(self, function: ast.expr) -> ast.Call:
        mark = self._advance()
        call = place(ast.Call(function, [], []), mark.line, mark.column)
        while self._kind not in {")", "eof"}:
            if call.args or call.keywords:
                hint = "put the comprehension in brackets: `f([x for x in y])`" if self._kind == "for" else None
                self._take(",", hint)
                if self._kind == ")":
                    break
            self._argument(call)
        self._take(")")
        return call

    def _argument(self, call: ast.Call) -> None:
        start = self._token
        if start.kind in {"*", "**"}:
            self._advance()
            self._check_star(call, start.kind, start.line, start.column)
            value = self._test()
            if start.kind == "*":
                call.args.append(place(ast.Starred(value, ast.Load()), start.line, start.column))
            else:
                call.keywords.append(place(ast.keyword(None, value), start.line, start.column))
            return
        value = self._test()
        if self._kind == "=":
            if not isinstance(value, ast.Name):
                self._fail_after("keyword argument must have form name=expr")
            self._advance()
            self._check_order(call, value.id, start.line, start.column)
            call.keywords.append(place(ast.keyword(value.id, self._test()), start.line, start.column))
        else:
            self._check_order(call, None, start.line, start.column)
            call.args.append(value)

    def _check_star(self, call: ast.Call, star: str, line: int, column: int) -> None:
        if any(keyword.arg is None for keyword in call.keywords):
            problem = "multiple **kwargs not allowed" if star == "**" else "*args may not follow **kwargs"
            self._note(problem, line, column)
        elif star == "*" and any(isinstance(argument, ast.Starred) for argument in call.args):
            self._note("multiple *args not allowed", line, column)

    def _check_order(self, call: ast.Call, name: str | None, line: int, column: int) -> None:
        kind = "positional" if name is None else "keyword"
        if any(keyword.arg is None for keyword in call.keywords):
            self._note(f"{kind} argument may not follow **kwargs", line, column)
        elif any(isinstance(argument, ast.Starred) for argument in call.args):
            self._note(f"{kind} argument may not follow *args", line, column)
        elif name is None and call.keywords:
            self._note("positional argument may not follow named", line, column)
        elif name is not None and any(keyword.arg == name for keyword in call.keywords):
            self._note(f'keyword argument "{name}" is repeated', line, column)

    def _parameters(self) -> ast.arguments:
        """The parameters of a function, up to the token that ends them."""
        parameters = ParameterList(self._note)
        first = True
        while self._kind not in {")", ":", "eof"}:
            if not first:
                self._take(",")
                if self._kind == ")":
                    break
            first = False
            self._parameter(parameters)
        return parameters.finish()

    def _parameter(self, parameters: ParameterList) -> None:
        start = self._token
        if start.kind in {"*", "**"}:
            self._advance()
            name = str(self._take_name().value) if start.kind == "**" or self._kind == "name" else None
            parameters.add_star(start.kind, name, start.line, start.column)
            return
        name = str(self._take_name().value)
        default = None
        if self._kind == "=":
            self._advance()
            default = self._test()
        parameters.add(name, default, start.line, start.column)


def _operation(operator: str, left: ast.expr, right: ast.expr) -> ast.expr:
    if operator == "or":
        return ast.BoolOp(ast.Or(), [left, right])
    if operator == "and":
        return ast.BoolOp(ast.And(), [left, right])
    if operator in _COMPARISONS:
        return ast.Compare(left, [_COMPARISONS[operator]()], [right])
    return ast.BinOp(left, OPERATORS[operator](), right)
