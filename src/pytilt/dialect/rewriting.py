"""The tree of a Tiltfile to the tree that Python compiles.

Most of the language means in Python what it means here. What does not becomes a call of a function of this package, at
the place of the operation. Those functions have names that no Tiltfile can write: they start with a `$`.
"""

import ast
from collections.abc import Sequence
from typing import Any, TypeVar

from pytilt.dialect.resolving import Names
from pytilt.dialect.tracing import TOPLEVEL
from pytilt.dialect.tree import Clause, DictComprehension, Entries, LoadStatement, beside, constant, place

_Comprehension = TypeVar("_Comprehension", ast.ListComp, ast.DictComp)

"""The name of the function that the statements of a file become."""

_OPERATORS: dict[type[ast.operator] | type[ast.cmpop] | type[ast.unaryop], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.FloorDiv: "floor_divide",
    ast.Mod: "modulo", ast.BitOr: "bit_or", ast.BitAnd: "bit_and", ast.BitXor: "bit_xor", ast.LShift: "shift_left",
    ast.RShift: "shift_right", ast.Eq: "equal", ast.NotEq: "unequal", ast.Lt: "less", ast.LtE: "less_or_equal",
    ast.Gt: "greater", ast.GtE: "greater_or_equal", ast.In: "contains", ast.NotIn: "contains_not",
    ast.USub: "negate", ast.UAdd: "positive", ast.Invert: "invert",
}  # fmt: skip
_IN_PLACE = {ast.Add: "add_in_place", ast.BitOr: "bit_or_in_place"}
_CONSTANTS = {"None": None, "True": True, "False": False}

_FAST_FOR_INTS = (ast.Add, ast.Sub, ast.Mult, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
"""Operations that Python does right when both sides are ints."""

_FAST_BY_CONSTANT = (ast.FloorDiv, ast.Mod)
"""Those for which the right side must not be zero, too."""


def rewrite(body: list[ast.stmt], names: Names) -> ast.Module:
    """The module that defines the function `TOPLEVEL`, which does what the statements say.

    Args:
        body: the statements of the file; they are used up.
        names: what names the file makes.
    """
    statements: list[ast.stmt] = []
    if made := sorted(names.globals_ | names.loaded):
        statements.append(ast.Global(made))
    statements += Rewriter().block(body) or [ast.Pass()]
    arguments = ast.arguments([], [], None, [], [], None, [])
    function = place(ast.FunctionDef(TOPLEVEL, arguments, statements, []), 1, 1)
    _locate(function, 1, 0)
    return ast.Module([function], [])


class Rewriter(ast.NodeTransformer):
    """Rewrites the statements of one file."""

    def __init__(self) -> None:
        self._temporaries = 0
        self._comprehensions = 0
        self._sources = 0

    def visit(self, node: ast.AST) -> Any:  # noqa: ANN401 - what the method for its kind returns
        """Rewrite a node; a literal stays as it is."""
        return node if type(node) is ast.Constant else super().visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        """A statement that is an expression."""
        node.value = self.visit(node.value)
        return node

    def block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Rewrite statements; one may become several."""
        result: list[ast.stmt] = []
        for statement in body:
            changed = self.visit(statement)
            result += changed if isinstance(changed, list) else [changed]
        return result

    def _temporary(self) -> str:
        self._temporaries += 1
        return f"${self._temporaries}"

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """`None`, `True` and `False` are constants in Python."""
        if node.id in _CONSTANTS:
            return beside(ast.Constant(_CONSTANTS[node.id]), node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Arithmetic."""
        return self._operation(node, node.op, self.visit(node.left), self.visit(node.right))

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Comparisons, of which there is one at a time."""
        left, right = self.visit(node.left), self.visit(node.comparators[0])
        operator = node.ops[0]
        if isinstance(operator, ast.Eq | ast.NotEq) and (_is_string(left) or _is_string(right)):
            return beside(ast.Compare(left, [operator], [right]), node)
        return self._operation(node, operator, left, right)

    def _operation(
        self, node: ast.expr, operator: ast.operator | ast.cmpop, left: ast.expr, right: ast.expr
    ) -> ast.expr:
        """The call of the operator's function, or Python's operation when both sides turn out to be ints."""
        name = _OPERATORS[type(operator)]
        fast = isinstance(operator, _FAST_FOR_INTS) or (isinstance(operator, _FAST_BY_CONSTANT) and _is_divisor(right))
        if not fast or not self._may_be_ints(left, right):
            return _call(name, [left, right], node)
        first, left = self._kept(left)
        second, right = self._kept(right)
        tests = [_call("type", [side], node) for side in (first, second) if not isinstance(side, ast.Constant)]
        if not tests:
            return _call(name, [left, right], node)
        same = [*tests[1:], _helper("int")]
        test = beside(ast.Compare(tests[0], [ast.Is() for _ in same], same), node)
        if isinstance(operator, ast.cmpop):
            plain: ast.expr = ast.Compare(left, [operator], [right])
        else:
            plain = ast.BinOp(left, operator, right)
        return beside(ast.IfExp(test, beside(plain, node), _call(name, [left, right], node)), node)

    def _may_be_ints(self, left: ast.expr, right: ast.expr) -> bool:
        for side in (left, right):
            if isinstance(side, ast.Constant) and type(side.value) is not int:
                return False
            if isinstance(side, ast.Call) and _helper_name(side) in {"$list", "$dict", "$attr"}:
                return False
            if (self._comprehensions or self._sources) and not isinstance(side, ast.Name | ast.Constant):
                return False  # Python has no temporary names there
        return True

    def _kept(self, side: ast.expr) -> tuple[ast.expr, ast.expr]:
        """An operand to be looked at first, and to be used a second time."""
        if isinstance(side, ast.Name | ast.Constant):
            return side, side
        name = self._temporary()
        kept = beside(ast.NamedExpr(ast.Name(name, ast.Store()), side), side)
        return kept, beside(ast.Name(name, ast.Load()), side)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """Signs; `not` is Python's."""
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            return beside(ast.UnaryOp(node.op, operand), node)
        if isinstance(node.op, ast.USub) and isinstance(operand, ast.Constant) and type(operand.value) in {int, float}:
            return beside(ast.Constant(-operand.value), node)  # type: ignore[operator] # it is a number
        return _call(_OPERATORS[type(node.op)], [operand], node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """`x.name`."""
        return _call("attr", [self.visit(node.value), ast.Constant(node.attr)], node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """`x[i]` and `x[i:j:k]`."""
        value = self.visit(node.value)
        if isinstance(node.slice, ast.Slice):
            bounds = (node.slice.lower, node.slice.upper, node.slice.step)
            return _call(
                "slice", [value, *(self.visit(bound) if bound else ast.Constant(None) for bound in bounds)], node
            )
        return _call("index", [value, self.visit(node.slice)], node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Calls are Python's; what `*` and `**` spread is checked."""
        node.func = self.visit(node.func)
        arguments: list[ast.expr] = []
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                spread = _call("star", [self.visit(argument.value)], node)
                arguments.append(beside(ast.Starred(spread, ast.Load()), node))
            else:
                arguments.append(self.visit(argument))
        node.args = arguments
        for keyword in node.keywords:
            value = self.visit(keyword.value)
            keyword.value = value if keyword.arg is not None else _call("double_star", [value], node)
        return node

    def visit_List(self, node: ast.List) -> ast.expr:
        """`[a, b]`."""
        elements = beside(ast.Tuple([self.visit(element) for element in node.elts], ast.Load()), node)
        return _call("list", [elements] if node.elts else [], node)

    def visit_Entries(self, node: Entries) -> ast.expr:
        """`{a: b}`: a key that is there twice is an error."""
        keys = [self.visit(key) for key in node.keys if key is not None]
        values = [self.visit(value) for value in node.values]
        constants = [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
        if len(set(constants)) == len(keys):
            return _call("dict", [beside(ast.Dict(keys, values), node)] if keys else [], node)
        parts: list[ast.expr] = []
        for key, value, (line, column) in zip(keys, values, node.colons, strict=True):
            parts += [key, value, ast.Constant(line), ast.Constant(column)]
        return _call("unique_dict", parts, node)

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        """`[a for b in c if d]`."""
        clauses = self._clauses(node.generators)
        self._comprehensions += 1
        result = _at_first_clause(ast.ListComp(self.visit(node.elt), clauses), node)
        self._comprehensions -= 1
        return _call("list", [result], node)

    def visit_DictComprehension(self, node: DictComprehension) -> ast.expr:
        """`{a: b for c in d if e}`."""
        clauses = self._clauses(node.generators)
        self._comprehensions += 1
        key = self.visit(node.key)
        if not isinstance(key, ast.Constant):
            key = _call("hashable", [key], place(ast.Constant(None), *node.colon))
        result = _at_first_clause(ast.DictComp(key, self.visit(node.value), clauses), node)
        self._comprehensions -= 1
        return _call("dict", [result], node)

    def _clauses(self, clauses: Sequence[ast.comprehension]) -> list[ast.comprehension]:
        result: list[ast.comprehension] = []
        for clause in clauses:
            assert isinstance(clause, Clause), "the parser makes no other"
            mark = place(ast.Constant(None), clause.line, clause.column)
            self._sources += 1
            source = self.visit(clause.iter)
            self._sources -= 1
            shape = _shape(clause.target)
            if shape is None:
                source = _call("iterate", [source], mark)
            else:
                source = _call("iterate_parts", [source, constant(shape)], mark)
            self._comprehensions += 1
            tests = [self.visit(test) for test in clause.ifs]
            self._comprehensions -= 1
            result.append(ast.comprehension(clause.target, source, tests, 0))
        return result

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        """A function without a name."""
        node.args = self._arguments(node.args)
        comprehensions, self._comprehensions = self._comprehensions, 0
        node.body = self.visit(node.body)
        self._comprehensions = comprehensions
        if node.args.kwarg is not None and not self._sources:
            name = node.args.kwarg.arg
            made = ast.NamedExpr(ast.Name(name, ast.Store()), _call("dict", [ast.Name(name, ast.Load())], node))
            both = ast.Tuple([made, node.body], ast.Load())
            node.body = beside(ast.Subscript(both, ast.Constant(1), ast.Load()), node)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        """A function; `**kwargs` is a dict of the language."""
        node.args = self._arguments(node.args)
        node.body = self.block(node.body)
        if node.args.kwarg is not None:
            name = node.args.kwarg.arg
            made = _call("dict", [ast.Name(name, ast.Load())], node)
            node.body.insert(0, beside(ast.Assign([ast.Name(name, ast.Store())], made), node))
        return node

    def _arguments(self, arguments: ast.arguments) -> ast.arguments:
        arguments.defaults = [self.visit(default) for default in arguments.defaults]
        arguments.kw_defaults = [default and self.visit(default) for default in arguments.kw_defaults]
        return arguments

    def visit_For(self, node: ast.For) -> ast.stmt:
        """A loop; its source is checked and cannot change meanwhile."""
        source = _call("iterate", [self.visit(node.iter)], node)
        if isinstance(node.target, ast.Name):
            return beside(ast.For(node.target, source, self.block(node.body), []), node)
        name = self._temporary()
        first = self._assign(node.target, ast.Name(name, ast.Load()), node)
        body = [*first, *self.block(node.body)]
        return beside(ast.For(ast.Name(name, ast.Store()), source, body, []), node)

    def visit_While(self, node: ast.While) -> ast.stmt:
        """A loop like Python's."""
        return beside(ast.While(self.visit(node.test), self.block(node.body), []), node)

    def visit_If(self, node: ast.If) -> ast.stmt:
        """Branches like Python's."""
        return beside(ast.If(self.visit(node.test), self.block(node.body), self.block(node.orelse)), node)

    def visit_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        """`target = value`."""
        return self._assign(node.targets[0], self.visit(node.value), node)

    def _assign(self, target: ast.expr, value: ast.expr, mark: ast.stmt) -> list[ast.stmt]:
        """Statements that bind a target. A target of several parts takes the value apart first."""
        if isinstance(target, ast.Name):
            return [beside(ast.Assign([target], value), mark)]
        if isinstance(target, ast.Subscript):
            container, key = self.visit(target.value), self.visit(target.slice)
            return [beside(ast.Expr(_call("set_index", [value, container, key], target)), target)]
        if isinstance(target, ast.Attribute):
            parts = [value, self.visit(target.value), ast.Constant(target.attr)]
            return [beside(ast.Expr(_call("set_attr", parts, target)), target)]
        assert isinstance(target, ast.Tuple | ast.List), "the parser refuses the others"
        names: list[ast.expr] = []
        then: list[ast.stmt] = []
        for element in target.elts:
            if isinstance(element, ast.Name):
                names.append(element)
            else:
                name = self._temporary()
                names.append(beside(ast.Name(name, ast.Store()), element))
                then += self._assign(element, ast.Name(name, ast.Load()), mark)
        taken = _call("unpack", [value, ast.Constant(len(names))], mark)
        first = ast.Assign([ast.Tuple(names, ast.Store())], taken) if names else ast.Expr(taken)
        return [beside(first, mark), *then]

    def visit_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        """`target += value`: what the target names is evaluated once."""
        if isinstance(node.target, ast.Name):
            read = beside(ast.Name(node.target.id, ast.Load()), node.target)
            return [beside(ast.Assign([node.target], self._augmented(node, read)), node)]
        container, keep = self._stored(node.target.value)
        if isinstance(node.target, ast.Attribute):
            name = ast.Constant(node.target.attr)
            value = self._augmented(node, _call("attr", [container, name], node.target))
            return [*keep, beside(ast.Expr(_call("set_attr", [value, container, name], node.target)), node)]
        key, keep_key = self._stored(node.target.slice)
        value = self._augmented(node, _call("index", [container, key], node.target))
        write = _call("set_index", [value, container, key], node.target)
        return [*keep, *keep_key, beside(ast.Expr(write), node)]

    def _augmented(self, node: ast.AugAssign, old: ast.expr) -> ast.expr:
        value = self.visit(node.value)
        name = _IN_PLACE.get(type(node.op))
        if name is None or _is_integer(value):
            return self._operation(beside(ast.Constant(None), node), node.op, old, value)
        return _call(name, [old, value], node)

    def _stored(self, value: ast.expr) -> tuple[ast.expr, list[ast.stmt]]:
        """An expression that is used twice: a temporary name for it, and the statement that makes it."""
        name = self._temporary()
        made = ast.Assign([ast.Name(name, ast.Store())], self.visit(value))
        return beside(ast.Name(name, ast.Load()), value), [beside(made, value)]

    def visit_LoadStatement(self, node: LoadStatement) -> ast.stmt:
        """`load(path, "name")`."""
        targets: list[ast.expr] = [ast.Name(name, ast.Store()) for name, _ in node.names]
        originals = constant(tuple(original for _, original in node.names))
        loaded = _call("load", [ast.Constant(node.path), originals], node)
        return beside(ast.Assign([ast.Tuple(targets, ast.Store())], loaded), node)


def _locate(node: ast.AST, line: int, column: int) -> None:
    """Give every node that has no place that of the one around it; as `ast.fix_missing_locations`, but quicker."""
    held = node.__dict__
    if "lineno" in held:
        line, column = held["lineno"], held["col_offset"]
    elif isinstance(node, ast.expr | ast.stmt | ast.keyword | ast.arg):
        node.lineno = node.end_lineno = line
        node.col_offset = node.end_col_offset = column
    for part in list(held.values()):
        if isinstance(part, list):
            for each in part:
                if isinstance(each, ast.AST):
                    _locate(each, line, column)
        elif isinstance(part, ast.AST):
            _locate(part, line, column)


def _helper(name: str) -> ast.Name:
    return ast.Name(f"${name}", ast.Load())


def _helper_name(call: ast.Call) -> str | None:
    return call.func.id if isinstance(call.func, ast.Name) else None


def _call(name: str, arguments: Sequence[ast.expr], mark: ast.expr | ast.stmt) -> ast.Call:
    """A call of one of this package's functions, at the place of `mark`."""
    return beside(ast.Call(beside(_helper(name), mark), [*arguments], []), mark)


def _at_first_clause(result: _Comprehension, node: ast.ListComp | ast.DictComp) -> _Comprehension:
    """Place a comprehension where messages about taking its elements apart point."""
    clause = node.generators[0]
    assert isinstance(clause, Clause), "the parser makes no other"
    return place(result, clause.line, clause.column)


def _shape(target: ast.expr) -> object:
    """How the target of a comprehension takes an element apart; None when it is a name."""
    if not isinstance(target, ast.Tuple | ast.List):
        return None
    parts = [_shape(element) for element in target.elts]
    return len(parts) if all(part is None for part in parts) else tuple(parts)


def _is_string(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_integer(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int


def _is_divisor(node: ast.expr) -> bool:
    return _is_integer(node) and isinstance(node, ast.Constant) and node.value != 0
